"""A destination that is away: asked less and less, found again soon, and no job is given up because of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from jobs import circuits
from jobs.circuits import FAILURES_TO_OPEN, LONGEST_OPEN_SECONDS, PROBE, Unavailable
from jobs.models import Circuit, Destination, Job, JobKind, JobState
from jobs.running import LONGEST_OUTAGE, handles, work
from tests.jobs.work import Trouble, claimed, outward, queued

pytestmark = pytest.mark.django_db


class Carrier:
    """Answers or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.trouble: Exception | None = Unavailable()
        handles(JobKind.HAND_OVER)(self._ask)

    def _ask(self, **_: object) -> None:
        self.asked += 1
        if self.trouble:
            raise self.trouble


@pytest.fixture
def carrier() -> Carrier:
    """A carrier that is away."""
    return Carrier()


def _opened(at: datetime) -> Circuit:
    for _ in range(FAILURES_TO_OPEN):
        circuits.note_failure(Destination.MESSENGER, at=at)
    return Circuit.objects.get()


def _end(circuit: Circuit) -> datetime:
    assert circuit.open_until
    return circuit.open_until


def test_after_some_failures_in_a_row_it_is_left_alone(carrier: Carrier) -> None:
    now = timezone.now()
    for _ in range(20):
        outward(now)

    taken = work(most=100)

    assert taken == carrier.asked == FAILURES_TO_OPEN
    assert _end(Circuit.objects.get()) > now
    assert set(Job.objects.values_list("state", "attempts")) == {(JobState.QUEUED, 0)}


@pytest.mark.usefixtures("_matching")
def test_other_work_goes_on(carrier: Carrier, done: list[dict[str, Any]]) -> None:
    now = timezone.now()
    _opened(now)
    outward(now - timedelta(hours=1))
    queued(now)

    assert work(most=10) == 1

    assert (len(done), carrier.asked) == (1, 0)


def test_one_failure_among_answers_leaves_it_open_to_all(carrier: Carrier) -> None:
    for _ in range(FAILURES_TO_OPEN * 2):
        circuits.note_failure(Destination.MESSENGER, at=timezone.now())
        circuits.note_answer(Destination.MESSENGER)

    assert not Circuit.objects.exists()


def test_when_its_time_is_over_one_job_asks_for_all() -> None:
    now = timezone.now()
    for _ in range(3):
        outward(now)
    later = _end(_opened(now))

    assert claimed(now) is None
    assert claimed(later)
    assert claimed(later) is None
    assert claimed(later + PROBE)  # the first was lost


def test_an_answer_lets_all_go_on(carrier: Carrier) -> None:
    now = timezone.now()
    for _ in range(20):
        outward(now)
    end = _end(_opened(now))
    carrier.trouble = None

    with time_machine.travel(end):
        assert work(most=100) == 20

    assert carrier.asked == 20
    assert not Circuit.objects.exists()


def test_each_failure_leaves_it_alone_for_longer_up_to_a_limit() -> None:
    now = timezone.now()
    seconds = []
    for _ in range(40):
        circuits.note_failure(Destination.MESSENGER, at=now)
        end = Circuit.objects.get().open_until
        seconds.append((end - now).total_seconds() if end else 0.0)

    assert seconds[: FAILURES_TO_OPEN - 1] == [0.0] * (FAILURES_TO_OPEN - 1)
    for extra, open_for in enumerate(seconds[FAILURES_TO_OPEN - 1 :]):
        longest = min(5 * 2**extra, LONGEST_OPEN_SECONDS)
        assert longest / 2 <= open_for <= longest


def test_an_outage_of_a_day_gives_up_no_job_and_costs_few_questions(carrier: Carrier) -> None:
    began = timezone.now()
    for _ in range(10):
        outward(began)

    for minutes in range(0, 24 * 60, 5):
        with time_machine.travel(began + timedelta(minutes=minutes), tick=False):
            work(most=100)
    carrier.trouble = None
    asked = carrier.asked
    for minutes in (5, 10):
        with time_machine.travel(began + timedelta(hours=24, minutes=minutes), tick=False):
            work(most=100)

    assert asked <= 24 * 12 + FAILURES_TO_OPEN
    assert set(Job.objects.values_list("state", "attempts")) == {(JobState.DONE, 1)}


def test_a_job_is_given_up_when_nobody_has_answered_for_days(
    carrier: Carrier, caplog: pytest.LogCaptureFixture
) -> None:
    began = timezone.now()
    outward(began)

    with time_machine.travel(began + LONGEST_OUTAGE - timedelta(minutes=10), tick=False):
        work(most=1)
    assert Job.objects.get().state == JobState.QUEUED
    with time_machine.travel(began + LONGEST_OUTAGE, tick=False):
        work(most=1)

    job = Job.objects.get()
    assert (job.state, job.last_error) == (JobState.DEAD, "Unavailable")
    assert "job is dead" in caplog.text


def test_an_error_of_its_own_counts_against_the_job_and_not_the_destination(
    carrier: Carrier,
) -> None:
    carrier.trouble = Trouble()
    outward()

    work(most=1)

    assert Job.objects.get().attempts == 1
    assert not Circuit.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
)
def test_of_many_workers_one_asks() -> None:
    now = timezone.now()
    for _ in range(8):
        outward(now)
    later = _end(_opened(now))
    together = Barrier(8)

    def take(_: int) -> bool:
        try:
            together.wait(timeout=10)
            return claimed(later) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as workers:
        taken = list(workers.map(take, range(8)))

    assert sum(taken) == 1
