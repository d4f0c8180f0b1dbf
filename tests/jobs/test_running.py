"""The job table: work that is claimed once, done whole or not at all, tried again, and never lost."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Organisation
from jobs import running, tasks
from jobs.models import Job, JobKind, JobState
from jobs.queue import WORK, enqueue
from jobs.running import LEASE, MOST_ATTEMPTS, Registered, claim, handles, run, work

pytestmark = pytest.mark.django_db


class Trouble(Exception):
    """What a handler runs into."""


@pytest.fixture
def done() -> list[dict[str, Any]]:
    """What the handlers of this test did."""
    return []


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No handlers but those of the test."""
    monkeypatch.setattr(running, "_HANDLERS", {})


@pytest.fixture
def _matching(done: list[dict[str, Any]]) -> None:
    """A handler that notes what it was given."""
    handles(JobKind.MATCH)(lambda **given: done.append(given))


def queued(at: datetime | None = None, **ids: str) -> Job:
    return enqueue(JobKind.MATCH, at=at or timezone.now(), run_at=None, **ids)


def write_a_row(**_: object) -> None:
    Organisation.objects.create(kind="host", name="Written by a job")


def was_written() -> bool:
    return Organisation.objects.filter(name="Written by a job").exists()


# Doing


@pytest.mark.usefixtures("_matching")
def test_a_job_is_done_with_its_ids_and_the_time(done: list[dict[str, Any]]) -> None:
    job = queued(referral_id="7")

    assert work(most=10) == 1

    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease, job.last_error) == (JobState.DONE, 1, None, "")
    assert job.ended_at
    [given] = done
    assert given["referral_id"] == "7"
    assert isinstance(given["at"], datetime)
    assert work(most=10) == 0


@pytest.mark.usefixtures("_matching")
def test_jobs_are_done_in_the_order_in_which_they_are_due(done: list[dict[str, Any]]) -> None:
    now = timezone.now()
    for minutes in (1, 3, 2):
        queued(now - timedelta(minutes=minutes), minutes=str(minutes))

    assert work(most=2) == 2
    assert work(most=2) == 1

    assert [given["minutes"] for given in done] == ["3", "2", "1"]


@pytest.mark.usefixtures("_matching")
def test_a_job_waits_for_its_time(done: list[dict[str, Any]]) -> None:
    now = timezone.now()
    enqueue(JobKind.MATCH, at=now, run_at=now + timedelta(hours=1))

    assert work(most=1) == 0
    with time_machine.travel(now + timedelta(hours=1, seconds=1)):
        assert work(most=1) == 1
    assert len(done) == 1


def test_a_kind_has_one_handler() -> None:
    handles(JobKind.MATCH)(write_a_row)

    with pytest.raises(ValueError, match="handler already"):
        handles(JobKind.MATCH)(write_a_row)


def test_every_kind_has_a_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    assert set(running._HANDLERS) == set(JobKind)


# Claiming


@pytest.mark.usefixtures("_matching")
def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(done: list[dict[str, Any]]) -> None:
    queued()
    now = timezone.now()

    first = claim(at=now)
    assert first
    assert claim(at=now) is None
    assert claim(at=now + LEASE) is None

    again = claim(at=now + LEASE + timedelta(seconds=1))
    assert again
    assert again.pk == first.pk
    assert again.lease != first.lease
    assert again.attempts == 2
    assert done == []


@pytest.mark.usefixtures("_matching")
def test_a_job_of_a_lost_worker_is_done_by_another(done: list[dict[str, Any]]) -> None:
    job = queued()
    assert claim(at=timezone.now() - LEASE - timedelta(seconds=1)) is None
    Job.objects.update(run_at=timezone.now() - timedelta(minutes=2))
    assert claim(at=timezone.now() - LEASE - timedelta(seconds=1))  # and is never seen again

    assert work(most=1) == 1

    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 2)
    assert len(done) == 1


def test_a_worker_that_was_too_slow_undoes_what_it_did() -> None:
    handles(JobKind.MATCH)(write_a_row)
    queued()
    slow = claim(at=timezone.now())
    assert slow
    quick = claim(at=timezone.now() + LEASE + timedelta(seconds=1))
    assert quick

    run(slow)

    assert not was_written()
    kept = Job.objects.get()
    assert (kept.state, kept.lease) == (JobState.RUNNING, quick.lease)
    run(quick)
    assert was_written()
    assert Job.objects.get().state == JobState.DONE


def test_an_error_of_a_worker_that_was_too_slow_changes_nothing() -> None:
    handles(JobKind.MATCH)(_fail)
    queued()
    slow = claim(at=timezone.now())
    quick = claim(at=timezone.now() + LEASE + timedelta(seconds=1))
    assert slow
    assert quick

    run(slow)

    assert Job.objects.get().lease == quick.lease


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
)
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
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
)
def test_a_worker_does_not_wait_for_a_job_that_another_is_taking() -> None:
    first, second = sorted((queued(), queued()), key=lambda job: (job.run_at, job.pk))

    def take() -> UUID | None:
        try:
            job = claim(at=timezone.now())
            return job.pk if job else None
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as elsewhere:
        assert Job.objects.select_for_update().get(pk=first.pk)
        assert elsewhere.submit(take).result(timeout=5) == second.pk


# Errors


def _fail(**_: object) -> None:
    write_a_row()
    raise Trouble("Alex Example, 999 000 0018")


def test_what_a_failing_job_wrote_is_undone_and_the_job_comes_back() -> None:
    handles(JobKind.MATCH)(_fail)
    job = queued()
    now = timezone.now()

    assert work(most=1) == 1

    assert not was_written()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease) == (JobState.QUEUED, 1, None)
    assert now <= job.run_at <= timezone.now() + timedelta(seconds=4)


