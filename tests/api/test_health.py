"""What operators are told."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from jobs.models import Circuit, Destination, Job, JobKind

pytestmark = pytest.mark.django_db


def ready(status: int = 200) -> dict[str, Any]:
    """The answer of /health/ready."""
    answer = Client().get("/health/ready")
    assert answer.status_code == status
    told: dict[str, Any] = json.loads(answer.content)
    return told


def job(*, waited: timedelta) -> None:
    """A job that has been due for so long."""
    moment = timezone.now() - waited
    Job.objects.create(kind=JobKind.MATCH, created_at=moment, run_at=moment)


def test_a_process_that_answers_is_live() -> None:
    assert json.loads(Client().get("/health/live").content) == {"status": "live"}


def test_it_is_ready_while_jobs_wait_for_less_than_a_minute() -> None:
    job(waited=timedelta(seconds=50))
    job(waited=timedelta(hours=-1))

    assert ready() == {
        "status": "ready",
        "migrated": True,
        "jobs_waiting_too_long": 0,
        "destinations_that_do_not_answer": [],
    }


def test_work_that_has_waited_for_longer_is_degraded_and_not_down() -> None:
    job(waited=timedelta(seconds=70))
    job(waited=timedelta(days=2))

    told = ready()
    assert (told["status"], told["jobs_waiting_too_long"]) == ("degraded", 2)


def test_a_destination_that_does_not_answer_is_named() -> None:
    later = timezone.now() + timedelta(minutes=1)
    Circuit.objects.create(destination=Destination.MESSENGER, failures=5, open_until=later)

    told = ready()

    assert told["status"] == "degraded"
    assert told["destinations_that_do_not_answer"] == ["messenger"]


def test_without_a_database_it_is_not_ready() -> None:
    def refuse(*_statement: object) -> None:
        raise OperationalError("database is locked")

    with connection.execute_wrapper(refuse):
        assert ready(503) == {"status": "no database"}
