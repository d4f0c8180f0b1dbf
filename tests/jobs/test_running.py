"""Doing jobs: whole or not at all, in their organisation's name, tried again, and never lost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from jobs import running
from jobs.leases import MOST_ATTEMPTS
from jobs.models import Job, JobKind, JobState
from jobs.queue import enqueue
from jobs.running import handles, work
from privacy.tenancy import current_tenant
from tests.jobs.work import TENANT, Trouble, fail, outward, queued, was_written, write_a_row

pytestmark = pytest.mark.django_db


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
    enqueue(JobKind.MATCH, tenant_id=TENANT, at=now, run_at=now + timedelta(hours=1))

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


# Errors


def test_what_a_failing_job_wrote_is_undone_and_the_job_comes_back() -> None:
    handles(JobKind.MATCH)(fail)
    job = queued()
    now = timezone.now()

    assert work(most=1) == 1

    assert not was_written()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.lease) == (JobState.QUEUED, 1, None)
    assert now <= job.run_at <= timezone.now() + timedelta(seconds=4)


def test_of_an_error_only_its_kind_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may name somebody."""
    handles(JobKind.MATCH)(fail)
    queued()

    work(most=1)

    assert Job.objects.get().last_error == "Trouble"
    assert "Alex" not in caplog.text
    assert "0018" not in caplog.text


def test_each_failure_waits_longer_until_the_job_is_dead() -> None:
    handles(JobKind.MATCH)(fail)
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


def test_a_kind_without_a_handler_waits_for_a_worker_that_has_one() -> None:
    """During a deployment an old worker may meet a job of a kind that only the new one knows."""
    job = queued()

    assert work(most=1) == 0

    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_a_job_without_an_organisation_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    handles(JobKind.MATCH)(write_a_row)
    job = queued()
    Job.objects.update(tenant_id=None)

    assert work(most=1) == 1

    job.refresh_from_db()
    assert (job.state, job.last_error) == (JobState.DEAD, "NoTenant")
    assert not was_written()
    assert "job is dead" in caplog.text


def test_an_outward_job_that_fails_after_its_effect_is_repeated(
    done: list[dict[str, Any]],
) -> None:
    """Its effect is outside and cannot be undone: so it must be safe to repeat."""

    def reach_out(**given: Any) -> None:
        done.append(given)
        if len(done) == 1:
            raise Trouble

    handles(JobKind.HAND_OVER)(reach_out)
    outward()
    work(most=1)
    assert Job.objects.get().state == JobState.QUEUED

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        work(most=1)

    assert len(done) == 2
    assert Job.objects.get().state == JobState.DONE


# In whose name


def test_what_stays_inside_acts_for_the_organisation_of_the_job() -> None:
    seen: list[object] = []
    handles(JobKind.MATCH)(lambda **_: seen.append(current_tenant()))
    queued()

    work(most=1)

    assert seen == [TENANT]
    assert current_tenant() is None


def test_what_reaches_outside_is_told_whom_to_act_for(done: list[dict[str, Any]]) -> None:
    handles(JobKind.HAND_OVER)(lambda **given: done.append(given | {"acts": current_tenant()}))
    outward(message_id="7")

    work(most=1)

    [given] = done
    assert (given["tenant_id"], given["message_id"], given["acts"]) == (TENANT, "7", None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [JobKind.MATCH, JobKind.HAND_OVER])
def test_only_an_outward_job_runs_outside_a_transaction(kind: JobKind) -> None:
    seen: list[bool] = []
    handles(kind)(lambda **_: seen.append(connection.in_atomic_block))
    queued(kind=kind)

    work(most=1)

    assert seen == [kind == JobKind.MATCH]
