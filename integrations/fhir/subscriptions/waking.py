"""When something is to be sent next, and the job that sees to it."""

from datetime import datetime, timedelta

from django.db.models import Q

from integrations.fhir.subscriptions.models import SENDING, Subscription, SubscriptionStatus
from jobs.models import JobKind
from jobs.queue import enqueue

LATE = timedelta(minutes=10)
MOST_AT_ONCE = 500


def next_due(row: Subscription, *, at: datetime) -> datetime | None:
    """When something is to be sent, when all has gone well so far; None when there is nothing."""
    if row.status not in SENDING:
        return None
    if row.status == SubscriptionStatus.REQUESTED or row.sent_count < row.event_count:
        return at
    if row.heartbeat_seconds is None:
        return None
    return at + timedelta(seconds=row.heartbeat_seconds)


def wake(row: Subscription, *, at: datetime, run_at: datetime | None = None) -> None:
    """Write the job that looks whether something is to be sent. One too many finds nothing to do."""
    enqueue(
        JobKind.NOTIFY,
        tenant_id=row.organisation_id,
        at=at,
        run_at=run_at,
        subscription_id=str(row.pk),
    )


def wake_overdue(*, at: datetime) -> None:
    """Write a job for what has been due for long, or should have ended, and nobody sees to: its own was lost."""
    late = at - LATE
    overdue = Subscription.objects.filter(
        Q(due_at__lt=late) | Q(status__in=SENDING, ends_at__lt=late)
    )
    for row in overdue.order_by("due_at", "pk")[:MOST_AT_ONCE]:
        wake(row, at=at)
