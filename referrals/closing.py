"""The end of the time to answer: the same for the practice's eyes whether or not the patient has joined."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import SYSTEM
from referrals.changing import move, tell_now
from referrals.lifecycle import UNANSWERED, BusinessStatus
from referrals.models import Link, Referral
from referrals.practice_tasks import finish_tasks
from referrals.selectors import newest_change


@transaction.atomic
def end_invitation(*, link_id: UUID, at: datetime) -> None:
    """Close the referral if nobody answered; tell the practice that the time is over if it waits.

    A patient who joined without telling must not stand out among those who did not answer, so both
    are told alike and at the same time. Does nothing while a newer link is still open.
    """
    link = Link.objects.get(pk=link_id)
    referral = Referral.objects.select_for_update().get(pk=link.referral_id)
    if referral.links.filter(made_at__gt=link.made_at).exists():
        return
    if referral.business_status in UNANSWERED:
        move(referral, BusinessStatus.NOT_TAKEN_UP, by=SYSTEM, at=at, is_told=False)
    if newest_change(referral).business_status in UNANSWERED:
        told, reason = BusinessStatus.INVITATION_ENDED, "time-to-answer-over"
        tell_now(referral, by=SYSTEM, at=at, told=told, reason=reason)
        finish_tasks(referral, at=at)  # a task that stayed open would be about somebody who joined
