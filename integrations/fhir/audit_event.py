"""AuditEvent: one entry of the audit, for the organisation in whose name it was done."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from audit.models import Action, Entry
from integrations.fhir.rendering import instant
from integrations.fhir.searching import values
from integrations.fhir.searching.reads import NOTHING, Asking, uuid_of
from integrations.fhir.systems import (
    AUDIT_ENTITY_TYPE,
    AUDIT_EVENT_TYPE,
    AUDIT_SOURCE_TYPE,
    DICOM,
    RESTFUL_INTERACTION,
    own_identifier,
)
from privacy.fields import hidden_number, number_behind

_SERVICE = "Peer-support referral service"
# What the audit calls by its FHIR name; the rest are rows that FHIR does not show.
_SHOWN = frozenset({"Patient", "ServiceRequest", "Task"})
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
_OF_BOTH = (Action.REFERRAL_RECEIVED, Action.REFERRAL_READ, Action.REFERRAL_MOVED)
_PURPOSE = "audit-event"
_SUCCESS, _MINOR_FAILURE = "0", "4"


def id_of(entry: Entry) -> UUID:
    """The id of an entry. Its number would tell what else was written down meanwhile, such as a patient's joining."""
    return hidden_number(entry.pk, purpose=_PURPOSE)


def number_of(event_id: UUID) -> int | None:
    """The number of the entry that has this id, if one may have it."""
    return number_behind(event_id, purpose=_PURPOSE)


def render(entry: Entry, *, base_url: str) -> dict[str, Any]:
    """Who did what to which row, when, and whether it was let happen."""
    kind, interaction, letter = _KINDS.get(entry.action, (_ACTIVITY, "", "E"))
    event: dict[str, Any] = {"resourceType": "AuditEvent", "id": str(id_of(entry)), "type": kind}
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
        event["entity"] = [_entity(target, base_url) for target in _targets(entry)]
    return event


@dataclass(frozen=True)
class Targets:
    """``entity``: what something was done to, which the audit names as ``Type/id``."""

    type: str = "reference"
    modifiers: frozenset[str] = frozenset()

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """What was done to this."""
        del modifier
        kind, _, name = values.plain(value).removeprefix(f"{asking.base}/").partition("/")
        found = uuid_of(name)
        if not found or kind not in _SHOWN:
            return NOTHING
        itself = Q(target=f"{kind}/{found}")
        if kind == "Task":
            return itself | Q(target=f"ServiceRequest/{found}", action__in=_OF_BOTH)
        return itself

    def missing(self) -> Q:
        """What was done to nothing in particular."""
        return Q(target="")


def _targets(entry: Entry) -> tuple[str, ...]:
    """What was touched: the audit names a referral once, which is a ServiceRequest and the Task of the same id."""
    kind, _, name = entry.target.partition("/")
    is_both = kind == "ServiceRequest" and entry.action in _OF_BOTH
    return (entry.target, f"Task/{name}") if is_both else (entry.target,)


def _actor(label: str, base_url: str) -> dict[str, str]:
    kind, _, name = label.partition("/")
    return {"system": own_identifier(base_url, kind), "value": name or kind}


def _entity(target: str, base_url: str) -> dict[str, Any]:
    resource_type, _, name = target.partition("/")
    what: dict[str, Any] = (
        {"reference": target}
        if resource_type in _SHOWN
        else {
            "identifier": {"system": own_identifier(base_url, resource_type.lower()), "value": name}
        }
    )
    person = {"system": AUDIT_ENTITY_TYPE, "code": "1", "display": "Person"}
    thing = {"system": AUDIT_ENTITY_TYPE, "code": "2", "display": "System Object"}
    return {"what": what, "type": person if resource_type == "Patient" else thing}
