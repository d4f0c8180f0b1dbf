"""Joining and leaving a community, and what becomes known of it."""

import base64
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import SYSTEM, Actor, patient_actor
from audit.models import Action
from audit.recording import record
from communities import capacity
from communities.models import Capacity, Community, HandOff, PlaceState, Reservation
from referrals.changing import move, tell_now
from referrals.lifecycle import DECLINED_BY_HOST, TAKEN_BACK, BusinessStatus, allowed
from referrals.models import Offer, Placement, Referral
from referrals.responding import OfferFull, OfferGone
from referrals.selectors import newest_change, offers_of

LIFE_AFTER_JOINING = timedelta(days=180)


@transaction.atomic
def join(
    *, referral_id: UUID, offer_id: UUID, tells_practice: bool, counts_visits: bool, at: datetime
) -> Placement | None:
    """Join the community of an offer under a new pseudonym; whoever was in another one leaves it first.

    None: it is full, and the patient waits for a place there. Whoever has a place elsewhere keeps that instead.
    Joining the same one again only renews the choices. Raises OfferFull, OfferGone or MoveNotAllowed.
    """
    referral = Referral.objects.select_for_update().get(pk=referral_id)
    offer = offers_of(referral_id, on=localdate(at)).filter(pk=offer_id).first()
    if offer is None:
        raise OfferGone
    current = referral.placements.filter(left_at__isnull=True).first()
    if current and current.community_id == offer.community_id:
        is_news = tells_practice and not current.tells_practice
        _renew_choices(current, tells_practice=tells_practice, counts_visits=counts_visits, at=at)
        if is_news and referral.business_status not in TAKEN_BACK:
            _tell_of_place(referral, at=at)
        return current
    if not _has_place(referral, offer, may_wait=current is None, at=at):
        _wait(referral, tells_practice=tells_practice, at=at)
        return None
    if current:
        leave(
            referral_id=referral_id, reason="changed-choice", by=patient_actor(referral_id), at=at
        )
        referral.refresh_from_db()
    return _place(
        referral, offer, tells_practice=tells_practice, counts_visits=counts_visits, at=at
    )


def _has_place(referral: Referral, offer: Offer, *, may_wait: bool, at: datetime) -> bool:
    """Take a place, or one in the line if there is one; what was asked for elsewhere is given up. Raises OfferFull."""
    member = capacity.Member(referral.pk, referral.practice_id)
    community_id = offer.community_id
    try:
        state = capacity.ask_for_place(
            community_id=community_id, member=member, may_wait=may_wait, at=at
        )
    except capacity.Full as full:
        raise OfferFull from full
    capacity.release_all(holder=referral.pk, but=community_id, at=at)
    return state == PlaceState.TAKEN


def _wait(referral: Referral, *, tells_practice: bool, at: datetime) -> None:
    referral.links.filter(revoked_at__isnull=True).update(expires_at=at + LIFE_AFTER_JOINING)
    if referral.business_status != BusinessStatus.WAITLIST:
        patient = patient_actor(referral.pk)
        move(referral, BusinessStatus.WAITLIST, by=patient, at=at, is_told=tells_practice)
    elif tells_practice and newest_change(referral).business_status != BusinessStatus.WAITLIST:
        _tell_of_place(referral, at=at)


def _place(
    referral: Referral, offer: Offer, *, tells_practice: bool, counts_visits: bool, at: datetime
) -> Placement:
    placement = Placement.objects.create(
        referral=referral,
        practice_id=referral.practice_id,
        community_id=offer.community_id,
        pseudonym=_new_pseudonym(),
        joined_at=at,
        tells_practice=tells_practice,
        counts_visits=counts_visits,
    )
    # Whoever has joined must be able to come back and leave: the way in outlives the invitation.
    referral.links.filter(revoked_at__isnull=True).update(expires_at=at + LIFE_AFTER_JOINING)
    if referral.joined_at is None:
        referral.joined_at = at
        referral.save(update_fields=["joined_at"])
    patient = patient_actor(referral.pk)
    move(referral, BusinessStatus.JOINED, by=patient, at=at, is_told=tells_practice)
    record(
        Action.COMMUNITY_JOINED,
        by=patient,
        at=at,
        target=f"Placement/{placement.pk}",
        detail={"tells-practice": int(tells_practice), "counts-visits": int(counts_visits)},
    )
    return placement


def _tell_of_place(referral: Referral, *, at: datetime) -> None:
    """What the patient agreed to is that they joined; whether they take part stays theirs."""
    is_waiting = referral.business_status == BusinessStatus.WAITLIST
    told = BusinessStatus.WAITLIST if is_waiting else BusinessStatus.JOINED
    tell_now(referral, by=patient_actor(referral.pk), at=at, told=told)


def _renew_choices(
    placement: Placement, *, tells_practice: bool, counts_visits: bool, at: datetime
) -> None:
    if (placement.tells_practice, placement.counts_visits) == (tells_practice, counts_visits):
        return
    placement.tells_practice, placement.counts_visits = tells_practice, counts_visits
    placement.save(update_fields=["tells_practice", "counts_visits"])
    record(
        Action.SHARING_CHOSEN,
        by=patient_actor(placement.referral_id),
        at=at,
        target=f"Placement/{placement.pk}",
        detail={"tells-practice": int(tells_practice), "counts-visits": int(counts_visits)},
    )


