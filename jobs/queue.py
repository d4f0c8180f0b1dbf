"""Writing work down: the row goes with the caller's transaction, the broker only carries a nudge after it."""

import logging
import time
from datetime import datetime
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from jobs.models import DESTINATIONS, Job, JobKind

logger = logging.getLogger(__name__)

WORK = "jobs.work"
_PAUSE_SECONDS = 5.0
_FRESH_SECONDS = 2.0

_quiet_until = 0.0


def enqueue(
    kind: JobKind, *, tenant_id: UUID, at: datetime, run_at: datetime | None = None, **ids: str
) -> Job:
    """Write a job into the caller's transaction and wake a worker on commit.

    ``tenant_id`` is the organisation whose rows the job works on; ``ids`` name the rows it is about.
    """
    job = Job.objects.create(
        kind=kind,
        payload=ids,
        tenant_id=tenant_id,
        destination=DESTINATIONS.get(kind, ""),
        created_at=at,
        due_at=run_at or at,
        run_at=run_at or at,
    )
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
    """Tell the workers that there is work. Losing this costs a moment: the scheduler nudges again.

    A broker that did not answer is not asked for some seconds, so that not every sender waits for its time-out.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        # A wake-up that nobody took at once has nothing to say that the scheduler's next one does not.
        current_app.send_task(WORK, ignore_result=True, retry=False, expires=_FRESH_SECONDS)
    except (OperationalError, OSError):
        _quiet_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("broker unreachable: the scheduler will find the work")
