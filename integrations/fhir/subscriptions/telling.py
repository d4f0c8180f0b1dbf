"""From a change that the practice is told of to the events of those who want to know of it. Safe to repeat."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from integrations.fhir.subscriptions.models import LISTENING, Event, Subscription
from integrations.fhir.subscriptions.topics import Filter, is_wanted, topic_named
from integrations.fhir.subscriptions.waking import next_due, wake
from referrals.models import Referral, StatusChange


@transaction.atomic
def tell_subscribers(*, change_id: int, at: datetime) -> None:
    """Write down what each subscriber of the practice is to be told of the referral that has changed.

    All its told steps that are new to the subscriber, in their order: the jobs of two steps may run in any.
    """
    referral = Referral.objects.get(changes=change_id)
    listening = Subscription.objects.filter(
        organisation_id=referral.practice_id, status__in=LISTENING
    )
    for row in listening.select_for_update().order_by("pk"):
        if _write_events(row, referral):
            _note_due(row, at=at)


def _write_events(row: Subscription, referral: Referral) -> bool:
    """Number what is new and wanted. The row is locked, so the numbers have no gap."""
    topic = topic_named(row.topic)
    filters = [Filter(one["name"], tuple(one["values"])) for one in row.filters]
    new = _new_steps(row, referral, topic.focus_type)
    wanted = [change for change in new if is_wanted(change, topic, filters)]
    Event.objects.bulk_create(
        Event(
            subscription=row,
            number=number,
            at=change.at,
            referral=referral,
            focus_type=topic.focus_type,
            focus_version=change.version,
        )
        for number, change in enumerate(wanted, start=row.event_count + 1)
    )
    row.event_count += len(wanted)
    return bool(wanted)


def _new_steps(row: Subscription, referral: Referral, focus_type: str) -> list[StatusChange]:
    """The steps that the practice is told of, since the subscription began and after the last that it was told of."""
    known = row.events.filter(referral=referral, focus_type=focus_type)
    newest = known.aggregate(newest=Max("focus_version"))["newest"] or 0
    told = referral.changes.filter(is_told=True, version__gt=newest, at__gte=row.since)
    return list(told.select_related("referral").order_by("version"))


def _note_due(row: Subscription, *, at: datetime) -> None:
    """Send at once, unless the endpoint has failed: then it is left alone until its time has come."""
    if not row.failures:
        row.due_at = next_due(row, at=at)
    row.save(update_fields=["event_count", "due_at"])
    if row.due_at == at:
        wake(row, at=at)