@transaction.atomic
def leave(
    *,
    referral_id: UUID,
    reason: str,
    by: Actor,
    at: datetime,
    community_id: UUID | None = None,
    is_told: bool = False,
) -> None:
    """Leave the community, or only ``community_id``, or the line for one. Twice is once.

    A referral that was taken back stays that.
    """
    referral = Referral.objects.select_for_update().get(pk=referral_id)
    placement = referral.placements.filter(left_at__isnull=True).first()
    if placement is None and community_id is None:
        _stop_waiting(referral, reason=reason, by=by, at=at, is_told=is_told)
    if placement is None or community_id not in (None, placement.community_id):
        return
    # Two requests at once: the later one may have read the clock first.
    placement.left_at = max(at, placement.joined_at)
    placement.left_reason = reason
    placement.save(update_fields=["left_at", "left_reason"])
    if referral.business_status not in TAKEN_BACK:
        move(referral, BusinessStatus.LEFT, by=by, at=at, reason=reason, is_told=is_told)
    capacity.release(community_id=placement.community_id, holder=referral.pk, at=at)
    record(Action.COMMUNITY_LEFT, by=by, at=at, target=f"Placement/{placement.pk}")


def _stop_waiting(
    referral: Referral, *, reason: str, by: Actor, at: datetime, is_told: bool
) -> None:
    capacity.release_all(holder=referral.pk, at=at)
    if referral.business_status == BusinessStatus.WAITLIST:
        move(referral, BusinessStatus.LEFT, by=by, at=at, reason=reason, is_told=is_told)


@transaction.atomic
def pass_place_on(*, reservation_id: int, at: datetime) -> None:
    """The time to take a place that was held is over: the next in line gets it. The practice is told nothing of it."""
    held = Reservation.objects.filter(pk=reservation_id).first()
    if held is None:
        return
    referral = Referral.objects.select_for_update().get(pk=held.holder)
    if capacity.end_hold(reservation_id=reservation_id, at=at):
        _stop_waiting(referral, reason="place-not-taken", by=SYSTEM, at=at, is_told=False)


@transaction.atomic
def note_active(*, placement: Placement, by: Actor, at: datetime) -> None:
    """The member has been seen in the community, reading or more: the first time makes the referral 'engaged'."""
    referral = Referral.objects.select_for_update().get(pk=placement.referral_id)
    if referral.active_at is None:
        referral.active_at = at
        referral.save(update_fields=["active_at"])
    if placement.left_at is None:
        _move_if_possible(referral, BusinessStatus.JOINED, placement, by=by, at=at)
        _move_if_possible(referral, BusinessStatus.ENGAGED, by=by, at=at)


@transaction.atomic
def note_place(*, placement: Placement, is_waiting: bool, by: Actor, at: datetime) -> None:
    """The community says that the member has a place there, or waits for one. Saying so twice is once."""
    referral = Referral.objects.select_for_update().get(pk=placement.referral_id)
    target = BusinessStatus.WAITLIST if is_waiting else BusinessStatus.JOINED
    _move_if_possible(referral, target, placement, by=by, at=at)


@transaction.atomic
def note_left(*, placement: Placement, by: Actor, at: datetime) -> None:
    """The community says that the member has left it."""
    leave(
        referral_id=placement.referral_id,
        community_id=placement.community_id,
        reason="left-at-host",
        by=by,
        at=at,
    )


@transaction.atomic
def decline_member(*, placement: Placement, by: Actor, at: datetime) -> None:
    """The community cannot take the member, who may choose another one."""
    leave(
        referral_id=placement.referral_id,
        community_id=placement.community_id,
        reason=DECLINED_BY_HOST,
        by=by,
        at=at,
        is_told=placement.tells_practice,
    )


def _move_if_possible(
    referral: Referral,
    target: BusinessStatus,
    telling: Placement | None = None,
    *,
    by: Actor,
    at: datetime,
) -> None:
    """Move a referral that stands where it can be moved; the practice is told if the patient of ``telling`` wants it."""
    if target in allowed(BusinessStatus(referral.business_status), by.kind):
        is_told = telling is not None and telling.tells_practice
        move(referral, target, by=by, at=at, is_told=is_told)


def join_address(placement: Placement) -> str:
    """Where to go to join: with the pseudonym where the community knows what to do with it, and nothing else."""
    community = placement.community
    if community.hand_off != HandOff.LINK:
        return community.url
    separator = "&" if "?" in community.url else "?"
    return f"{community.url}{separator}{urlencode({'member': placement.pseudonym})}"


def _new_pseudonym() -> str:
    return "psn_" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


@transaction.atomic
def state_places(
    *, community: Community, statement: capacity.Statement, by: Actor, at: datetime
) -> Capacity:
    """Note what a host says of the places of its community; whoever has joined it through here has one of them."""
    placed = Placement.objects.filter(community=community, left_at__isnull=True)
    members = [capacity.Member(*row) for row in placed.values_list("referral_id", "practice_id")]
    return capacity.state_capacity(
        community=community, statement=statement, members=members, by=by, at=at
    )
