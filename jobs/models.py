"""The job table: one row is one piece of work that must happen, written with the change it follows from."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from privacy.classes import Privacy
from privacy.row_security import SHARED


class JobKind(models.TextChoices):
    """Every kind of background work there is."""

    MATCH = "match"
    INVITE = "invite"
    HAND_OVER = "hand-over"
    END_LINK = "end-link"
    TELL = "tell"
    NOTIFY = "notify"
    EXPORT = "export"
    RECALL = "recall"
    WITHDRAW_OFFER = "withdraw-offer"
    OFFER_PLACE = "offer-place"
    END_HOLD = "end-hold"


class Destination(models.TextChoices):
    """Whom jobs reach outside of our database."""

    MESSENGER = "messenger"
    SUBSCRIBER = "subscriber"


# The kinds that reach outside, and whom. All others stay in the database.
DESTINATIONS = {
    JobKind.HAND_OVER: Destination.MESSENGER,
    JobKind.NOTIFY: Destination.SUBSCRIBER,
}


class JobState(models.TextChoices):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class JobQuerySet(models.QuerySet["Job"]):
    """Reads over the job table."""

    def due(self, at: datetime) -> Self:
        """Jobs that may be claimed now: waiting ones whose time has come and those of workers that were lost."""
        waiting = Q(state=JobState.QUEUED)
        lost = Q(state=JobState.RUNNING, leased_until__lt=at)
        return self.filter(waiting | lost, run_at__lte=at).order_by("run_at", "pk")


class Job(models.Model):
    """A piece of work. ``payload`` holds ids only.

    ``tenant_id`` is the organisation whose rows it works on, ``destination`` whom it reaches outside, ``due_at`` when
    it was first to be done: ``run_at`` moves on with every failure.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=JobKind.choices)
    payload = models.JSONField(default=dict)
    tenant_id = models.UUIDField(null=True)
    destination = models.CharField(
        max_length=20, choices=Destination.choices, blank=True, db_default=""
    )
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_default=Now())
    run_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    objects = JobQuerySet.as_manager()

    TENANCY = SHARED
    PRIVACY = {
        "id": Privacy.OPEN,
        "kind": Privacy.OPEN,
        "payload": Privacy.PSEUDONYM,
        "tenant_id": Privacy.OPEN,
        "destination": Privacy.OPEN,
        "state": Privacy.OPEN,
        "created_at": Privacy.OPEN,
        "due_at": Privacy.OPEN,
        "run_at": Privacy.OPEN,
        "attempts": Privacy.OPEN,
        "lease": Privacy.OPEN,
        "leased_until": Privacy.OPEN,
        "ended_at": Privacy.OPEN,
        "last_error": Privacy.OPEN,
    }

    class Meta:
        indexes = [
            models.Index(
                fields=["destination", "run_at", "id"],
                name="jobs_waiting_by_destination",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(
                fields=["state", "ended_at"],
                name="jobs_ended",
                condition=Q(state__in=["done", "dead"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=JobKind.values), name="jobs_known_kind"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="jobs_known_state"),
            models.CheckConstraint(
                condition=Q(destination__in=["", *Destination.values]),
                name="jobs_known_destination",
            ),
            models.CheckConstraint(
                condition=Q(state=JobState.RUNNING, lease__isnull=False, leased_until__isnull=False)
                | (~Q(state=JobState.RUNNING) & Q(lease__isnull=True, leased_until__isnull=True)),
                name="jobs_leased_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[JobState.DONE, JobState.DEAD], ended_at__isnull=False)
                | (~Q(state__in=[JobState.DONE, JobState.DEAD]) & Q(ended_at__isnull=True)),
                name="jobs_ended_when_done_or_dead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.state})"


class Circuit(models.Model):
    """A destination that has not answered lately. No row: it answers. With ``open_until`` it is left alone until then."""

    destination = models.CharField(
        primary_key=True, max_length=20, choices=Destination.choices, editable=False
    )
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)

    TENANCY = SHARED
    PRIVACY = {
        "destination": Privacy.OPEN,
        "failures": Privacy.OPEN,
        "open_until": Privacy.OPEN,
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(destination__in=Destination.values), name="circuit_known_destination"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.destination}: {self.failures} failures in a row"
