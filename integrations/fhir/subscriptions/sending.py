"""Sending what is due, one at a time for each subscription, in order; again later, ever later, and then no more.

What is to be sent is decided and noted under the row's lock, each in a transaction of its own; the sending between them
is in none. Whoever is lost in between has sent what is sent again: the number of the event tells the endpoint.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils.timezone import localdate

from accounts.actors import SYSTEM, client_actor
from integrations.fhir import wire
from integrations.fhir.subscriptions.models import (
    SENDING,
    Content,
    Event,
    Subscription,
    SubscriptionStatus,
)
from integrations.fhir.subscriptions.notifications import (
    EVENT_NOTIFICATION,
    HANDSHAKE,
    HEARTBEAT,
    notification,
)
from integrations.fhir.subscriptions.reading import PAYLOAD
from integrations.fhir.subscriptions.rights import may_read, record_reads
from integrations.fhir.subscriptions.selectors import events_between
from integrations.fhir.subscriptions.subscribing import change_status, header_lines
from integrations.fhir.subscriptions.topics import topic_named
from integrations.fhir.subscriptions.waking import next_due, wake
from integrations.outbound.addresses import OutboundRefused, OutboundUnavailable
from integrations.outbound.client import post
from privacy.tenancy import acting_for

logger = logging.getLogger(__name__)

# After each failure in a row; after the last, the subscription is in error. Together longer than a weekend.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400, 86_400)
)
# Beyond its time limit, how long one that sends is waited for before it counts as lost.
_MARGIN = timedelta(seconds=30)

# One sentence for whatever kept the answer away: more would tell a stranger what our network can reach.
UNREACHED = (
    "No answer came from the endpoint. It must be public, speak https with a valid certificate, not redirect,"
    " and answer in time."
)
NOT_ALLOWED = "The client may no longer read what it asked to be told of."


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One notification that is under way. ``sent_count`` is how many events are sent when it has arrived."""

    subscription_id: UUID
    turn: UUID
    endpoint: str
    headers: tuple[str, ...]
    seconds: int
    body: bytes
    sent_count: int


def send_next(*, subscription_id: UUID, tenant_id: UUID, base_url: str, at: datetime) -> bool:
    """Send what is due, if anything is, and note how it went; in no transaction of the caller's.

    True when more is due at once.
    """
    with acting_for(tenant_id):
        turn = take_turn(subscription_id=subscription_id, base_url=base_url, at=at)
    if turn is None:
        return False
    fault = send(turn)
    with acting_for(tenant_id):
        return note(turn, fault, at=at)


def take_turn(*, subscription_id: UUID, base_url: str, at: datetime) -> Turn | None:
    """What is to be sent now. From here on nobody else sends for this subscription, until it is noted or overdue."""
    row = (
        Subscription.objects.select_for_update(of=("self",))
        .select_related("client__organisation")
        .filter(pk=subscription_id, status__in=SENDING)
        .first()
    )
    if row is None or _is_over(row, at=at) or row.due_at is None or row.due_at > at:
        return None
    if row.turn_ends_at and row.turn_ends_at > at:
        wake(row, at=at, run_at=row.turn_ends_at)  # whoever holds the turn may be gone by then
        return None
    kind, events = _what_next(row)
    row.turn = uuid4()
    row.turn_ends_at = at + timedelta(seconds=row.timeout_seconds) + _MARGIN
    row.save(update_fields=["turn", "turn_ends_at"])
    if row.content == Content.FULL_RESOURCE:
        record_reads(events, by=client_actor(row.client, scope=row.client.scope), at=at)
    bundle = notification(row, kind, events=events, content=row.content, base_url=base_url, at=at)
    return Turn(
        subscription_id=row.pk,
        turn=row.turn,
        endpoint=row.endpoint,
        headers=header_lines(row),
        seconds=row.timeout_seconds,
        body=wire.dump(bundle),
        sent_count=row.sent_count + len(events),
    )


def send(turn: Turn) -> str:
    """Send it, and say what went wrong; nothing when the endpoint has taken it."""
    try:
        status = post(
            turn.endpoint,
            body=turn.body,
            headers=(f"Content-Type: {PAYLOAD}", *turn.headers),
            timeout=turn.seconds,
        )
    except (OutboundRefused, OutboundUnavailable):
        return UNREACHED
    return "" if 200 <= status < 300 else f"The endpoint answered with the status {status}."


def note(turn: Turn, fault: str, *, at: datetime) -> bool:
    """Write down how it went. Nothing, when the subscription was changed or taken over meanwhile.

    True when more is due at once.
    """
    row = (
        Subscription.objects.select_for_update()
        .filter(pk=turn.subscription_id, turn=turn.turn)
        .first()
    )
    if row is None:
        return False
    row.turn = row.turn_ends_at = None
    if fault:
        _note_failure(row, fault, at=at)
    else:
        _note_arrival(row, turn, at=at)
    row.save()
    if row.due_at and row.due_at > at:
        wake(row, at=at, run_at=row.due_at)
    return row.due_at == at


def _note_arrival(row: Subscription, turn: Turn, *, at: datetime) -> None:
    row.failures, row.sent_count = 0, turn.sent_count
    if row.status == SubscriptionStatus.REQUESTED:
        change_status(row, SubscriptionStatus.ACTIVE, by=SYSTEM, at=at)
    row.due_at = next_due(row, at=at)


def _note_failure(row: Subscription, fault: str, *, at: datetime) -> None:
    """Come back later. A handshake has one chance (the backport says so); so has what failed after all pauses."""
    row.failures += 1
    logger.warning(
        "subscriber did not take a notification",
        extra={"subscription": str(row.pk), "failures": row.failures},
    )
    if row.status == SubscriptionStatus.REQUESTED or row.failures > len(PAUSES):
        change_status(row, SubscriptionStatus.ERROR, by=SYSTEM, at=at, error=fault)
        return
    # A little by chance, so that what failed together does not come back together.
    row.due_at = at + PAUSES[row.failures - 1] * random.uniform(1.0, 1.1)  # noqa: S311  (not a secret)


def _is_over(row: Subscription, *, at: datetime) -> bool:
    """End what has come to its end, or may not be told any more; whether it was so."""
    focus_type = topic_named(row.topic).focus_type
    is_allowed = (
        row.client.is_active
        and row.client.organisation.is_open_on(localdate(at))
        and may_read(focus_type, scopes=frozenset(row.client.scope.split()))
    )
    if row.ends_at and row.ends_at <= at:
        change_status(row, SubscriptionStatus.OFF, by=SYSTEM, at=at)
    elif not is_allowed:
        change_status(row, SubscriptionStatus.ERROR, by=SYSTEM, at=at, error=NOT_ALLOWED)
    else:
        return False
    row.save()
    return True


def _what_next(row: Subscription) -> tuple[str, list[Event]]:
    if row.status == SubscriptionStatus.REQUESTED:
        return HANDSHAKE, []
    events = events_between(row, row.sent_count + 1, row.sent_count + row.most_events)
    return (EVENT_NOTIFICATION if events else HEARTBEAT), events
