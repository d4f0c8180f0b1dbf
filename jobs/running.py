"""Doing jobs: the effect and its mark in one transaction, or outside of one for what cannot be undone; then again."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from jobs import circuits, leases
from jobs.circuits import Unavailable
from jobs.leases import MOST_ATTEMPTS, LeaseLost
from jobs.models import Job, JobKind, JobState
from privacy.tenancy import acting_for

logger = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 2
LONGEST_DELAY_SECONDS = 3600
# While a destination is away: its circuit paces the asking, so nobody needs to wait long after its return.
LONGEST_DELAY_OF_AN_OUTAGE = 300
LONGEST_OUTAGE = timedelta(hours=72)

Handler = Callable[..., None]

_HANDLERS: dict[JobKind, Handler] = {}


class NoTenant(Exception):
    """The job does not say for which organisation it is, so the database would show it nothing."""


def handles(kind: JobKind) -> Callable[[Handler], Handler]:
    """Register the one function that does jobs of this kind. It takes the job's ids as keywords and ``at``.

    It runs in one transaction in which the rows of the job's organisation are there. A kind with a destination runs
    outside of any: it gets ``tenant_id`` too, acts for it around each piece of database work, and is safe to repeat.
    """

    def register(handler: Handler) -> Handler:
        if kind in _HANDLERS:
            raise ValueError(f"{kind} has a handler already")
        _HANDLERS[kind] = handler
        return handler

    return register


def work(*, most: int, is_over: Callable[[], bool] = lambda: False) -> int:
    """Do up to ``most`` due jobs, one after the other, until it ``is_over``, and say how many were taken.

    Kinds that only a newer release knows are left to its workers.
    """
    taken = 0
    while (
        taken < most
        and not is_over()
        and (job := leases.claim(kinds=tuple(_HANDLERS), at=timezone.now()))
    ):
        taken += 1
        run(job)
    return taken


def run(job: Job) -> None:
    """Do a claimed job. An error puts it back with a growing delay, or makes it dead."""
    try:
        if job.tenant_id is None:
            raise NoTenant
        if job.destination:
            _reach_out(job, job.tenant_id)
        else:
            with acting_for(job.tenant_id):
                _HANDLERS[JobKind(job.kind)](**job.payload, at=timezone.now())
                leases.finish(job, at=timezone.now())
    except LeaseLost:
        logger.warning("lease lost", extra={"job": str(job.pk), "kind": job.kind})
    except Exception as error:
        _put_back(job, error, at=timezone.now())


def _reach_out(job: Job, tenant_id: UUID) -> None:
    with leases.kept(job):
        _HANDLERS[JobKind(job.kind)](**job.payload, tenant_id=tenant_id, at=timezone.now())
    circuits.note_answer(job.destination)
    leases.finish(job, at=timezone.now())


def _put_back(job: Job, error: Exception, *, at: datetime) -> None:
    is_their_fault = bool(job.destination) and isinstance(error, Unavailable)
    if is_their_fault:
        circuits.note_failure(job.destination, at=at)
        # As long again as it has waited already. Attempts count only what is the job's own fault.
        longest = min((at - job.due_at).total_seconds(), LONGEST_DELAY_OF_AN_OUTAGE)
        is_dead = at - job.due_at >= LONGEST_OUTAGE
    else:
        longest = min(FIRST_DELAY_SECONDS * 2**job.attempts, LONGEST_DELAY_SECONDS)
        is_dead = job.attempts >= MOST_ATTEMPTS or isinstance(error, NoTenant)
    # Full jitter, so that jobs which failed together do not come back together.
    seconds = random.uniform(0, max(longest, FIRST_DELAY_SECONDS))  # noqa: S311  (not a secret)
    name = type(error).__name__  # the type only: an error's text may carry what a log must not
    is_ours = leases.give_up_lease(
        job,
        state=JobState.DEAD if is_dead else JobState.QUEUED,
        attempts=job.attempts - is_their_fault,
        ended_at=at if is_dead else None,
        run_at=at + timedelta(seconds=seconds),
        last_error=name,
    )
    if is_ours and is_dead:
        leases.say_dead(job, error=name)
    else:
        logger.warning("job failed", extra={"job": str(job.pk), "kind": job.kind, "error": name})
