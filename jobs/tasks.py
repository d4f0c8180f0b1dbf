"""What Celery runs: one task that looks into the job table. It carries no work of its own."""

from celery import shared_task

from jobs.queue import WORK, nudge
from jobs.running import work

MOST_AT_ONCE = 50


@shared_task(name=WORK, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def do_due_jobs() -> None:
    """Do what is due; when there may be more, nudge again rather than keep other work of the worker waiting."""
    if work(most=MOST_AT_ONCE) == MOST_AT_ONCE:
        nudge()
