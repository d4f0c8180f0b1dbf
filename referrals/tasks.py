"""Handlers of the referral's jobs, each calling one use case, and the sweep that finds what has lost its job."""

from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from communities.capacity import serve_lines
from jobs.models import JobKind
from jobs.running import handles
from privacy.tenancy import EVERYBODY, reaching
from referrals.closing import end_invitation
from referrals.inviting import hand_over_message, invite_patient
from referrals.matching import match_referral
from referrals.placing import pass_place_on
from referrals.rematching import recall_offers, tell_of_place, withdraw_offer
from referrals.sessions import forget_sessions
from referrals.sweeping import sweep_referrals


@handles(JobKind.MATCH)
def match(*, referral_id: str, at: datetime, **_: object) -> None:
    """Match one referral."""
    match_referral(referral_id=UUID(referral_id), at=at)


@handles(JobKind.INVITE)
def invite(*, referral_id: str, at: datetime, **_: object) -> None:
    """Write the invitation of one referral."""
    invite_patient(referral_id=UUID(referral_id), at=at)


@handles(JobKind.HAND_OVER)
def hand_over(*, message_id: str, tenant_id: UUID, at: datetime, **_: object) -> None:
    """Hand one message over to the carrier."""
    hand_over_message(message_id=UUID(message_id), tenant_id=tenant_id, at=at)


@handles(JobKind.END_LINK)
def end_link(*, link_id: str, at: datetime, **_: object) -> None:
    """End the time to answer."""
    end_invitation(link_id=UUID(link_id), at=at)


@handles(JobKind.RECALL)
def recall(*, community_id: str, at: datetime, after: str = "", **_: object) -> None:
    """Find whom a community was offered that has stopped, whosever patients they are."""
    with reaching(EVERYBODY):
        recall_offers(community_id=UUID(community_id), after=UUID(after) if after else None, at=at)


@handles(JobKind.WITHDRAW_OFFER)
def withdraw(*, offer_id: str, at: datetime, **_: object) -> None:
    """Take one offer of a community that has stopped back."""
    withdraw_offer(offer_id=UUID(offer_id), at=at)


@handles(JobKind.OFFER_PLACE)
def offer_place(*, reservation_id: str, at: datetime, **_: object) -> None:
    """Tell one patient who waits for a place that there is something."""
    tell_of_place(reservation_id=int(reservation_id), at=at)


@handles(JobKind.END_HOLD)
def end_hold(*, reservation_id: str, at: datetime, **_: object) -> None:
    """End the time for which a place was held."""
    pass_place_on(reservation_id=int(reservation_id), at=at)


@shared_task(name="referrals.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def sweep() -> None:
    """Write lost jobs again, whosever they are: each then runs for its own practice. Forget sessions that are over."""
    at = timezone.now()
    with reaching(EVERYBODY):
        sweep_referrals(at=at)
        serve_lines(at=at)
        forget_sessions(at=at)
