"""What the scheduler and the wake-ups set going: bounded, safe to repeat, and ended in order."""

from datetime import timedelta
from typing import Any

import pytest
from celery.worker import state
from django.utils import timezone

from jobs import tasks
from jobs.models import Job, JobKind, JobState
from jobs.queue import WORK
from jobs.running import handles
from tests.jobs.work import queued

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("_matching")
def test_a_worker_that_found_plenty_asks_to_be_woken_again(nudges: list[str]) -> None:
    for _ in range(tasks.MOST_AT_ONCE + 1):
        queued()

    tasks.do_due_jobs()
    assert nudges == [WORK]
    tasks.do_due_jobs()
    assert nudges == [WORK]
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


@pytest.mark.usefixtures("_matching")
def test_two_wake_ups_have_the_effect_of_one(done: list[dict[str, Any]]) -> None:
    for _ in range(3):
        queued()

    tasks.do_due_jobs()
    tasks.do_due_jobs()

    assert len(done) == 3


def test_a_worker_that_is_told_to_end_takes_no_more(
    monkeypatch: pytest.MonkeyPatch, nudges: list[str]
) -> None:
    handles(JobKind.MATCH)(lambda **_: monkeypatch.setattr(state, "should_stop", 0))
    for _ in range(3):
        queued()

    tasks.do_due_jobs()

    states = Job.objects.values_list("state", flat=True)
    assert sorted(states) == [JobState.DONE, JobState.QUEUED, JobState.QUEUED]
    assert nudges == []


def _ended(days: int, job_state: JobState) -> Job:
    ended_at = timezone.now() - timedelta(days=days)
    job = queued(ended_at)
    Job.objects.filter(pk=job.pk).update(state=job_state, ended_at=ended_at)
    return job


def test_what_was_done_long_ago_is_forgotten_and_nothing_else() -> None:
    _ended(31, JobState.DONE)
    kept = {_ended(29, JobState.DONE), _ended(300, JobState.DEAD), queued(timezone.now())}
    kept.add(queued(timezone.now() - timedelta(days=300)))

    tasks.forget_done_jobs()
    tasks.forget_done_jobs()

    assert set(Job.objects.all()) == kept


def test_what_is_forgotten_at_once_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MOST_FORGOTTEN_AT_ONCE", 2)
    for days in (50, 49):
        _ended(days, JobState.DONE)
    newer = _ended(40, JobState.DONE)

    tasks.forget_done_jobs()

    assert list(Job.objects.all()) == [newer]
