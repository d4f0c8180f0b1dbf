"""Claiming and doing jobs: a lease per claim, the effect and its mark in one transaction, back-off after errors."""

import logging
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from jobs.models import Job, JobKind, JobState

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 12
FIRST_DELAY_SECONDS = 2
LONGEST_DELAY_SECONDS = 3600

Handler = Callable[..., None]


class LeaseLost(Exception):
    """Another worker took the job over while we were at it; our effect is rolled back."""


@dataclass(frozen=True)
class Registered:
    """A handler and whether it reaches outside: those run outside a transaction and must be safe to repeat."""

    handler: Handler
    is_outward: bool


_HANDLERS: dict[JobKind, Registered] = {}


def handles(kind: JobKind, *, is_outward: bool = False) -> Callable[[Handler], Handler]:
    """Register the one function that does jobs of this kind. It takes the job's ids as keywords and ``at``."""

    def register(handler: Handler) -> Handler:
        if kind in _HANDLERS:
            raise ValueError(f"{kind} has a handler already")
        _HANDLERS[kind] = Registered(handler, is_outward)
        return handler

    return register


def work(*, most: int) -> int:
    """Do up to ``most`` due jobs, one after the other, and say how many were taken."""
    taken = 0
    while taken < most and (job := claim(at=timezone.now())):
        taken += 1
        run(job)
    return taken


@transaction.atomic
def claim(*, at: datetime) -> Job | None:
    """Take the next due job for LEASE. Two workers never get the same one: row lock, or one writer on SQLite."""
    can_skip = connection.features.has_select_for_update_skip_locked
    job = Job.objects.due(at).select_for_update(skip_locked=can_skip).first()
    if job is None:
        return None
    if job.attempts >= MOST_ATTEMPTS:
        # It took its worker down every time, so nobody was left to say that it failed.
        _bury(job, at=at)
        return None
    job.state = JobState.RUNNING
    job.lease = uuid.uuid4()
    job.leased_until = at + LEASE
    job.attempts += 1
    job.save(update_fields=["state", "lease", "leased_until", "attempts"])
    return job


def _bury(job: Job, *, at: datetime) -> None:
    job.state, job.ended_at, job.last_error = JobState.DEAD, at, "WorkerLost"
    job.lease = job.leased_until = None
    job.save(update_fields=["state", "ended_at", "last_error", "lease", "leased_until"])
    logger.error("job took its workers down", extra={"job": str(job.pk), "kind": job.kind})


def run(job: Job) -> None:
    """Do a claimed job. An error puts it back with a growing delay; too many errors make it dead."""
    try:
        # Inside, because an older worker may meet a kind that only a newer one knows.
        registered = _HANDLERS[JobKind(job.kind)]
        with _held(job) if registered.is_outward else _held_in_one_transaction(job):
            registered.handler(**job.payload, at=timezone.now())
    except LeaseLost:
        logger.warning("lease lost", extra={"job": str(job.pk), "kind": job.kind})
    except Exception as error:
        _put_back(job, error, at=timezone.now())


@contextmanager
def _held_in_one_transaction(job: Job) -> Iterator[None]:
    with transaction.atomic():
        yield
        _mark_done(job)


@contextmanager
def _held(job: Job) -> Iterator[None]:
    yield
    _mark_done(job)


def _mark_done(job: Job) -> None:
    done = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease=job.lease).update(
        state=JobState.DONE, ended_at=timezone.now(), lease=None, leased_until=None, last_error=""
    )
    if not done:
        raise LeaseLost


def _put_back(job: Job, error: Exception, *, at: datetime) -> None:
    is_dead = job.attempts >= MOST_ATTEMPTS
    longest = min(FIRST_DELAY_SECONDS * 2**job.attempts, LONGEST_DELAY_SECONDS)
    # Full jitter, so that jobs which failed together do not come back together.
    delay = timedelta(seconds=random.uniform(0, longest))  # noqa: S311  (not a secret)
    Job.objects.filter(pk=job.pk, lease=job.lease).update(
        state=JobState.DEAD if is_dead else JobState.QUEUED,
        ended_at=at if is_dead else None,
        run_at=at + delay,
        lease=None,
        leased_until=None,
        # The type only: an error's text may carry what a log must not.
        last_error=type(error).__name__,
    )
    logger.error(
        "job failed", extra={"job": str(job.pk), "kind": job.kind, "error": type(error).__name__}
    )
