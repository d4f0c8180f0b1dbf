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
        nudge_on_commit()
    return job


def nudge_on_commit() -> None:
    """Wake a worker when the caller's transaction has been written: once, however many jobs it holds."""
    # The list of what waits for the commit is Django's own; asking it costs nothing.
    waiting = transaction.get_connection().run_on_commit
    if not any(function is nudge for _savepoints, function, _robust in waiting):
        transaction.on_commit(nudge, robust=True)


def nudge() -> None:
    """Tell the workers that there is work. Losing this costs a moment: the scheduler nudges again."""
    try:
        current_app.send_task(WORK, ignore_result=True, retry=False)
    except (OperationalError, OSError):
        logger.warning("broker unreachable: the scheduler will find the work")
