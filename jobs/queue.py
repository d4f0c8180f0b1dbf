"""Writing work down: the row goes with the caller's transaction, the broker only carries a nudge after it."""

import logging
from datetime import datetime

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from jobs.models import Job, JobKind

logger = logging.getLogger(__name__)

WORK = "jobs.work"


def enqueue(kind: JobKind, *, at: datetime, run_at: datetime | None = None, **ids: str) -> Job:
    """Write a job into the caller's transaction; ``ids`` name the rows it is about. Wakes a worker on commit."""
    job = Job.objects.create(kind=kind, payload=ids, created_at=at, run_at=run_at or at)
    if run_at is None or run_at <= at:
        transaction.on_commit(nudge, robust=True)
    return job


def nudge() -> None:
    """Tell the workers that there is work. Losing this costs a moment: the scheduler nudges again."""
    try:
        current_app.send_task(WORK, ignore_result=True, retry=False)
    except (OperationalError, OSError):
        logger.warning("broker unreachable: the scheduler will find the work")
