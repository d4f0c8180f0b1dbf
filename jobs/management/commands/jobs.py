"""``manage.py jobs``: what waits, what runs, what is dead, who does not answer; replays dead jobs."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from jobs.models import Circuit, Job, JobState
from jobs.queue import nudge

ALL = "all"


class Command(BaseCommand):
    """Shows the job table and replays dead jobs."""

    help = (
        "Shows the job table; --dead lists dead jobs, --replay queues one of them, or all, again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two switches."""
        parser.add_argument("--dead", action="store_true", help="list dead jobs")
        parser.add_argument("--replay", metavar="ID", help="queue this dead job again, or all")

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
            self._count()

    def _count(self) -> None:
        rows = Job.objects.values("kind", "state").annotate(n=Count("pk"))
        for row in rows.order_by("kind", "state"):
            self.stdout.write(f"{row['kind']:12} {row['state']:8} {row['n']:6}")
        for circuit in Circuit.objects.order_by("pk"):
            self.stdout.write(str(circuit))

    @transaction.atomic
    def _replay(self, which: str) -> None:
        dead = Job.objects.filter(state=JobState.DEAD)
        if which != ALL:
            dead = dead.filter(pk=_id(which))
        now = timezone.now()
        replayed = dead.update(
            state=JobState.QUEUED, due_at=now, run_at=now, attempts=0, ended_at=None
        )
        if not replayed:
            raise CommandError(f"There is no dead job: {which}.")
        transaction.on_commit(nudge, robust=True)
        self.stdout.write(f"{replayed} queued again.")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"--replay takes the id of a dead job, or {ALL}.") from None
