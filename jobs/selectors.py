"""Reads over the job table for those who watch it: numbers only."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Min

from jobs.models import Circuit, Job


class JobCount(NamedTuple):
    """How many jobs of one kind are in one state."""

    kind: str
    state: str
    number: int


def job_counts() -> list[JobCount]:
    """How many jobs of each kind are in each state."""
    counted = Job.objects.values_list("kind", "state").order_by("kind", "state")
    return [JobCount(*row) for row in counted.annotate(number=Count("pk"))]


def due_since(*, at: datetime) -> datetime | None:
    """Since when the oldest job that could be done now has waited, if there is one."""
    oldest: datetime | None = Job.objects.due(at).aggregate(oldest=Min("run_at"))["oldest"]
    return oldest


def jobs_due_before(moment: datetime) -> int:
    """How many jobs could have been done at that moment and still wait."""
    return Job.objects.due(moment).count()


def open_circuits(*, at: datetime) -> list[str]:
    """The destinations that are left alone now because they do not answer."""
    found = Circuit.objects.filter(open_until__gt=at)
    return list(found.order_by("pk").values_list("destination", flat=True))
