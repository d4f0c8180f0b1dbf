"""Joining and leaving a community, and what becomes known of it."""

import base64
import secrets
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import Actor, patient_actor
from audit.models import Action
from audit.recording import record
from communities.models import HandOff
from referrals.changing import move, tell_now
from referrals.lifecycle import DECLINED_BY_HOST, TAKEN_BACK, BusinessStatus, allowed
from referrals.models import Offer, Placement, Referral
from referrals.responding import OfferGone
from referrals.selectors import offers_of

LIFE_AFTER_JOINING = timedelta(days=180)


@transaction.atomic
def join(
    *, referral_id: UUID, offer_id: UUID, tells_practice: bool, counts_visits: bool, at: datetime
) -> Placement:
    """Join the community of an offer under a new pseudonym; whoever was in another one leaves it first.

    Joining the same one again only renews the choices. Raises OfferGone or MoveNotAllowed.
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
    if current:
        leave(
            referral_id=referral_id, reason="changed-choice", by=patient_actor(referral_id), at=at
        )
        referral.refresh_from_db()
    return _place(
        referral, offer, tells_practice=tells_practice, counts_visits=counts_visits, at=at
    )


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
    """Leave the community, or only ``community_id``. Twice is once. A referral that was taken back stays that."""
    referral = Referral.objects.select_for_update().get(pk=referral_id)
    placement = referral.placements.filter(left_at__isnull=True).first()
    if placement is None or community_id not in (None, placement.community_id):
        return
    # Two requests at once: the later one may have read the clock first.
    placement.left_at = max(at, placement.joined_at)
    placement.left_reason = reason
    placement.save(update_fields=["left_at", "left_reason"])
    if referral.business_status not in TAKEN_BACK:
        move(referral, BusinessStatus.LEFT, by=by, at=at, reason=reason, is_told=is_told)
    record(Action.COMMUNITY_LEFT, by=by, at=at, target=f"Placement/{placement.pk}")


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
