"""The tables of the control: a resource as JSON, its history, an audit entry and an outbox."""

# ruff: noqa: DJ008  (nobody looks at single rows)

from typing import ClassVar
from uuid import uuid4

from django.db import models


class Resource(models.Model):
    """The newest version of a resource."""

    objects: ClassVar[models.Manager["Resource"]] = models.Manager()
    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=40)
    version = models.IntegerField(default=1)
    status = models.CharField(max_length=20)
    patient = models.CharField(max_length=60)
    document = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "status", "-updated_at"]),
            models.Index(fields=["kind", "patient"]),
        ]


class History(models.Model):
    """Each version of a resource."""

    objects: ClassVar[models.Manager["History"]] = models.Manager()
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT)
    version = models.IntegerField()
    document = models.JSONField()


class Audit(models.Model):
    """Who asked for what; here nobody."""

    objects: ClassVar[models.Manager["Audit"]] = models.Manager()
    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=20)
    target = models.CharField(max_length=80)


class Outbox(models.Model):
    """What is to be done after a request."""

    objects: ClassVar[models.Manager["Outbox"]] = models.Manager()
    at = models.DateTimeField(auto_now_add=True)
    target = models.CharField(max_length=80)
