"""Who has a job: a claim with a lease, its renewal and its end. Whoever has lost the lease changes nothing."""

import logging
import random
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from jobs import circuits
from jobs.models import Destination, Job, JobKind, JobState

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
RENEW_EVERY = LEASE / 3
# An outward call has a time limit of its own. One that hangs for all that keeps its job from others no longer than this.
LONGEST_RUN = timedelta(minutes=10)
MOST_ATTEMPTS = 12


class LeaseLost(Exception):
    """Another worker took the job over while we were at it; our effect is rolled back."""


@transaction.atomic
def claim(*, kinds: Collection[JobKind], at: datetime) -> Job | None:
    """Take the next due job of these kinds for LEASE. Two workers never get the same one.

    Work in the database and each destination in any order, so that the backlog of one does not stand before another:
    messages leave while a thousand referrals still wait to be matched.
    """
    for destination in random.sample(("", *Destination.values), len(Destination.values) + 1):
        if job := _take(destination, kinds=kinds, at=at):
            return job
    return None


def _take(destination: str, *, kinds: Collection[JobKind], at: datetime) -> Job | None:
    can_skip = (
        connection.features.has_select_for_update_skip_locked
    )  # on SQLite one writes at a time
    due = (
        Job.objects.due(at)
        .filter(destination=destination, kind__in=kinds)
        .select_for_update(skip_locked=can_skip)
    )
    while job := due.first():
        if job.attempts >= MOST_ATTEMPTS:
            # It took its worker down every time, so nobody was left to say that it failed.
            _bury(job, at=at)
            continue
        if destination and not circuits.admits(destination, at=at):
            return None
        job.state, job.lease, job.leased_until = JobState.RUNNING, uuid.uuid4(), at + LEASE
        job.attempts += 1
        job.save(update_fields=["state", "lease", "leased_until", "attempts"])
        return job
    return None


def _bury(job: Job, *, at: datetime) -> None:
    job.state, job.ended_at, job.last_error = JobState.DEAD, at, "WorkerLost"
    job.lease = job.leased_until = None
    job.save(update_fields=["state", "ended_at", "last_error", "lease", "leased_until"])
    say_dead(job, error=job.last_error)


def say_dead(job: Job, *, error: str) -> None:
    """A line for operators: nobody will do this job again unless they say so."""
    logger.error(
        "job is dead: see manage.py jobs --dead",
        extra={"job": str(job.pk), "kind": job.kind, "error": error},
    )


def finish(job: Job, *, at: datetime) -> None:
    """Mark it done. Raises LeaseLost."""
    if not give_up_lease(job, state=JobState.DONE, ended_at=at, last_error=""):
        raise LeaseLost


def give_up_lease(job: Job, **columns: object) -> bool:
    """Write how the job stands now and let go of it. False when another has it: nothing is written then."""
    held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease=job.lease)
    return bool(held.update(lease=None, leased_until=None, **columns))


def renew(job: Job, *, at: datetime) -> bool:
    """Have the lease last for LEASE from now. False when another has the job."""
    held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease=job.lease)
    return bool(held.update(leased_until=at + LEASE))


@contextmanager
def kept(job: Job) -> Iterator[None]:
    """Renew the lease while the job reaches outside. Not for work inside a transaction: on SQLite it has the pen."""
    is_over = Event()
    renewer = Thread(target=_renew_until, args=(is_over, job), name="renewer", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        is_over.set()
        renewer.join()


def _renew_until(is_over: Event, job: Job) -> None:
    for _ in range(LONGEST_RUN // RENEW_EVERY):
        if is_over.wait(RENEW_EVERY.total_seconds()):
            return
        try:
            is_ours = renew(job, at=timezone.now())
        except DatabaseError:
            is_ours = True  # as far as anybody knows; the next time will tell
        finally:
            connection.close()  # this thread's own
        if not is_ours:
            return
