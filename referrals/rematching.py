"""A community pauses or closes: what it was offered for is taken back, and those whom it concerns choose again."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import SYSTEM
from audit.models import Action
from audit.recording import record
from communities import capacity
from communities.models import Listing, Reservation
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.changing import move, tell_now
from referrals.inviting import call_back, channel_for
from referrals.lifecycle import COMMUNITY_PAUSED, TAKEN_BACK, UNANSWERED, BusinessStatus, is_over
from referrals.matching import count_as_unmet, find_offers
from referrals.models import Channel, Offer, Referral
from referrals.placing import leave
from referrals.practice_tasks import finish_tasks
from referrals.recalling import recall_invitation
from referrals.selectors import newest_change, placement_of

# An overdue review is none of these: it only gives no new places.
STOPPED = (Listing.SUSPENDED, Listing.CLOSED)
MOST_AT_ONCE = 500
_KNOWN_TO_WAIT_OR_TO_HAVE = (BusinessStatus.WAITLIST, BusinessStatus.JOINED)


@transaction.atomic
def recall_offers(*, community_id: UUID, after: UUID | None = None, at: datetime) -> int:
    """Write a job for each open offer of a community that has stopped, a batch at a time, and say how many.

    Needs everybody's rows in reach; each job then works for its own practice, in a transaction of its own.
    """
    offers = Offer.objects.filter(
        community_id=community_id, community__listing__in=STOPPED, withdrawn_at__isnull=True
    )
    batch = list(
        (offers.filter(pk__gt=after) if after else offers)
        .order_by("pk")
        .values_list("pk", "referral__practice_id", "community__host_id")[:MOST_AT_ONCE]
    )
    for offer_id, practice_id, _host in batch:
        enqueue(JobKind.WITHDRAW_OFFER, tenant_id=practice_id, at=at, offer_id=str(offer_id))
    if len(batch) == MOST_AT_ONCE:
        last, _practice, host_id = batch[-1]
        enqueue(
            JobKind.RECALL,
            tenant_id=host_id,
            at=at,
            community_id=str(community_id),
            after=str(last),
        )
    return len(batch)


@transaction.atomic
def withdraw_offer(*, offer_id: UUID, at: datetime) -> None:
    """Take one offer of a community that has stopped back. Twice is once, and one that is listed again is left alone.

    Whoever has a place there or waits for one has it no longer; whoever has no place elsewhere gets what fits now. The
    practice is told the same of everybody whom it believes not to have answered.
    """
    offer = Offer.objects.select_related("community").get(pk=offer_id)
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("practice", "patient")
        .get(pk=offer.referral_id)
    )
    offer.refresh_from_db(fields=["withdrawn_at"])
    if offer.withdrawn_at or offer.community.listing not in STOPPED:
        return
    told = BusinessStatus(newest_change(referral).business_status)
    _withdraw(referral, offer, at=at)
    has_lost = _end_place(referral, offer, told=told, at=at)
    status = BusinessStatus(referral.business_status)
    if status in TAKEN_BACK or is_over(status):
        return
    is_free = status in (*UNANSWERED, BusinessStatus.LEFT)
    if is_free and not _choose_anew(referral, at=at):
        _end_unmatched(referral, told=told, at=at)
    elif told in UNANSWERED:
        tell_now(referral, by=SYSTEM, at=at, told=told, reason=COMMUNITY_PAUSED)
    if _is_to_be_called(referral, told, is_concerned=has_lost or status in UNANSWERED):
        call_back(referral, at=at)


def _withdraw(referral: Referral, offer: Offer, *, at: datetime) -> None:
    offer.withdrawn_at = at
    offer.save(update_fields=["withdrawn_at"])
    record(Action.OFFER_WITHDRAWN, by=SYSTEM, at=at, target=f"Offer/{offer.pk}")


def _end_place(referral: Referral, offer: Offer, *, told: BusinessStatus, at: datetime) -> bool:
    """End the place that the patient has in the community, or their waiting for one; False when there is neither."""
    placement = placement_of(referral.pk)
    if placement and placement.community_id == offer.community_id:
        is_told = placement.tells_practice
    elif placement is None and _awaits(referral, offer):
        is_told = told == BusinessStatus.WAITLIST
    else:
        return False
    leave(referral_id=referral.pk, reason=COMMUNITY_PAUSED, by=SYSTEM, at=at, is_told=is_told)
    referral.refresh_from_db()
    return True


def _awaits(referral: Referral, offer: Offer) -> bool:
    state = capacity.state_of(community_id=offer.community_id, holder=referral.pk)
    return state is not None


def _choose_anew(referral: Referral, *, at: datetime) -> bool:
    """Put what fits now in place of what was offered; a choice that still fits stays chosen. False: nothing fits."""
    before = Offer.objects.filter(referral=referral, withdrawn_at__isnull=True)
    chosen = dict(before.values_list("community_id", "chosen_at"))
    before.update(withdrawn_at=at)
    offers = find_offers(referral, at=at)
    for offer in offers:
        offer.chosen_at = chosen.get(UUID(str(offer.community_id)))
    Offer.objects.bulk_update(offers, ["chosen_at"])
    return bool(offers)


def _end_unmatched(referral: Referral, *, told: BusinessStatus, at: datetime) -> None:
    """Nothing fits any more. Who has told their practice of a place keeps the way in, and may look again later."""
    count_as_unmet(referral, at=at)
    if told in UNANSWERED:
        reason = "no-suitable-community"
        move(referral, BusinessStatus.NO_MATCH, by=SYSTEM, at=at, reason=reason)
        finish_tasks(referral, at=at)
        recall_invitation(referral, at=at)


def _is_to_be_called(referral: Referral, told: BusinessStatus, *, is_concerned: bool) -> bool:
    if referral.business_status == BusinessStatus.NO_MATCH:
        return False
    if channel_for(referral) != Channel.LETTER:
        return is_concerned
    # It passes through the practice's hands: so all get one whom it believes not to have answered, or only those of
    # whom it has been told.
    return told in UNANSWERED or (is_concerned and told in _KNOWN_TO_WAIT_OR_TO_HAVE)


@transaction.atomic
def tell_of_place(*, reservation_id: int, at: datetime) -> None:
    """Write to somebody for whom a place is held, in the words of the first message. Not if they have answered since."""
    held = Reservation.objects.filter(pk=reservation_id, held_until__isnull=False).first()
    if held is None:
        return
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("patient")
        .get(pk=held.holder)
    )
    told = newest_change(referral).business_status
    if channel_for(referral) != Channel.LETTER or told == BusinessStatus.WAITLIST:
        call_back(referral, at=at)
