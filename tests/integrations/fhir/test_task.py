"""The Task tells how far the work on a referral has come."""

import pytest

from integrations.fhir import task
from tests.integrations.fhir.cast import (
    BASE_URL,
    PATIENT_ID,
    PRACTICE_ID,
    REFERRAL_ID,
    Change,
    Referral,
    check,
)

REFERRAL = Referral()


def test_a_task_fulfils_its_referral() -> None:
    rendered = task.render(REFERRAL, Change(), base_url=BASE_URL)

    assert rendered == {
        "resourceType": "Task",
        "id": str(REFERRAL_ID),
        "meta": {"versionId": "4", "lastUpdated": "2026-11-22T09:30:00.120Z"},
        "status": "accepted",
        "businessStatus": {
            "coding": [
                {
                    "system": f"{BASE_URL}/fhir/R4/CodeSystem/business-status",
                    "code": "matched",
                    "display": "Matched with communities",
                }
            ]
        },
        "intent": "order",
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
        },
        "focus": {"reference": f"ServiceRequest/{REFERRAL_ID}"},
        "for": {"reference": f"Patient/{PATIENT_ID}"},
        "authoredOn": "2026-11-20T12:00:00.000Z",
        "lastModified": "2026-11-22T09:30:00.120Z",
        "requester": {
            "reference": f"Organization/{PRACTICE_ID}",
            "type": "Organization",
            "identifier": {
                "system": "https://fhir.nhs.uk/Id/ods-organization-code",
                "value": "X99999",
            },
            "display": "Example Surgery",
        },
        "owner": {"display": "Peer-support referral service"},
    }
    assert check(rendered) == []


def test_a_task_gives_the_reason_of_its_status() -> None:
    change = Change(task_status="on-hold", reason_text="Please add a phone number.")

    rendered = task.render(REFERRAL, change, base_url=BASE_URL)

    assert rendered["statusReason"] == {"text": "Please add a phone number."}
    assert check(rendered) == []


def test_a_task_without_a_business_status_has_none() -> None:
    rendered = task.render(REFERRAL, Change(business_status=""), base_url=BASE_URL)

    assert "businessStatus" not in rendered
    assert check(rendered) == []


@pytest.mark.parametrize("code", [*task.BUSINESS_STATUSES, "one-day-added"])
def test_every_business_status_can_be_told(code: str) -> None:
    rendered = task.render(REFERRAL, Change(business_status=code), base_url=BASE_URL)

    assert rendered["businessStatus"]["coding"][0]["code"] == code
    assert check(rendered) == []
