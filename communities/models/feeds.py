"""Directories of others that communities come from: what each said of which service when it was last read."""

import uuid

from django.db import models

from accounts.models import User
from communities.models.directory import Community
from privacy.classes import Privacy
from privacy.row_security import SHARED


class Feed(models.Model):
    """A directory that somebody else publishes. ``source``: its address, or the name that the operator gave it.

    ``account`` proposes in its name. Nobody can sign in with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(max_length=500, unique=True)
    account = models.OneToOneField(User, on_delete=models.PROTECT, related_name="feed")
    read_at = models.DateTimeField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "source", "account", "read_at"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.source


class FeedRow(models.Model):
    """A service of a feed, and the facts that it last stated; without a ``community`` it is a lead that lacks some.

    ``missing_since``: when the feed was first read without it.
    """

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="rows")
    service_id = models.UUIDField()
    host = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)
    community = models.OneToOneField(
        Community, on_delete=models.PROTECT, null=True, related_name="feed_row"
    )
    missing_since = models.DateTimeField(null=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "feed", "service_id", "host", "facts", "community", "missing_since"), Privacy.OPEN
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feed", "service_id"], name="feed_row_once"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} of {self.feed_id}"
