"""``$validate`` over HTTP: what a create or an update would be told, for every type, and nothing kept."""

import json
from typing import Any

import pytest
from django.conf import settings

from api.fhir.served import VALIDATED
from config.fictional import Person
from tests import cast
from tests.api.answers import Answer, issues, row_counts
from tests.api.messages import Message

pytestmark = pytest.mark.django_db

Resource = dict[str, Any]


def _found(answer: Answer) -> list[tuple[str, str]]:
    """The code and the place of every error found."""
    assert answer.status_code == 200, answer.content
    outcome = json.loads(answer.content)
    assert outcome["resourceType"] == "OperationOutcome"
    return [
        (issue["code"], "".join(issue.get("expression", ())))
        for issue in outcome["issue"]
        if issue["severity"] == "error"
    ]


def test_what_would_be_taken_is_told_so(gp_system: cast.ClinicalSystem, person: Person) -> None:
    answer = gp_system.post("/fhir/R4/ServiceRequest/$validate", cast.referral_for(person))

    assert _found(answer) == []
    [issue] = json.loads(answer.content)["issue"]
    assert (issue["severity"], issue["code"]) == ("information", "informational")


def test_what_would_be_refused_is_told_why(gp_system: cast.ClinicalSystem, person: Person) -> None:
    sent = cast.referral_for(person) | {"intent": "proposal", "priority": "soon"}

    found = _found(gp_system.post("/fhir/R4/ServiceRequest/$validate", sent))

    assert found == [
        ("code-invalid", "ServiceRequest.priority"),
        ("business-rule", "ServiceRequest.intent"),
    ]


def test_nothing_is_kept(gp_system: cast.ClinicalSystem, person: Person) -> None:
    gp_system.sign_in()
    before = row_counts()

    _found(gp_system.post("/fhir/R4/ServiceRequest/$validate", cast.referral_for(person)))
    _found(gp_system.post("/fhir/R4/Patient/$validate", {"resourceType": "Patient"}))

    assert row_counts() == before


@pytest.mark.parametrize("resource_type", VALIDATED)
def test_every_type_that_is_served_is_validated(
    gp_system: cast.ClinicalSystem, resource_type: str
) -> None:
    sent = {"resourceType": resource_type, "colour": "blue"}

    found = _found(gp_system.post(f"/fhir/R4/{resource_type}/$validate", sent))

    assert ("structure", f"{resource_type}.colour") in found


@pytest.mark.parametrize("resource_type", ["Observation", "Nonsense"])
def test_a_type_that_is_not_served_is_not_validated(
    gp_system: cast.ClinicalSystem, resource_type: str
) -> None:
    answer = gp_system.post(f"/fhir/R4/{resource_type}/$validate", {})

    assert issues(answer, 404)[0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"birthDate": "1985"}, ("required", "Patient.birthDate")),
        ({"birthDate": "1785-01-01"}, ("value", "Patient.birthDate")),
        ({"deceasedBoolean": True}, ("business-rule", "Patient.deceased")),
    ],
)
def test_the_rules_of_the_service_are_asked_too(
    gp_system: cast.ClinicalSystem, person: Person, change: Resource, found: tuple[str, str]
) -> None:
    referral = cast.referral_for(person)
    referral["contained"][0] |= change
    patient = {name: value for name, value in referral["contained"][0].items() if name != "id"}
    entry = {"resource": referral, "request": {"method": "POST", "url": "ServiceRequest"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    code, place = found
    within = place.removeprefix("Patient")

    told = {
        kind: _found(gp_system.post(f"/fhir/R4/{kind}/$validate", sent))
        for kind, sent in (("Patient", patient), ("ServiceRequest", referral), ("Bundle", bundle))
    }

    assert told == {
        "Patient": [found],
        "ServiceRequest": [(code, f"ServiceRequest.subject.resolve(){within}")],
        "Bundle": [(code, f"Bundle.entry[0].resource.subject.resolve(){within}")],
    }
    assert gp_system.post("/fhir/R4/Patient", patient).status_code == 422


def test_a_reason_that_means_nothing_here_is_told(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person, snomed_code="1")

    found = _found(gp_system.post("/fhir/R4/ServiceRequest/$validate", sent))

    assert found == [("not-supported", "ServiceRequest.reasonCode")]


def test_mode_and_profile_may_stand_in_the_address_or_in_parameters(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person) | {"status": "revoked"}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "mode", "valueCode": "update"},
            {"name": "resource", "resource": sent},
        ],
    }
    r4 = "http://hl7.org/fhir/StructureDefinition/ServiceRequest"
    address = "/fhir/R4/ServiceRequest/$validate"

    assert _found(gp_system.post(address, sent)) == [("business-rule", "ServiceRequest.status")]
    assert _found(gp_system.post(f"{address}?mode=update", sent)) == []
    assert _found(gp_system.post(f"{address}?profile={r4}", sent)) == []
    assert _found(gp_system.post(address, parameters)) == []


