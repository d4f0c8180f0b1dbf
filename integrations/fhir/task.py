"""Task: how far the work on a referral has come, for the one who asked for it."""

from datetime import datetime
from typing import Any

from integrations.fhir import rows
from integrations.fhir.rendering import instant
from integrations.fhir.systems import ODS_ORGANIZATION_CODE, TASK_CODE, own

_OWNER = "Peer-support referral service"
# The domain's labels are translated for pages; these are the words of the code system.
BUSINESS_STATUSES = {
    "received-by-service": "Received by the service",
    "matched": "Matched with communities",
    "no-match": "No suitable community",
    "invitation-sent": "Invitation sent",
    "joined": "Joined a community",
    "engaged": "Taking part",
    "left-community": "Left the community",
    "patient-declined": "Patient declined",
    "not-taken-up": "Not taken up",
    "invitation-ended": "Invitation ended",
}

PRACTICE_TASKS = {
    "link-locked": "Link locked",
    "message-refused": "Message could not be delivered",
    "contact-prohibited": "Patient must not be contacted",
}


def render(referral: rows.Referral, change: rows.Change, *, base_url: str) -> dict[str, Any]:
    """The Task that fulfils the referral, in the shape of SDOHCC's referral management."""
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": str(referral.pk),
        "meta": {"versionId": str(change.version), "lastUpdated": instant(change.at)},
        "status": change.task_status,
    }
    if change.reason_text:
        task["statusReason"] = {"text": change.reason_text}
    if change.business_status:
        task["businessStatus"] = {"coding": [_business_status(change, base_url)]}
    return task | {
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "fulfill"}]},
        "focus": {"reference": f"ServiceRequest/{referral.pk}"},
        "for": {"reference": f"Patient/{referral.patient_id}"},
        "authoredOn": instant(referral.received_at),
        "lastModified": instant(change.at),
        "requester": _practice(referral.practice),
        "owner": {"display": _OWNER},
    }


def render_for_practice(
    asked: rows.PracticeTask,
    referral: rows.Referral,
    *,
    version: int,
    at: datetime,
    base_url: str,
) -> dict[str, Any]:
    """A Task that the practice has to do itself, as raised (version 1) or as done (2)."""
    return {
        "resourceType": "Task",
        "id": str(asked.pk),
        "meta": {"versionId": str(version), "lastUpdated": instant(at)},
        "status": "requested" if version == 1 else "completed",
        "intent": "order",
        "code": {
            "coding": [
                {
                    "system": own(base_url, "practice-task"),
                    "code": asked.kind,
                    "display": PRACTICE_TASKS[asked.kind],
                }
            ]
        },
        "description": asked.sentence,
        "focus": {"reference": f"ServiceRequest/{referral.pk}"},
        "for": {"reference": f"Patient/{referral.patient_id}"},
        "authoredOn": instant(asked.raised_at),
        "lastModified": instant(at),
        "requester": {"display": _OWNER},
        "owner": _practice(referral.practice),
    }


def _business_status(change: rows.Change, base_url: str) -> dict[str, str]:
    coding = {"system": own(base_url, "business-status"), "code": change.business_status}
    if display := BUSINESS_STATUSES.get(change.business_status):
        coding["display"] = display
    return coding


def _practice(practice: rows.Practice) -> dict[str, Any]:
    return {
        "type": "Organization",
        "identifier": {"system": ODS_ORGANIZATION_CODE, "value": practice.ods_code},
        "display": practice.name,
    }
