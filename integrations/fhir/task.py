"""Task: how far the work on a referral has come, for the one who asked for it."""

from datetime import datetime
from typing import Any

from integrations.fhir import fields, references, rows, wire
from integrations.fhir.rendering import instant, with_server_elements
from integrations.fhir.systems import ODS_ORGANIZATION_CODE, TASK_CODE, own

OWNER = "Peer-support referral service"
# The domain's labels are translated for pages; these are the words of the code system.
BUSINESS_STATUSES = {
    "drafted": "Drafted",
    "received-by-service": "Received by the service",
    "matched": "Matched with communities",
    "no-match": "No suitable community",
    "invitation-sent": "Invitation sent",
    "joined": "Joined a community",
    "waitlist": "On the community's waiting list",
    "engaged": "Taking part",
    "left-community": "Left the community",
    "patient-declined": "Patient declined",
    "not-taken-up": "Not taken up",
    "invitation-ended": "Invitation ended",
    "withdrawn": "Withdrawn by the requester",
    "entered-in-error": "Entered in error",
}

PRACTICE_TASKS = {
    "link-locked": "Link locked",
    "message-refused": "Message could not be delivered",
    "contact-prohibited": "Patient must not be contacted",
}


def render(referral: rows.Referral, change: rows.Change, *, base_url: str) -> dict[str, Any]:
    """The Task that fulfils the referral, in the shape of SDOHCC's referral management.

    Where its sender wrote one, that is shown word for word, with what this service owns laid over it.
    """
    sent = wire.load(change.task_document.text) if change.task_document else _unwritten(referral)
    for name in ("statusReason", "businessStatus"):
        sent.pop(name, None)
    task = with_server_elements(sent, pk=referral.pk, version=change.version, at=change.at)
    task |= {
        "status": change.task_status,
        "focus": {"reference": f"ServiceRequest/{referral.pk}"},
        "for": {"reference": f"Patient/{referral.patient_id}"},
        "lastModified": instant(change.at),
    }
    if change.reason_text:
        task["statusReason"] = {"text": change.reason_text}
    if change.business_status:
        task["businessStatus"] = {"coding": [_business_status(change, base_url)]}
    return _without_orphans(task)


def _unwritten(referral: rows.Referral) -> dict[str, Any]:
    """The Task of a referral whose sender wrote none."""
    return {
        "resourceType": "Task",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "fulfill"}]},
        "authoredOn": instant(referral.received_at),
        "requester": _practice(referral.practice),
        "owner": {"display": OWNER},
    }


def _without_orphans(task: dict[str, Any]) -> dict[str, Any]:
    """Without the contained resources that became resources of their own: R4 has none that nothing refers to (dom-3)."""
    contained = {f"#{inner.get('id')}": inner for inner in fields.children(task, "contained")}
    outside = {name: value for name, value in task.items() if name != "contained"}
    reached: dict[str, dict[str, Any]] = {}
    waiting = [outside]
    while waiting:
        for name in references.pointers(waiting.pop()):
            if name in contained and name not in reached:
                reached[name] = contained[name]
                waiting.append(contained[name])
    kept = [inner for name, inner in contained.items() if name in reached]
    return outside | {"contained": kept} if kept else outside


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
        "requester": {"display": OWNER},
        "owner": _practice(referral.practice),
    }


def _business_status(change: rows.Change, base_url: str) -> dict[str, str]:
    coding = {"system": own(base_url, "business-status"), "code": change.business_status}
    if display := BUSINESS_STATUSES.get(change.business_status):
        coding["display"] = display
    return coding


def _practice(practice: rows.Practice) -> dict[str, Any]:
    return {
        "reference": f"Organization/{practice.pk}",
        "type": "Organization",
        "identifier": {"system": ODS_ORGANIZATION_CODE, "value": practice.ods_code},
        "display": practice.name,
    }
