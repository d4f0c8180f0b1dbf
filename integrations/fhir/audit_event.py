"""AuditEvent: one entry of the audit, for the organisation in whose name it was done."""

from typing import Any
from uuid import UUID

from audit.models import Action, Entry
from integrations.fhir.rendering import instant
from integrations.fhir.served import RESOURCES
from integrations.fhir.systems import (
    AUDIT_ENTITY_TYPE,
    AUDIT_EVENT_TYPE,
    AUDIT_SOURCE_TYPE,
    DICOM,
    RESTFUL_INTERACTION,
    own_identifier,
)

_SERVICE = "Peer-support referral service"
_SERVED = {served.resource_type for served in RESOURCES}
_REST = {"system": AUDIT_EVENT_TYPE, "code": "rest", "display": "RESTful Operation"}
_LOGIN = {"system": DICOM, "code": "110114", "display": "User Authentication"}
_ALERT = {"system": DICOM, "code": "110113", "display": "Security Alert"}
_ACTIVITY = {"system": DICOM, "code": "110100", "display": "Application Activity"}
# Type, RESTful interaction, and R4's letter for what was done: create, read, update, execute.
_KINDS: dict[str, tuple[dict[str, str], str, str]] = {
    Action.REFERRAL_RECEIVED: (_REST, "create", "C"),
    Action.REFERRAL_READ: (_REST, "read", "R"),
    Action.REFERRAL_MOVED: (_REST, "update", "U"),
    Action.PATIENT_RECEIVED: (_REST, "create", "C"),
    Action.PATIENT_READ: (_REST, "read", "R"),
    Action.TOKEN_ISSUED: (_LOGIN, "", "E"),
    Action.ACCESS_DENIED: (_ALERT, "", "E"),
}
_SUCCESS, _MINOR_FAILURE = "0", "4"


def render(entry: Entry, *, base_url: str) -> dict[str, Any]:
    """Who did what to which row, when, and whether it was let happen."""
    kind, interaction, letter = _KINDS.get(entry.action, (_ACTIVITY, "", "E"))
    event: dict[str, Any] = {"resourceType": "AuditEvent", "id": str(entry.pk), "type": kind}
    if interaction:
        event["subtype"] = [{"system": RESTFUL_INTERACTION, "code": interaction}]
    event |= {
        "action": letter,
        "recorded": instant(entry.at),
        "outcome": _MINOR_FAILURE if entry.action == Action.ACCESS_DENIED else _SUCCESS,
        "agent": [{"who": {"identifier": _actor(entry.actor, base_url)}, "requestor": True}],
        "source": {
            "observer": {"display": _SERVICE},
            "type": [{"system": AUDIT_SOURCE_TYPE, "code": "4", "display": "Application Server"}],
        },
    }
    if entry.target:
        event["entity"] = [_entity(entry.target, base_url)]
    return event


def target_of(reference: str, *, base_url: str) -> str | None:
    """What the audit calls the row in ``entity=<reference>``, or None for a reference to nothing that we serve."""
    resource_type, _, resource_id = reference.removeprefix(f"{base_url}/fhir/R4/").partition("/")
    try:
        return f"{resource_type}/{UUID(resource_id)}" if resource_type in _SERVED else None
    except ValueError:
        return None


def _actor(label: str, base_url: str) -> dict[str, str]:
    kind, _, name = label.partition("/")
    return {"system": own_identifier(base_url, kind), "value": name or kind}


def _entity(target: str, base_url: str) -> dict[str, Any]:
    resource_type, _, name = target.partition("/")
    what: dict[str, Any] = (
        {"reference": target}
        if resource_type in _SERVED
        else {
            "identifier": {"system": own_identifier(base_url, resource_type.lower()), "value": name}
        }
    )
    person = {"system": AUDIT_ENTITY_TYPE, "code": "1", "display": "Person"}
    thing = {"system": AUDIT_ENTITY_TYPE, "code": "2", "display": "System Object"}
    return {"what": what, "type": person if resource_type == "Patient" else thing}
