"""Taking in what a community reports: each event recorded once, for its own members, for those who agreed."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import Actor
from audit.models import Action
from audit.recording import record
from engagement.contract import TAKING_PART, ActivityKind, NewActivity, Receipt, Received
from engagement.models import Activity
from privacy.tenancy import acting_for
from referrals.models import Placement
from referrals.placing import decline_member, note_active, note_left, note_place


@transaction.atomic
def record_activities(*, new: list[NewActivity], by: Actor, at: datetime) -> list[Received]:
    """Record a batch of events and give a receipt for each, in order. One bad event does not stop the others."""
    receipts = [Received(event.event_id, _record(event, by=by, at=at), at) for event in new]
    record(Action.EVENTS_RECEIVED, by=by, at=at, detail={"events": len(new)})
    return receipts


def _record(event: NewActivity, *, by: Actor, at: datetime) -> Receipt:
    placement = Placement.objects.filter(
        pseudonym=event.pseudonym, community__host_id=by.organisation_id
    ).first()
    if placement is None:
        return Receipt.UNKNOWN_SUBJECT
    if against := _what_stands_against(event, placement, at=at):
        return against
    _row, is_new = Activity.objects.get_or_create(
        host_id=by.organisation_id,
        source=event.source,
        event_id=event.event_id,
        defaults={
            "placement": placement,
            "kind": event.kind,
            "day": event.day,
            "count": event.count,
            "received_at": at,
        },
    )
    if not is_new:
        return Receipt.DUPLICATE
    # What follows from it happens to the practice's referral.
    with acting_for(placement.practice_id):
        _follow(event.kind, placement, by=by, at=at)
    return Receipt.RECORDED


def _follow(kind: ActivityKind, placement: Placement, *, by: Actor, at: datetime) -> None:
    if kind in TAKING_PART:
        note_active(placement=placement, by=by, at=at)
    elif kind == ActivityKind.LEFT:
        note_left(placement=placement, by=by, at=at)
    elif kind == ActivityKind.DECLINED:
        decline_member(placement=placement, by=by, at=at)
    else:
        is_waiting = kind == ActivityKind.WAITLISTED
        note_place(placement=placement, is_waiting=is_waiting, by=by, at=at)


def _what_stands_against(
    event: NewActivity, placement: Placement, *, at: datetime
) -> Receipt | None:
    """Why an event of a known member is not recorded, if it is not."""
    if not placement.counts_visits and event.kind in TAKING_PART:
        return Receipt.NOT_COUNTED
    if placement.left_at:
        return Receipt.NOT_COUNTED  # the patient was told that counting has stopped
    if event.day < localdate(placement.joined_at):
        return Receipt.BEFORE_JOINING
    if event.day > localdate(at + timedelta(minutes=10)):
        return Receipt.IN_FUTURE
    return None
