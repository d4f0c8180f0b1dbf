"""What Celery runs: a task that looks into the job table, and one that keeps the table small. Neither carries work."""

from datetime import timedelta

from celery import shared_task
from celery.worker import state
from django.utils import timezone

from jobs.models import Job, JobState
from jobs.queue import WORK, nudge
from jobs.running import work

MOST_AT_ONCE = 50
KEPT = timedelta(days=30)
MOST_FORGOTTEN_AT_ONCE = 10_000


def is_shutting_down() -> bool:
    """Whether this worker was told to end: it finishes what it has and takes no more."""
    # Celery keeps the exit code here, and 0 is one.
    return state.should_stop is not None and state.should_stop is not False


@shared_task(name=WORK, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def do_due_jobs() -> None:
    """Do what is due; when there may be more, nudge again rather than keep other work of the worker waiting."""
    if work(most=MOST_AT_ONCE, is_over=is_shutting_down) == MOST_AT_ONCE:
        nudge()


@shared_task(name="jobs.forget", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def forget_done_jobs() -> None:
    """Delete the oldest of the jobs that were done long ago. Dead ones stay until somebody replays them."""
    old = Job.objects.filter(state=JobState.DONE, ended_at__lt=timezone.now() - KEPT)
    oldest = old.order_by("ended_at").values("pk")[:MOST_FORGOTTEN_AT_ONCE]
    Job.objects.filter(pk__in=oldest).delete()
