"""The one way to move a referral from one state to another: lock, check, write the row, its history and the audit."""

from datetime import datetime

from django.db import transaction

from accounts.actors import Actor
from audit.models import Action
from audit.recording import record
from referrals import lifecycle
from referrals.lifecycle import STATUSES, BusinessStatus
from referrals.models import Referral, StatusChange


@transaction.atomic
def move(
    referral: Referral,
    target: BusinessStatus,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    is_told: bool = True,
) -> None:
    """Move a referral. ``is_told`` False keeps the step from the practice: it gets no version that FHIR shows.

    Raises MoveNotAllowed. The caller's ``referral`` is brought up to date.
    """
    locked = Referral.objects.select_for_update().get(pk=referral.pk)
    lifecycle.check(BusinessStatus(locked.business_status), target, by.kind)
    statuses = STATUSES[target]
    referral.status, referral.task_status, referral.business_status = (
        statuses.request,
        statuses.task,
        target,
    )
    referral.version = locked.version + 1 if is_told else locked.version
    referral.save(update_fields=["status", "task_status", "business_status", "version"])
    write_change(referral, by=by, at=at, reason=reason, is_told=is_told)


def tell_now(
    referral: Referral,
    *,
    by: Actor,
    at: datetime,
    told: BusinessStatus | None = None,
    reason: str = "",
) -> None:
    """Give the practice a version: of where the referral stands, or of ``told`` in its place.

    The caller holds the row's lock.
    """
    referral.version += 1
    referral.save(update_fields=["version"])
    write_change(referral, by=by, at=at, reason=reason, told=told)


def write_change(
    referral: Referral,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    is_told: bool = True,
    told: BusinessStatus | None = None,
) -> None:
    """Put the state that ``referral`` has now, or ``told`` for it, into its history and the audit."""
    shown = told or BusinessStatus(referral.business_status)
    StatusChange.objects.create(
        referral=referral,
        at=at,
        by=by.label,
        business_status=shown,
        status=STATUSES[shown].request,
        task_status=STATUSES[shown].task,
        reason=reason,
        version=referral.version,
        is_told=is_told,
    )
    record(
        Action.REFERRAL_MOVED,
        by=by,
        at=at,
        target=f"ServiceRequest/{referral.pk}",
        detail={"to": str(shown)},
    )
