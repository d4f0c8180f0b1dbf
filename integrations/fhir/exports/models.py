"""What was asked to be exported, how far the writing has come, and the files, encrypted like the rows they come from."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.actors import Actor, ActorKind
from accounts.models import Client, Organisation
from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from privacy.row_security import owned_by, owned_through


class ExportState(models.TextChoices):
    """How an export stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ExportQuerySet(models.QuerySet["Export"]):
    """Reads over exports."""

    def visible_to(self, actor: Actor) -> Self:
        """A clinical system sees its own; another system of its organisation may have been granted less, or more."""
        if actor.kind is ActorKind.CLIENT:
            return self.filter(client_id=actor.id, organisation_id=actor.organisation_id)
        return self.none()


class Export(models.Model):
    """Every resource of some types as it stood at ``until``, or those that changed after ``since``.

    The writing goes on in the part ``part`` behind the row ``key``; ``moved_at`` is when it last did. What is over is
    kept until ``expires_at``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="exports")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="exports")
    request = EncryptedTextField()
    types = models.JSONField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=ExportState.choices, default=ExportState.RUNNING
    )
    part = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=40, blank=True)
    file_count = models.PositiveIntegerField(default=0)
    resource_count = models.PositiveIntegerField(default=0)
    moved_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    TENANCY = owned_by("organisation_id")
    PRIVACY = {
        # The address that was asked, in whatever words.
        "request": Privacy.IDENTIFIES,
        "key": Privacy.PSEUDONYM,
        **dict.fromkeys(("id", "client", "organisation", "types", "since", "until"), Privacy.OPEN),
        **dict.fromkeys(("state", "part", "file_count", "resource_count"), Privacy.OPEN),
        **dict.fromkeys(("moved_at", "expires_at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ExportState.values), name="export_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state=ExportState.RUNNING, expires_at__isnull=True)
                | (~Q(state=ExportState.RUNNING) & Q(expires_at__isnull=False)),
                name="export_expires_when_over",
            ),
            models.UniqueConstraint(
                fields=["client"],
                condition=Q(state=ExportState.RUNNING),
                name="export_one_running_a_client",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"


class ExportFile(models.Model):
    """Resources of one type, each on a line of its own (NDJSON). Never changed."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="files")
    number = models.PositiveIntegerField()
    resource_type = models.CharField(max_length=40)
    resource_count = models.PositiveIntegerField()
    text = EncryptedTextField()

    TENANCY = owned_through("export_id", "exports_export", "organisation_id")
    PRIVACY = {
        "text": Privacy.IDENTIFIES,
        **dict.fromkeys(
            ("id", "export", "number", "resource_type", "resource_count"), Privacy.OPEN
        ),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="export_file_number_once"),
        ]

    def __str__(self) -> str:
        return f"file {self.number} of {self.export_id}"
