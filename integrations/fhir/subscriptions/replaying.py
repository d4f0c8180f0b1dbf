"""Telling once more what there was to tell, for a subscriber that has missed something."""

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actors import Actor
from integrations.fhir.subscriptions.models import Content
from integrations.fhir.subscriptions.notifications import QUERY_EVENT, error_of, notification
from integrations.fhir.subscriptions.rights import check_may_read, record_reads
from integrations.fhir.subscriptions.selectors import events_between, subscription_of

MOST_AT_ONCE = 100


def events_again(
    *,
    subscription_id: UUID,
    first: int,
    last: int | None,
    content: str,
    base_url: str,
    by: Actor,
    at: datetime,
) -> dict[str, Any] | None:
    """The notification that holds these events, at most MOST_AT_ONCE from the first on; None for one that is not theirs.

    ``content`` is how much it is to hold; "" for as much as the subscription says. Raises Refused (403).
    """
    row = subscription_of(by, subscription_id)
    if row is None:
        return None
    last = min(row.event_count if last is None else last, first + MOST_AT_ONCE - 1)
    events = events_between(row, first, last)
    content = content or row.content
    if content == Content.FULL_RESOURCE:
        for focus_type in {event.focus_type for event in events}:
            check_may_read(focus_type, by=by)
        record_reads(events, by=by, at=at)
    return notification(
        row,
        QUERY_EVENT,
        events=events,
        content=content,
        base_url=base_url,
        at=at,
        error=error_of(row),
    )
