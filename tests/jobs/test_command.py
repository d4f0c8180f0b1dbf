"""``manage.py jobs``: what operators see and can do."""

import io
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs import circuits
from jobs.leases import MOST_ATTEMPTS
from jobs.models import Destination, Job, JobKind, JobState
from jobs.running import LONGEST_OUTAGE, work
from tests.jobs.work import TENANT, queued

pytestmark = pytest.mark.django_db


def dead() -> Job:
    now = timezone.now()
    return Job.objects.create(
        kind=JobKind.MATCH,
        payload={"referral_id": "7"},
        tenant_id=TENANT,
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

    for which in (waiting.pk, uuid4(), "all"):
        with pytest.raises(CommandError, match=f"There is no dead job: {which}"):
            said("--replay", str(which))
    with pytest.raises(CommandError, match="takes the id of a dead job, or all"):
        said("--replay", "7")


@pytest.mark.usefixtures("_matching")
def test_all_dead_jobs_can_be_replayed_at_once(done: list[dict[str, Any]]) -> None:
    for _ in range(3):
        dead()

    assert said("--replay", "all") == "3 queued again.\n"

    assert work(most=10) == len(done) == 3


def test_a_replayed_job_has_all_its_time_again() -> None:
    job = dead()
    Job.objects.update(due_at=timezone.now() - LONGEST_OUTAGE)

    said("--replay", str(job.pk))

    job.refresh_from_db()
    assert job.due_at == job.run_at > timezone.now() - LONGEST_OUTAGE


def test_a_destination_that_is_away_is_shown() -> None:
    circuits.note_failure(Destination.MESSENGER, at=timezone.now())

    assert said() == "messenger: 1 failures in a row\n"


def test_the_table_is_counted_by_kind_and_state() -> None:
    dead()
    queued()
    queued()

    lines = [line.split() for line in said().splitlines()]

    assert lines == [["match", "dead", "1"], ["match", "queued", "2"]]
