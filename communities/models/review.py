"""What hosts propose to change of their communities, and the two people who sign it off."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import User
from communities.models.directory import Community
from privacy.classes import Privacy
from privacy.row_security import SHARED


class RevisionState(models.TextChoices):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ReviewRole(models.TextChoices):
    """In which capacity somebody signs: both are needed."""

    CLINICAL = "clinical"
    LIVED_EXPERIENCE = "lived-experience"


class Revision(models.Model):
    """Facts that a host states anew of its community; none: what stands is attested again.

    ``facts`` are as docs/directory-data.md writes them. ``at_once`` names those that promise less than before: they
    count since ``proposed_at``, whatever becomes of the rest; ``before`` has what was agreed to of them. ``reason``:
    why it was rejected.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    community = models.ForeignKey(Community, on_delete=models.PROTECT, related_name="revisions")
    facts = models.JSONField(default=dict, blank=True)
    at_once = models.JSONField(default=list, blank=True)
    before = models.JSONField(
        default=dict, blank=True, db_default=models.Value({}, models.JSONField())
    )
    state = models.CharField(
        max_length=10, choices=RevisionState.choices, default=RevisionState.PROPOSED
    )
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    settled_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "community", "facts", "at_once", "before", "state", "proposed_by", "proposed_at")
        + ("settled_by", "settled_at", "reason"),
        Privacy.OPEN,
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["proposed_at", "id"], name="revision_queue", condition=Q(state="proposed")
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RevisionState.values), name="revision_known_state"
            ),
            models.CheckConstraint(
                condition=Q(
                    state=RevisionState.PROPOSED, settled_by__isnull=True, settled_at__isnull=True
                )
                | (
                    ~Q(state=RevisionState.PROPOSED)
                    & Q(settled_by__isnull=False, settled_at__isnull=False)
                ),
                name="revision_settled_when_over",
            ),
            models.UniqueConstraint(
                fields=["community"],
                condition=Q(state=RevisionState.PROPOSED),
                name="revision_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"revision of {self.community_id} ({self.state})"


class SignOff(models.Model):
    """A person's agreement to a revision, in one of two capacities; the same person gives it in one only."""

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="sign_offs")
    role = models.CharField(max_length=16, choices=ReviewRole.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "revision", "role", "by", "at", "note"), Privacy.OPEN)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=ReviewRole.values), name="sign_off_known_role"
            ),
            models.UniqueConstraint(fields=["revision", "role"], name="sign_off_once_by_role"),
            models.UniqueConstraint(fields=["revision", "by"], name="sign_off_by_different_people"),
        ]

    def __str__(self) -> str:
        return f"{self.role} sign-off of {self.revision_id}"