def test_at_a_resource_it_is_an_update_of_that_resource(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person) | {"id": "a", "status": "revoked"}

    same = gp_system.post("/fhir/R4/ServiceRequest/a/$validate", sent)
    other = gp_system.post("/fhir/R4/ServiceRequest/b/$validate", sent)

    assert _found(same) == []
    assert _found(other) == [("invalid", "ServiceRequest.id")]


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[]", 400), (" " * 1_100_000, 413)])
def test_what_is_no_question_is_refused(
    gp_system: cast.ClinicalSystem, body: str, status: int
) -> None:
    assert issues(gp_system.post("/fhir/R4/Patient/$validate", body), status)


def test_xml_is_not_read(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(
        "/fhir/R4/Patient/$validate", "<Patient/>", Content_Type="application/fhir+xml"
    )

    assert issues(answer, 415)


def test_parameters_without_a_resource_are_refused(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post("/fhir/R4/Patient/$validate", {"resourceType": "Parameters"})

    assert issues(answer, 400)[0]["code"] == "required"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_it_is_asked_by_post(gp_system: cast.ClinicalSystem, method: str) -> None:
    token = {"Authorization": f"Bearer {gp_system.sign_in()}"}

    answer = getattr(gp_system.http, method)("/fhir/R4/Patient/$validate", headers=token)

    assert issues(answer, 405)


def test_a_token_is_needed_and_no_scope(stranger: Any, gp_system: cast.ClinicalSystem) -> None:
    gp_system.scope = "system/Task.r"

    answer = stranger.post("/fhir/R4/Patient/$validate", "{}", content_type=cast.FHIR_JSON)

    assert issues(answer, 401)
    sent = {"resourceType": "Location"}
    assert _found(gp_system.post("/fhir/R4/Location/$validate", sent)) == []


def test_a_finding_never_repeats_what_was_sent(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person) | {"status": "Marked", "priority": "Marked"}

    answer = gp_system.post("/fhir/R4/ServiceRequest/$validate?mode=Marked&profile=Marked", sent)

    assert _found(answer)
    assert b"Marked" not in answer.content


# Messages


def test_a_message_is_validated_as_it_would_be_processed(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4/Bundle/$validate", Message(person).bundle)

    assert _found(answer) == []
    assert row_counts() == before


def test_what_bars_a_message_is_told_as_processing_tells_it(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    booking, untriaged, unknown, dead, feedback = (Message(person) for _ in range(5))
    booking.header["eventCoding"]["code"] = "booking-request"
    untriaged.encounter["status"] = "planned"
    unknown.request["reasonCode"] = [
        {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}
    ]
    dead.patient["deceasedBoolean"] = True
    feedback.set_workflow("servicerequest-response", "new", "revoked")
    sent = [one.bundle for one in (booking, untriaged, unknown, dead, feedback)]

    validated = [_found(gp_system.post("/fhir/R4/Bundle/$validate", one)) for one in sent]
    processed = [gp_system.post("/fhir/R4/$process-message", one) for one in sent]

    assert [answer.status_code for answer in processed] == [422, 400, 422, 422, 404]
    told = [
        [(i["code"], *i.get("expression", ())) for i in json.loads(one.content)["issue"]]
        for one in processed
    ]
    assert [[found[0]] for found in validated] == [[found[0]] for found in told]


def test_a_message_that_is_to_be_a_transaction_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    profile = f"{settings.PUBLIC_BASE_URL}/fhir/R4/StructureDefinition/referral-transaction"
    address = f"/fhir/R4/Bundle/$validate?profile={profile}"

    found = _found(gp_system.post(address, Message(person).bundle))

    assert ("not-supported", "Bundle.type") in found
