"""Work for the tests of the job table."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Organisation
from jobs import leases
from jobs.models import Job, JobKind
from jobs.queue import enqueue

TENANT = uuid4()
KINDS = (JobKind.MATCH, JobKind.HAND_OVER)


class Trouble(Exception):
    """What a handler runs into."""


def queued(at: datetime | None = None, kind: JobKind = JobKind.MATCH, **ids: str) -> Job:
    """A job that is due since ``at``."""
    return enqueue(kind, tenant_id=TENANT, at=at or timezone.now(), run_at=None, **ids)


def outward(at: datetime | None = None, **ids: str) -> Job:
    """A job that reaches the messenger."""
    return queued(at, JobKind.HAND_OVER, **ids)


def claimed(at: datetime) -> Job | None:
    """The next job, taken."""
    return leases.claim(kinds=KINDS, at=at)


def write_a_row(**_: object) -> None:
    """An effect in the database."""
    Organisation.objects.create(kind="host", name="Written by a job")


def was_written() -> bool:
    """Whether that effect is there."""
    return Organisation.objects.filter(name="Written by a job").exists()


def fail(**_: Any) -> None:
    """A handler that writes, then fails, with a text that no log may hold."""
    write_a_row()
    raise Trouble("Alex Example, 999 000 0018")
