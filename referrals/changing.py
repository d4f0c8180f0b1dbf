"""The one way to move a referral from one state to another: lock, check, write the row, its history and the audit."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actors import Actor, ActorKind
from audit.models import Action
from audit.recording import record_each
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals import lifecycle
from referrals.intake import NewReferral, Term
from referrals.lifecycle import STATUSES, BusinessStatus
from referrals.models import Described, Referral, ReferralDocument, ReferralTerm, StatusChange
from referrals.selectors import newest_change


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a sender says with a step: a reason in their own words, and the documents that they wrote anew.

    Each document comes with the terms that it can be found by.
    """

    text: str = ""
    request: str = ""
    request_terms: tuple[Term, ...] = ()
    task: str = ""
    task_terms: tuple[Term, ...] = ()


NOTHING = Said()
_STATE = ("status", "task_status", "business_status")


def said_in(new: NewReferral) -> Said:
    """What a sender says with a referral, and with the Task that may have come with it."""
    return Said(
        text=new.reason_text,
        request=new.document,
        request_terms=new.terms,
        task=new.task_document,
        task_terms=new.task_terms,
    )


@transaction.atomic
def move(
    referral: Referral,
    target: BusinessStatus,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    said: Said = NOTHING,
    is_told: bool = True,
) -> None:
    """Move a referral. ``is_told`` False keeps the step from the practice: it gets no version that FHIR shows.

    Raises MoveNotAllowed. The caller's ``referral`` is brought up to date. A clinical system moves a referral from
    where it was told that the referral stands.
    """
    locked = Referral.objects.select_for_update().get(pk=referral.pk)
    stands = newest_change(locked) if by.kind is ActorKind.CLIENT else locked
    lifecycle.check(BusinessStatus(stands.business_status), target, by.kind)
    statuses = STATUSES[target]
    referral.status, referral.task_status, referral.business_status = (
        statuses.request,
        statuses.task,
        target,
    )
    referral.version, referral.told_at = (
        (locked.version + 1, at) if is_told else (locked.version, locked.told_at)
    )
    if target == BusinessStatus.RECEIVED and locked.issued_at is None:
        referral.issued_at = at
    referral.save(update_fields=[*_STATE, "version", "told_at", "issued_at"])
    write_change(referral, by=by, at=at, reason=reason, said=said, is_told=is_told)


def tell_now(
    referral: Referral,
    *,
    by: Actor,
    at: datetime,
    told: BusinessStatus,
    reason: str = "",
    said: Said = NOTHING,
) -> None:
    """Give the practice a version that shows ``told``, wherever the referral stands.

    The caller holds the row's lock.
    """
    referral.version += 1
    referral.told_at = at
    referral.save(update_fields=["version", "told_at"])
    write_change(referral, by=by, at=at, reason=reason, said=said, told=told)


def write_change(
    referral: Referral,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    said: Said = NOTHING,
    is_told: bool = True,
    is_first: bool = False,
    told: BusinessStatus | None = None,
) -> None:
    """Put the state that ``referral`` has now, or ``told`` for it, into its history and the audit.

    ``is_first``: it has just been received.
    """
    shown = told or BusinessStatus(referral.business_status)
    before = None if is_first else referral.changes.order_by("-pk").first()
    request_id, task_id = _documents(referral, said, before, at=at)
    change = StatusChange.objects.create(
        referral=referral,
        at=at,
        by=by.label,
        business_status=shown,
        status=STATUSES[shown].request,
        task_status=STATUSES[shown].task,
        reason=reason,
        sender_text=said.text,
        version=referral.version,
        is_told=is_told,
        request_document_id=request_id,
        task_document_id=task_id,
    )
    _record(referral, shown, is_first=is_first, by=by, at=at)
    if is_told:
        enqueue(JobKind.TELL, tenant_id=referral.practice_id, at=at, change_id=str(change.pk))


def _record(
    referral: Referral, shown: BusinessStatus, *, is_first: bool, by: Actor, at: datetime
) -> None:
    target = f"ServiceRequest/{referral.pk}"
    received = [(Action.REFERRAL_RECEIVED, target)] if is_first else []
    moved = (Action.REFERRAL_MOVED, target)
    detail = {Action.REFERRAL_MOVED: {"to": str(shown)}}
    record_each([*received, moved], by=by, at=at, detail=detail)


def _documents(
    referral: Referral, said: Said, before: StatusChange | None, *, at: datetime
) -> tuple[int, int | None]:
    """The ids of the ServiceRequest and the Task that the step shows: what was said with it, or those from before."""
    task_id = before.task_document_id if before else None
    if said.task:
        task_id = _keep(referral, said.task, at=at)
        _write_terms(referral, Described.TASK, said.task_terms)
    if said.request:
        request_id = _keep(referral, said.request, at=at)
        _write_terms(referral, Described.SERVICE_REQUEST, said.request_terms)
        return request_id, task_id
    if before is None:
        raise ValueError("the first step of a referral brings its document")
    return before.request_document_id, task_id


def _keep(referral: Referral, text: str, *, at: datetime) -> int:
    return ReferralDocument.objects.create(referral=referral, text=text, received_at=at).pk


def _write_terms(referral: Referral, resource: Described, terms: tuple[Term, ...]) -> None:
    """Let a referral be found by what its newest document says, and no longer by what an older one said."""
    if referral.version > 1:
        referral.terms.filter(resource=resource).delete()
    ReferralTerm.objects.bulk_create(
        ReferralTerm(
            referral=referral,
            resource=resource,
            name=term.name,
            system=term.system,
            value=term.value,
            starts_at=term.starts_at,
            ends_at=term.ends_at,
        )
        for term in terms
    )
