"""Handlers of the referral's jobs: each calls one use case."""

from datetime import datetime
from uuid import UUID

from jobs.models import JobKind
from jobs.running import handles
from referrals.closing import end_invitation
from referrals.inviting import hand_over_message, invite_patient
from referrals.matching import match_referral


@handles(JobKind.MATCH)
def match(*, referral_id: str, at: datetime, **_: object) -> None:
    """Match one referral."""
    match_referral(referral_id=UUID(referral_id), at=at)


@handles(JobKind.INVITE)
def invite(*, referral_id: str, at: datetime, **_: object) -> None:
    """Write the invitation of one referral."""
    invite_patient(referral_id=UUID(referral_id), at=at)


@handles(JobKind.HAND_OVER, is_outward=True)
def hand_over(*, message_id: str, at: datetime, **_: object) -> None:
    """Hand one message over to the carrier."""
    hand_over_message(message_id=UUID(message_id), at=at)


@handles(JobKind.END_LINK)
def end_link(*, link_id: str, at: datetime, **_: object) -> None:
    """End the time to answer."""
    end_invitation(link_id=UUID(link_id), at=at)