def test_of_an_error_only_its_kind_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may name somebody."""
    handles(JobKind.MATCH)(_fail)
    queued()

    work(most=1)

    assert Job.objects.get().last_error == "Trouble"
    assert "Alex" not in caplog.text
    assert "0018" not in caplog.text


def test_each_failure_waits_longer_until_the_job_is_dead() -> None:
    handles(JobKind.MATCH)(_fail)
    queued()
    longest = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(MOST_ATTEMPTS):
            [delays] = _delays_after_failing()
            longest.append(delays)
            clock.shift(timedelta(hours=1))
        assert work(most=1) == 0

    job = Job.objects.get()
    assert (job.state, job.attempts) == (JobState.DEAD, MOST_ATTEMPTS)
    assert job.ended_at
    for attempt, delay in enumerate(longest[:-1], start=1):
        assert 0 <= delay <= min(2 * 2**attempt, 3600)


def _delays_after_failing() -> Iterator[float]:
    assert work(most=1) == 1
    yield (Job.objects.get().run_at - timezone.now()).total_seconds()


def test_one_failing_job_does_not_hold_up_the_others(done: list[dict[str, Any]]) -> None:
    def sometimes(**given: Any) -> None:
        if given["number"] == "0":
            raise Trouble
        done.append(given)

    handles(JobKind.MATCH)(sometimes)
    now = timezone.now()
    for number in range(3):
        queued(now - timedelta(minutes=10 - number), number=str(number))

    work(most=10)

    assert [given["number"] for given in done] == ["1", "2"]


def test_a_kind_without_a_handler_waits_and_does_not_stop_the_worker() -> None:
    """During a deployment an old worker may meet a job of a kind that only the new one knows."""
    job = queued()

    assert work(most=1) == 1

    job.refresh_from_db()
    assert (job.state, job.last_error) == (JobState.QUEUED, "KeyError")


def test_an_outward_job_that_fails_after_its_effect_is_repeated(
    done: list[dict[str, Any]],
) -> None:
    """Its effect is outside and cannot be undone: so it must be safe to repeat."""

    def reach_out(**given: Any) -> None:
        assert not connection.savepoint_ids or connection.in_atomic_block
        done.append(given)
        if len(done) == 1:
            raise Trouble

    handles(JobKind.MATCH, is_outward=True)(reach_out)
    queued()
    work(most=1)
    assert Job.objects.get().state == JobState.QUEUED

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        work(most=1)

    assert len(done) == 2
    assert Job.objects.get().state == JobState.DONE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_outward", [False, True])
def test_only_an_outward_job_runs_outside_a_transaction(*, is_outward: bool) -> None:
    seen: list[bool] = []
    handles(JobKind.MATCH, is_outward=is_outward)(
        lambda **_: seen.append(connection.in_atomic_block)
    )
    queued()

    work(most=1)

    assert seen == [not is_outward]
    assert isinstance(running._HANDLERS[JobKind.MATCH], Registered)


# Writing down


def test_a_job_goes_with_the_transaction_that_wrote_it() -> None:
    with transaction.atomic():
        queued()
        transaction.set_rollback(True)

    assert not Job.objects.exists()


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The wake-ups that were sent; the broker of the tests is nobody's."""
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: sent.append(name))
    return sent


def test_workers_are_woken_after_the_transaction_and_not_before(
    nudges: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        queued()
        assert nudges == []

    assert nudges == [WORK]


def test_nobody_is_woken_for_work_of_later(
    nudges: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    now = timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        enqueue(JobKind.MATCH, at=now, run_at=now + timedelta(seconds=1))

    assert nudges == []


def test_a_broker_that_cannot_be_reached_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(current_app, "send_task", refuse)

    with django_capture_on_commit_callbacks(execute=True):
        queued()

    assert Job.objects.get().state == JobState.QUEUED


@pytest.mark.usefixtures("_matching")
def test_a_worker_that_found_plenty_asks_to_be_woken_again(nudges: list[str]) -> None:
    for _ in range(tasks.MOST_AT_ONCE + 1):
        queued()

    tasks.do_due_jobs()
    assert nudges == [WORK]
    tasks.do_due_jobs()
    assert nudges == [WORK]
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


# The command


def dead() -> Job:
    now = timezone.now()
    return Job.objects.create(
        kind=JobKind.MATCH,
        payload={"referral_id": "7"},
        state=JobState.DEAD,
        created_at=now,
        run_at=now,
        ended_at=now,
        attempts=MOST_ATTEMPTS,
        last_error="Trouble",
    )


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("jobs", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("_matching")
def test_a_dead_job_can_be_seen_and_replayed(done: list[dict[str, Any]]) -> None:
    job = dead()
    assert work(most=1) == 0
    [line] = said("--dead").splitlines()
    assert str(job.pk) in line
    assert "Trouble" in line

    said("--replay", str(job.pk))

    assert work(most=1) == 1
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 1)
    assert len(done) == 1
    assert said("--dead") == ""


def test_only_a_dead_job_can_be_replayed() -> None:
    waiting = queued()

    for job_id in (waiting.pk, uuid4()):
        with pytest.raises(CommandError, match="no dead job"):
            said("--replay", str(job_id))


def test_the_table_is_counted_by_kind_and_state() -> None:
    dead()
    queued()
    queued()

    lines = [line.split() for line in said().splitlines()]

    assert lines == [["match", "dead", "1"], ["match", "queued", "2"]]
