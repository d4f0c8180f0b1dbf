"""Tasks that a clinical system writes: the one that fulfils a referral, and answers to what the practice was asked."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from referrals import lifecycle
from referrals.amending import StaleVersion, held, issue, take_back
from referrals.changing import Said, tell_now
from referrals.intake import Term
from referrals.lifecycle import STATUSES, BusinessStatus, MoveNotAllowed, TaskStatus
from referrals.models import PracticeTask, PracticeTaskKind, Referral
from referrals.practice_tasks import finish_tasks
from referrals.reading import Asked, Seen
from referrals.renewing import renew_link
from referrals.selectors import newest_change, practice_tasks

_TAKING_BACK = {
    TaskStatus.CANCELLED.value: BusinessStatus.WITHDRAWN,
    TaskStatus.ENTERED_IN_ERROR.value: BusinessStatus.ENTERED_IN_ERROR,
}
# These are answered with a new link. Whoever must not be contacted is spoken to by the practice itself.
_RENEWING = (PracticeTaskKind.LINK_LOCKED, PracticeTaskKind.MESSAGE_REFUSED)


class TaskKnown(Exception):
    """The referral has a Task from its sender already."""

    def __init__(self, referral: Referral) -> None:
        super().__init__(f"This referral has a Task already: Task/{referral.pk}. Update that one.")
        self.referral = referral
        self.element = "Task.focus"


@transaction.atomic
def attach_task(
    *,
    referral_id: UUID,
    document: str,
    status: str,
    terms: tuple[Term, ...] = (),
    by: Actor,
    at: datetime,
) -> Seen | None:
    """Keep the Task that a sender wrote for a referral that is here; None: foreign and absent are alike.

    A Task that is requested issues the draft that it is for. Raises TaskKnown or MoveNotAllowed.
    """
    referral = held(referral_id, expected_version=None, by=by)
    if referral is None:
        return None
    if referral.changes.filter(task_document__isnull=False).exists():
        raise TaskKnown(referral)
    told = _told(referral)
    right = TaskStatus.DRAFT if told == BusinessStatus.DRAFTED else TaskStatus.REQUESTED
    said = Said(task=document, task_terms=terms)
    _write(referral, status, right=right, said=said, by=by, at=at)
    return Seen(referral, newest_change(referral))


@transaction.atomic
def amend_task(
    *,
    task_id: UUID,
    document: str,
    status: str,
    reason_text: str,
    terms: tuple[Term, ...] = (),
    expected_version: int | None,
    by: Actor,
    at: datetime,
) -> Seen | Asked | None:
    """Do with a referral, or with what the practice was asked, what the practice's system now writes in the Task.

    None: foreign and absent are alike. Raises StaleVersion or MoveNotAllowed.
    """
    referral = held(task_id, expected_version=expected_version, by=by)
    if referral is None:
        return _amend_asked(task_id, status, expected_version=expected_version, by=by, at=at)
    said = Said(text=reason_text, task=document, task_terms=terms)
    if target := _TAKING_BACK.get(status):
        take_back(referral, target, said=said, by=by, at=at)
    else:
        right = STATUSES[_told(referral)].task
        _write(referral, status, right=right, said=said, by=by, at=at)
    return Seen(referral, newest_change(referral))


def _told(referral: Referral) -> BusinessStatus:
    return BusinessStatus(newest_change(referral).business_status)


def _write(
    referral: Referral, status: str, *, right: TaskStatus, said: Said, by: Actor, at: datetime
) -> None:
    """Keep the Task's text when it has the ``right`` status, or issue the draft that it requests."""
    told = _told(referral)
    if told == BusinessStatus.DRAFTED and status == TaskStatus.REQUESTED:
        issue(referral, said=said, by=by, at=at)
        return
    lifecycle.correction_of(told, by.kind)
    if status != right:
        raise lifecycle.refusal(told, by.kind)
    tell_now(referral, by=by, at=at, told=told, reason="task-written", said=said)


def _amend_asked(
    task_id: UUID, status: str, *, expected_version: int | None, by: Actor, at: datetime
) -> Asked | None:
    asked = practice_tasks(by).filter(pk=task_id).first()
    if asked is None:
        return None
    referral = Referral.objects.select_for_update().get(pk=asked.referral_id)
    task = PracticeTask.objects.select_related("referral__practice").get(pk=task_id)
    if expected_version not in (None, task.version):
        raise StaleVersion(task.version)
    if task.done_at or status != TaskStatus.COMPLETED:
        raise MoveNotAllowed(
            "What the practice was asked can only be answered as done, and once.",
            allowed=() if task.done_at else (TaskStatus.COMPLETED,),
        )
    finish_tasks(referral, PracticeTaskKind(task.kind), at=at)
    if task.kind in _RENEWING:
        renew_link(reference=referral.reference, by=by, at=at)
    task.refresh_from_db(fields=["done_at"])
    return Asked(task, task.version, task.changed_at)
