"""The safety net: finds what should have moved on and has no job that would move it, and writes the job again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from communities.models import Reservation
from jobs.models import Job, JobKind, JobState
from jobs.queue import enqueue
from referrals.inviting import LINK_LIFE
from referrals.lifecycle import UNANSWERED, BusinessStatus
from referrals.models import Link, Message, MessageState, Offer, Referral, StatusChange
from referrals.rematching import STOPPED

LATE = timedelta(minutes=10)
MOST_AT_ONCE = 500
# A dead job is left alone: somebody has to look at it first.
_KNOWN = (JobState.QUEUED, JobState.RUNNING, JobState.DEAD)


class Work(NamedTuple):
    """A job that should be there: its kind, the practice's id, and the row that it is about."""

    kind: JobKind
    tenant_id: UUID
    name: str
    row_id: str


@transaction.atomic
def sweep_referrals(*, at: datetime) -> int:
    """Write the jobs that are missing, at most MOST_AT_ONCE, and say how many. Twice is once."""
    missing = list(islice(_missing(at=at), MOST_AT_ONCE))
    for work in missing:
        enqueue(work.kind, tenant_id=work.tenant_id, at=at, run_at=at, **{work.name: work.row_id})
    return len(missing)


def _missing(*, at: datetime) -> Iterator[Work]:
    late = at - LATE
    unmatched = Referral.objects.filter(business_status=BusinessStatus.RECEIVED, issued_at__lt=late)
    yield from _without_job(
        JobKind.MATCH, "referral_id", unmatched.values_list("practice_id", "pk")
    )
    uninvited = Referral.objects.filter(
        business_status=BusinessStatus.MATCHED,
        issued_at__lt=late,
        practice_tasks__isnull=True,
    ).exclude(messages__in=Message.objects.filter(link__revoked_at__isnull=True))
    yield from _without_job(
        JobKind.INVITE, "referral_id", uninvited.values_list("practice_id", "pk")
    )
    unsent = Message.objects.filter(state=MessageState.WAITING, made_at__lt=late)
    yield from _without_job(
        JobKind.HAND_OVER, "message_id", unsent.values_list("referral__practice_id", "pk")
    )
    stopped = Offer.objects.filter(withdrawn_at__isnull=True, community__listing__in=STOPPED)
    yield from _without_job(
        JobKind.WITHDRAW_OFFER, "offer_id", stopped.values_list("referral__practice_id", "pk")
    )
    held = Reservation.objects.filter(held_until__lt=late)
    yield from _without_job(JobKind.END_HOLD, "reservation_id", held.values_list("tenant_id", "pk"))
    yield from _without_job(
        JobKind.END_LINK, "link_id", unended_links(late).values_list("practice_id", "pk")
    )


def unended_links(moment: datetime) -> QuerySet[Link]:
    """The newest links whose time to answer was over before this, while the practice still waits."""
    newer = Link.objects.filter(referral=OuterRef("referral"), made_at__gt=OuterRef("made_at"))
    waiting = StatusChange.objects.filter(
        referral=OuterRef("referral"),
        is_told=True,
        version=F("referral__version"),
        business_status__in=UNANSWERED,
    )
    old = Link.objects.filter(made_at__lt=moment - LINK_LIFE)
    return old.filter(~Exists(newer), Exists(waiting))


def _without_job(
    kind: JobKind, name: str, rows: QuerySet[Any, tuple[UUID, UUID | int]]
) -> Iterator[Work]:
    # Page by page: a server-side cursor that is left half-read holds up the next one on the same connection.
    ordered = rows.order_by("pk")
    batch = list(ordered[:MOST_AT_ONCE])
    while batch:
        ids = [str(row_id) for _practice, row_id in batch]
        known = set(
            Job.objects.filter(
                kind=kind, state__in=_KNOWN, **{f"payload__{name}__in": ids}
            ).values_list(f"payload__{name}", flat=True)
        )
        for practice_id, row_id in batch:
            if str(row_id) not in known:
                yield Work(kind, practice_id, name, str(row_id))
        batch = list(ordered.filter(pk__gt=batch[-1][1])[:MOST_AT_ONCE])
