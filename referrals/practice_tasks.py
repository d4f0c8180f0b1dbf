"""What the practice is asked to do before a referral can go on, and when it may be asked at all."""

from datetime import datetime

from referrals.lifecycle import BusinessStatus
from referrals.models import PracticeTask, PracticeTaskKind, Referral
from referrals.selectors import newest_change

# As the practice sees the referral. Once it has been told that the time to answer is over, only somebody who joined
# still has a link that can be locked or a message that can be refused: a task would say so.
_MAY_BE_ASKED = frozenset(
    {
        BusinessStatus.RECEIVED,
        BusinessStatus.MATCHED,
        BusinessStatus.INVITATION_SENT,
        BusinessStatus.JOINED,
        BusinessStatus.WAITLIST,
        BusinessStatus.LEFT,
    }
)


def ask_practice(referral: Referral, kind: PracticeTaskKind, *, at: datetime) -> None:
    """Raise a task for the practice, once while it is open, unless the task would tell what is the patient's to tell."""
    locked = Referral.objects.select_for_update().get(pk=referral.pk)
    if newest_change(locked).business_status in _MAY_BE_ASKED:
        PracticeTask.objects.get_or_create(
            referral=locked, kind=kind, done_at=None, defaults={"raised_at": at}
        )


def finish_tasks(referral: Referral, kind: PracticeTaskKind | None = None, *, at: datetime) -> None:
    """Nothing more is asked of the practice, or nothing of this kind."""
    tasks = referral.practice_tasks.filter(done_at__isnull=True)
    (tasks.filter(kind=kind) if kind else tasks).update(done_at=at)
