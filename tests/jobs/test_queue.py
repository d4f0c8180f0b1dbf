"""Writing work down: with the transaction that it follows from, and with a wake-up that may be lost."""

import time
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone

from jobs import queue
from jobs.models import Destination, Job, JobKind, JobState
from jobs.queue import WORK, enqueue, nudge
from tests.jobs.work import TENANT, outward, queued

pytestmark = pytest.mark.django_db


def test_a_job_goes_with_the_transaction_that_wrote_it() -> None:
    with transaction.atomic():
        queued()
        transaction.set_rollback(True)

    assert not Job.objects.exists()


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
        enqueue(JobKind.MATCH, tenant_id=TENANT, at=now, run_at=now + timedelta(seconds=1))

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


def test_a_broker_that_did_not_answer_is_left_alone_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def refuse(name: str, **_: object) -> None:
        asked.append(name)
        raise TimeoutError

    monkeypatch.setattr(current_app, "send_task", refuse)

    nudge()
    nudge()
    assert asked == [WORK]

    monkeypatch.setattr(queue, "_quiet_until", time.monotonic())
    nudge()
    assert asked == [WORK, WORK]


def test_a_job_says_for_whom_it_is_and_whom_it_reaches() -> None:
    inside, outside = queued(), outward()

    assert inside.tenant_id == outside.tenant_id == TENANT
    assert (inside.destination, outside.destination) == ("", Destination.MESSENGER)
