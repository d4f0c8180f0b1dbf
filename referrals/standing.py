"""Whether a referral is at its end, on its way, or stuck, and why: pure rules over what is known of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from referrals.lifecycle import UNANSWERED, BusinessStatus, is_over


class Standing(StrEnum):
    """Where every referral must be."""

    TERMINAL = "terminal"
    IN_PROGRESS = "in progress"
    STUCK = "stuck"


class Stuck(StrEnum):
    """Why a referral does not go on by itself."""

    DEAD_JOB = "a job of it is dead"
    NO_JOB = "nothing is due"
    CONTACT_PROHIBITED = "the patient must not be contacted"
    NO_CONTACT_ROUTE = "no phone number or e-mail address, and the carrier takes no letters"
    MESSAGE_REFUSED = "the message was refused"
    LINK_LOCKED = "the link is locked"
    PAST_DEADLINE = "the time to answer is over and nobody has said so"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a referral. ``told`` is the state that its practice sees; the link and message are the newest."""

    business_status: str
    told: str
    has_gapless_history: bool = True
    is_contact_prohibited: bool = False
    has_live_job: bool = False
    has_dead_job: bool = False
    has_link: bool = False
    is_link_open: bool = False
    is_link_locked: bool = False
    answer_by: datetime | None = None
    is_message_refused: bool = False
    is_letter: bool = False


@dataclass(frozen=True)
class Verdict:
    """Where a referral is; ``why`` is there when it is stuck."""

    standing: Standing
    why: Stuck | None = None


def standing_of(known: Known, *, at: datetime) -> Verdict | None:
    """The verdict, or None when no rule explains where the referral is: that is a fault of ours."""
    if known.business_status not in BusinessStatus.values or not known.has_gapless_history:
        return None
    status = BusinessStatus(known.business_status)
    if _is_at_its_end(known, status):
        return Verdict(Standing.TERMINAL)
    why = _obstacle(known, status, at=at)
    return Verdict(Standing.STUCK, why) if why else Verdict(Standing.IN_PROGRESS)


def _is_at_its_end(known: Known, status: BusinessStatus) -> bool:
    has_nothing_to_come = is_over(status) or (
        status == BusinessStatus.LEFT and not known.is_link_open
    )
    return has_nothing_to_come and known.told not in UNANSWERED


def _obstacle(known: Known, status: BusinessStatus, *, at: datetime) -> Stuck | None:
    if known.has_dead_job:
        return Stuck.DEAD_JOB
    if known.is_link_locked:
        return Stuck.LINK_LOCKED
    if status in UNANSWERED and known.is_message_refused:
        return Stuck.NO_CONTACT_ROUTE if known.is_letter else Stuck.MESSAGE_REFUSED
    if known.is_contact_prohibited and not known.has_link and status == BusinessStatus.MATCHED:
        return None if known.has_live_job else Stuck.CONTACT_PROHIBITED
    if known.told in UNANSWERED and known.answer_by and known.answer_by <= at:
        return None if known.has_live_job else Stuck.PAST_DEADLINE
    waits_for_us = status == BusinessStatus.RECEIVED or known.told in UNANSWERED
    return Stuck.NO_JOB if waits_for_us and not known.has_live_job else None
