"""The Bundles of the R5 Backport: notifications, answers to $status and $events, each with its status in Parameters."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from integrations.fhir import service_request, task
from integrations.fhir.rendering import etag, instant
from integrations.fhir.subscriptions.models import Content, Event, Subscription
from integrations.fhir.subscriptions.topics import topic_named
from integrations.fhir.systems import fhir_base
from referrals.selectors import change_at

_PROFILES = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
NOTIFICATION = f"{_PROFILES}backport-subscription-notification-r4"
STATUS = f"{_PROFILES}backport-subscription-status-r4"
_OPERATIONS = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/"
OPERATIONS = {
    "status": f"{_OPERATIONS}backport-subscription-status",
    "events": f"{_OPERATIONS}backport-subscription-events",
}

# Codes of subscription-notification-type.
HANDSHAKE, HEARTBEAT, EVENT_NOTIFICATION = "handshake", "heartbeat", "event-notification"
QUERY_STATUS, QUERY_EVENT = "query-status", "query-event"

_RENDER = {"Task": task.render, "ServiceRequest": service_request.render}


def notification(
    row: Subscription,
    kind: str,
    *,
    events: Sequence[Event] = (),
    content: str,
    base_url: str,
    at: datetime,
    error: str = "",
) -> dict[str, Any]:
    """A history Bundle. ``kind`` is a code of subscription-notification-type, such as HANDSHAKE."""
    status = status_of(row, kind, events=events, content=content, base_url=base_url, error=error)
    status_url = f"{_address(row, base_url)}/$status"
    entries = [
        {
            "fullUrl": f"urn:uuid:{status['id']}",
            "resource": status,
            "request": {"method": "GET", "url": status_url},
            "response": {"status": "200"},
        }
    ]
    if content == Content.FULL_RESOURCE:
        entries += [_entry(event, base_url=base_url) for event in events]
    return {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "meta": {"profile": [NOTIFICATION]},
        "type": "history",
        "timestamp": instant(at),
        "entry": entries,
    }


def status_of(
    row: Subscription,
    kind: str = QUERY_STATUS,
    *,
    events: Sequence[Event] = (),
    content: str = "",
    base_url: str,
    error: str = "",
) -> dict[str, Any]:
    """The Parameters that say where a subscription stands and which events are told of."""
    content = content or row.content
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": _address(row, base_url)}}
    ]
    if content != Content.EMPTY:
        topic = topic_named(row.topic).canonical(base_url)
        parameters.append({"name": "topic", "valueCanonical": topic})
    parameters += [
        {"name": "status", "valueCode": row.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(_count(row, kind, events))},
        *(_told(event, content=content, base_url=base_url) for event in events),
    ]
    if error:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": error}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid4()),
        "meta": {"profile": [STATUS]},
        "parameter": parameters,
    }


def status_bundle(rows: Iterable[Subscription], *, base_url: str) -> dict[str, Any]:
    """The answer to $status: a searchset with the status of each subscription."""
    found = [status_of(row, base_url=base_url, error=error_of(row)) for row in rows]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    if found:
        bundle["entry"] = [
            {
                "fullUrl": f"urn:uuid:{status['id']}",
                "resource": status,
                "search": {"mode": "match"},
            }
            for status in found
        ]
    return bundle


def error_of(row: Subscription) -> str:
    """What went wrong, when something did."""
    return row.versions.get(version=row.version).error


def _count(row: Subscription, kind: str, events: Sequence[Event]) -> int:
    """How many events there have been; in a notification, up to its own: what follows will be sent too."""
    return events[-1].number if kind == EVENT_NOTIFICATION else row.event_count


def _told(event: Event, *, content: str, base_url: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.at)},
    ]
    if content != Content.EMPTY:
        focus = {"reference": _focus(event, base_url)}
        parts.append({"name": "focus", "valueReference": focus})
    return {"name": "notification-event", "part": parts}


def _entry(event: Event, *, base_url: str) -> dict[str, Any]:
    """The resource as the practice was told of it, at the version of the event."""
    change = change_at(event.referral, event.focus_version)
    if change is None:
        raise LookupError("an event of a step that nobody was told of")
    is_new = event.focus_version == 1
    place = event.focus_type if is_new else f"{event.focus_type}/{event.referral_id}"
    return {
        "fullUrl": _focus(event, base_url),
        "resource": _RENDER[event.focus_type](event.referral, change, base_url=base_url),
        "request": {"method": "POST" if is_new else "PUT", "url": place},
        "response": {
            "status": "201" if is_new else "200",
            "etag": etag(change.version),
            "lastModified": instant(change.at),
        },
    }


def _focus(event: Event, base_url: str) -> str:
    return f"{fhir_base(base_url)}/{event.focus_type}/{event.referral_id}"


def _address(row: Subscription, base_url: str) -> str:
    return f"{fhir_base(base_url)}/Subscription/{row.pk}"
