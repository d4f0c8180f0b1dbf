"""What a message wants: the one table of event, reason and status, as BaRS has it for the category ``referral``."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from integrations.fhir import fields
from integrations.fhir.outcome import Finding, Refused, malformed, tolerated, unprocessable
from integrations.fhir.systems import normalise

EVENTS = "https://fhir.nhs.uk/CodeSystem/message-events-bars"
REASONS = "https://fhir.nhs.uk/CodeSystem/message-reason-bars"
CATEGORIES = "https://fhir.nhs.uk/CodeSystem/message-category-servicerequest"
REQUEST, RESPONSE = "servicerequest-request", "servicerequest-response"
NEW, UPDATE = "new", "update"
_REFERRAL = "referral"
# A published example takes a referral back with this reason, although the rules say "update".
_DELETE = "delete"
NO_REQUEST = "This service sends no requests, so there is none that this message could answer."
NO_REQUEST_AT = "Bundle.entry[0].resource.response"
_AT_EVENT = "Bundle.entry[0].resource.event"
_AT_REASON = "Bundle.entry[0].resource.reason"


class Workflow(Enum):
    """What the receiver of a message has to do."""

    REFER = "refer"
    TAKE_BACK = "take-back"
    FEEDBACK = "feedback"


_TABLE = {
    (REQUEST, NEW, "active"): Workflow.REFER,
    (REQUEST, UPDATE, "revoked"): Workflow.TAKE_BACK,
    (REQUEST, UPDATE, "entered-in-error"): Workflow.TAKE_BACK,
    (RESPONSE, NEW, "revoked"): Workflow.FEEDBACK,
}


def event_of(header: dict[str, Any]) -> str:
    """The event of a MessageHeader. Raises Refused (422) for one that is not served, such as a booking."""
    event = fields.text(fields.child(header, "eventCoding"), "code")
    if event not in (REQUEST, RESPONSE):
        text = f"This event is not served. Send eventCoding {REQUEST} of {EVENTS}."
        raise Refused(422, [unprocessable("not-supported", text, _AT_EVENT)])
    return event


def workflow_of(event: str, header: dict[str, Any], request: dict[str, Any]) -> Workflow | None:
    """What the message wants, or None when its parts do not go together."""
    if not _is_referral(request):
        return None
    reason = _reason(header)
    known = UPDATE if reason == _DELETE else reason
    return _TABLE.get((event, known, fields.text(request, "status")))


def carried_out() -> list[str]:
    """What a message may want here: event, reason and ServiceRequest.status, with commas between.

    Feedback is understood and never met: this service sends no requests that it could be about.
    """
    return [", ".join(parts) for parts, what in _TABLE.items() if what is not Workflow.FEEDBACK]


def no_workflow(at: str) -> Finding:
    """The fault of a message whose parts do not go together; ``at`` is the place of its ServiceRequest."""
    ways = "; ".join(f"{event}, {reason}, {status}" for event, reason, status in _TABLE)
    text = (
        f"Event, reason, ServiceRequest.status and category do not go together. For the category {_REFERRAL} of"
        f" {CATEGORIES} these do: {ways}."
    )
    return malformed("invariant", text, f"{at}.status")


def deviations(header: dict[str, Any], *, is_strict: bool) -> Iterator[Finding]:
    """What is understood in the header although BaRS has it otherwise: warnings, for a strict client errors."""
    say = malformed if is_strict else tolerated
    if normalise(fields.text(fields.child(header, "eventCoding"), "system")) != EVENTS:
        yield say("value", f"The event is one of {EVENTS}.", f"{_AT_EVENT}.system")
    if any(normalise(fields.text(c, "system")) != REASONS for c in _reasons(header)):
        yield say("value", f"The reason is one of {REASONS}.", f"{_AT_REASON}.coding")
    if _reason(header) == _DELETE:
        text = f"A referral is taken back with the reason {UPDATE} and its new status."
        yield say("invariant", text, _AT_REASON)


def _reason(header: dict[str, Any]) -> str:
    return next((fields.text(coding, "code") for coding in _reasons(header)), "")


def _reasons(header: dict[str, Any]) -> list[dict[str, Any]]:
    return fields.children(fields.child(header, "reason"), "coding")


def _is_referral(request: dict[str, Any]) -> bool:
    return any(
        normalise(fields.text(coding, "system")) == CATEGORIES
        and fields.text(coding, "code") == _REFERRAL
        for category in fields.children(request, "category")
        for coding in fields.children(category, "coding")
    )
