"""Reading what identifies a patient: each read by a clinical system leaves a trace in the audit."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from audit.models import Action
from audit.recording import record
from referrals import selectors
from referrals.models import PracticeTask, Referral, StatusChange


@dataclass(frozen=True)
class Seen:
    """A referral at the version that was asked for."""

    referral: Referral
    change: StatusChange


@dataclass(frozen=True)
class Asked:
    """What the practice was asked to do, at a version."""

    task: PracticeTask
    version: int
    at: datetime


def read_referral(
    *, referral_id: UUID, version: int | None = None, by: Actor, at: datetime
) -> Seen | None:
    """A referral at a version (default: the newest), or None: foreign and absent are alike."""
    referral = selectors.referral_of(by, referral_id)
    if referral is None:
        return None
    change = (
        selectors.newest_change(referral)
        if version is None
        else selectors.change_at(referral, version)
    )
    if change is None:
        return None
    record(Action.REFERRAL_READ, by=by, at=at, target=f"ServiceRequest/{referral_id}")
    return Seen(referral, change)


def read_practice_task(
    *, task_id: UUID, version: int | None = None, by: Actor, at: datetime
) -> Asked | None:
    """What the practice was asked to do, at a version (default: the newest), or None."""
    task = selectors.practice_task_of(by, task_id)
    if task is None or version not in (None, *range(1, task.version + 1)):
        return None
    record(Action.REFERRAL_READ, by=by, at=at, target=f"ServiceRequest/{task.referral_id}")
    shown = version or task.version
    return Asked(task, shown, task.raised_at if shown == 1 else task.changed_at)
