"""What came of matching: the runs, the communities offered, and the patient's time in one of them."""

import uuid

from django.db import models
from django.db.models import F, Q, Value

from accounts.models import Organisation
from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from privacy.row_security import owned_by
from referrals.models.referral import OF_THE_REFERRAL, Referral


class MatchRun(models.Model):
    """One run of the matcher for a referral: all that it takes to judge again, and how it ended.

    ``asked`` is the need as JSON, ``judged`` the ids of the JudgedFacts of every community that was judged.
    """

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="match_runs")
    at = models.DateTimeField()
    matcher_version = models.CharField(max_length=20)
    asked = EncryptedTextField(blank=True, db_default="")
    judged = models.JSONField(db_default=Value([], output_field=models.JSONField()))
    weights = models.JSONField(db_default=Value({}, output_field=models.JSONField()))
    considered = models.PositiveIntegerField()
    offered = models.PositiveIntegerField()

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "at", "matcher_version", "weights"), Privacy.OPEN),
        **dict.fromkeys(("considered", "offered"), Privacy.OPEN),
        "referral": Privacy.PSEUDONYM,
        **dict.fromkeys(("asked", "judged"), Privacy.SENSITIVE),
    }

    def __str__(self) -> str:
        return f"{self.referral_id}: {self.offered} of {self.considered}"


class Offer(models.Model):
    """A community offered to a patient, with the reasons why; ``withdrawn_at``: until then."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(MatchRun, on_delete=models.PROTECT, related_name="offers")
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="offers")
    community = models.ForeignKey(
        "communities.Community", on_delete=models.PROTECT, related_name="offers"
    )
    rank = models.PositiveSmallIntegerField()
    score = models.IntegerField()
    reasons = models.JSONField()
    chosen_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "run", "referral"), Privacy.PSEUDONYM),
        **dict.fromkeys(("community", "reasons", "chosen_at"), Privacy.SENSITIVE),
        **dict.fromkeys(("rank", "score", "withdrawn_at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["referral", "community"],
                condition=Q(withdrawn_at__isnull=True),
                name="offer_once_a_community",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.community_id}"


class Placement(models.Model):
    """A patient's time in one community, known there by a pseudonym that is used nowhere else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="placements")
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    community = models.ForeignKey(
        "communities.Community", on_delete=models.PROTECT, related_name="placements"
    )
    pseudonym = models.CharField(max_length=40, unique=True)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    left_reason = models.CharField(max_length=40, blank=True)
    tells_practice = models.BooleanField()
    counts_visits = models.BooleanField()

    TENANCY = owned_by(
        "practice_id",
        readable="EXISTS (SELECT FROM communities_community c WHERE c.id = community_id"
        " AND c.host_id = (SELECT app_tenant()))",
    )
    PRIVACY = {
        "practice": Privacy.OPEN,
        **dict.fromkeys(("id", "referral", "pseudonym"), Privacy.PSEUDONYM),
        **dict.fromkeys(("community", "joined_at", "left_at", "left_reason"), Privacy.SENSITIVE),
        **dict.fromkeys(("tells_practice", "counts_visits"), Privacy.SENSITIVE),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["referral"],
                condition=Q(left_at__isnull=True),
                name="placement_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("joined_at")),
                name="placement_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.pseudonym
