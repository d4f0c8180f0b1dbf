"""Who has a job: claimed once, kept while it is being done, given to another when its worker is lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs import leases
from jobs.leases import LEASE, MOST_ATTEMPTS
from jobs.models import Job, JobKind, JobState
from jobs.running import handles, run, work
from tests.jobs.work import claimed, fail, outward, queued, was_written, write_a_row

pytestmark = pytest.mark.django_db
ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
)
A_MOMENT = timedelta(seconds=1)


@pytest.mark.usefixtures("_matching")
def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(done: list[dict[str, Any]]) -> None:
    queued()
    now = timezone.now()

    first = claimed(now)
    assert first
    assert claimed(now) is None
    assert claimed(now + LEASE) is None

    again = claimed(now + LEASE + A_MOMENT)
    assert again
    assert again.pk == first.pk
    assert again.lease != first.lease
    assert again.attempts == 2
    assert done == []


@pytest.mark.usefixtures("_matching")
def test_a_job_of_a_lost_worker_is_done_by_another(done: list[dict[str, Any]]) -> None:
    long_ago = timezone.now() - LEASE - A_MOMENT
    job = queued(long_ago)
    assert claimed(long_ago)  # and is never seen again

    assert work(most=1) == 1

    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 2)
    assert len(done) == 1


def test_a_worker_that_was_too_slow_undoes_what_it_did() -> None:
    handles(JobKind.MATCH)(write_a_row)
    queued()
    slow = claimed(timezone.now())
    quick = claimed(timezone.now() + LEASE + A_MOMENT)
    assert slow
    assert quick

    run(slow)

    assert not was_written()
    kept = Job.objects.get()
    assert (kept.state, kept.lease) == (JobState.RUNNING, quick.lease)
    run(quick)
    assert was_written()
    assert Job.objects.get().state == JobState.DONE


def test_an_error_of_a_worker_that_was_too_slow_changes_nothing() -> None:
    handles(JobKind.MATCH)(fail)
    queued()
    slow = claimed(timezone.now())
    quick = claimed(timezone.now() + LEASE + A_MOMENT)
    assert slow
    assert quick

    run(slow)

    assert Job.objects.get().lease == quick.lease


def test_the_backlog_inside_does_not_stand_before_what_waits_on_others() -> None:
    now = timezone.now()
    outside = outward(now)
    for minutes in range(50):
        queued(now - timedelta(minutes=minutes))

    assert outside in [claimed(now) for _ in range(40)]  # 1 in 2⁴⁰ that chance never asks for it


@pytest.mark.usefixtures("_matching")
def test_a_job_that_took_down_its_workers_is_buried_and_the_work_goes_on(
    done: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    now = timezone.now()
    for minutes in (3, 2):
        poison = queued(now - timedelta(minutes=minutes))
        Job.objects.filter(pk=poison.pk).update(attempts=MOST_ATTEMPTS)
    queued(now)

    assert work(most=10) == 1

    assert len(done) == 1
    dead = Job.objects.filter(state=JobState.DEAD)
    assert list(dead.values_list("last_error", flat=True)) == ["WorkerLost"] * 2
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert "manage.py jobs --dead" in caplog.text


# Renewal


def test_a_renewed_lease_lasts_longer() -> None:
    outward()
    now = timezone.now()
    job = claimed(now)
    assert job

    assert leases.renew(job, at=now + LEASE)

    assert claimed(now + LEASE + A_MOMENT) is None
    assert claimed(now + LEASE * 2 + A_MOMENT)


def test_a_lost_lease_cannot_be_renewed() -> None:
    outward()
    now = timezone.now()
    slow = claimed(now)
    quick = claimed(now + LEASE + A_MOMENT)
    assert slow
    assert quick

    assert not leases.renew(slow, at=now + LEASE * 2)

    assert Job.objects.get().leased_until == quick.leased_until


@contextmanager
def _short_leases(monkeypatch: pytest.MonkeyPatch, *, longest: float) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(leases, "LEASE", timedelta(seconds=0.6))
        patch.setattr(leases, "RENEW_EVERY", timedelta(seconds=0.1))
        patch.setattr(leases, "LONGEST_RUN", timedelta(seconds=longest))
        yield


def _run_while_others_try(seconds: float) -> tuple[list[UUID], Job]:
    """One thread does an outward job for so long, another asks for work all the time."""
    got: list[UUID] = []
    handles(JobKind.HAND_OVER)(lambda **_: time.sleep(seconds))
    outward()
    job = claimed(timezone.now())
    assert job

    def do() -> None:
        try:
            run(job)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as elsewhere:
        doing = elsewhere.submit(do)
        while not doing.done():
            if other := claimed(timezone.now()):
                got.append(other.pk)
            time.sleep(0.05)
        doing.result()
    return got, Job.objects.get()


@pytest.mark.django_db(transaction=True)
@ON_POSTGRESQL
def test_a_job_that_takes_longer_than_its_lease_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with _short_leases(monkeypatch, longest=60):
        got, job = _run_while_others_try(1.5)

    assert got == []
    assert (job.state, job.attempts) == (JobState.DONE, 1)


@pytest.mark.django_db(transaction=True)
@ON_POSTGRESQL
def test_a_job_that_hangs_is_given_to_another_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with _short_leases(monkeypatch, longest=0.2):
        got, job = _run_while_others_try(1.2)

    assert got == [job.pk]
    assert (job.state, job.attempts) == (JobState.RUNNING, 2)


# Races


@pytest.mark.django_db(transaction=True)
@ON_POSTGRESQL
def test_of_many_workers_exactly_one_gets_each_job(done: list[dict[str, Any]]) -> None:
    handles(JobKind.MATCH)(lambda **given: done.append(given))
    for number in range(40):
        queued(number=str(number))
    together = Barrier(4)

    def work_through(_: int) -> int:
        try:
            together.wait(timeout=10)
            return work(most=100)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        taken = list(workers.map(work_through, range(4)))

    assert sum(taken) == 40
    assert sorted(int(given["number"]) for given in done) == list(range(40))
    assert set(Job.objects.values_list("state", "attempts")) == {(JobState.DONE, 1)}


@pytest.mark.django_db(transaction=True)
@ON_POSTGRESQL
def test_a_worker_does_not_wait_for_a_job_that_another_is_taking() -> None:
    first, second = sorted((queued(), queued()), key=lambda job: (job.run_at, job.pk))

    def take() -> UUID | None:
        try:
            job = claimed(timezone.now())
            return job.pk if job else None
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as elsewhere:
        assert Job.objects.select_for_update().get(pk=first.pk)
        assert elsewhere.submit(take).result(timeout=5) == second.pk
