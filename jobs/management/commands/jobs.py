"""``manage.py jobs``: what waits, what runs, what is dead; replays a dead job."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from jobs.models import Job, JobState
from jobs.queue import nudge


class Command(BaseCommand):
    """Shows the job table and replays dead jobs."""

    help = "Shows the job table; --dead lists dead jobs, --replay ID queues one of them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two switches."""
        parser.add_argument("--dead", action="store_true", help="list dead jobs")
        parser.add_argument("--replay", type=UUID, metavar="ID", help="queue this dead job again")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay, list or count."""
        if options["replay"]:
            self._replay(options["replay"])
        elif options["dead"]:
            for job in Job.objects.filter(state=JobState.DEAD).order_by("ended_at", "pk"):
                self.stdout.write(
                    f"{job.pk}  {job.kind}  {job.attempts} attempts  {job.last_error}  {job.payload}"
                )
        else:
            for row in (
                Job.objects.values("kind", "state")
                .annotate(n=Count("pk"))
                .order_by("kind", "state")
            ):
                self.stdout.write(f"{row['kind']:12} {row['state']:8} {row['n']:6}")

    @transaction.atomic
    def _replay(self, job_id: UUID) -> None:
        replayed = Job.objects.filter(pk=job_id, state=JobState.DEAD).update(
            state=JobState.QUEUED, run_at=timezone.now(), attempts=0, ended_at=None
        )
        if not replayed:
            raise CommandError(f"There is no dead job {job_id}.")
        transaction.on_commit(nudge, robust=True)
        self.stdout.write(f"{job_id} is queued again.")
