"""The referral's tables: who was referred, what for, each change of state, and the document as it was received."""

import uuid
from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q

from accounts.actors import Actor, ActorKind
from accounts.models import Client, Organisation
from communities.models import Condition
from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from privacy.row_security import owned_by, owned_through
from referrals.lifecycle import STATUSES, TOLD_REASONS, BusinessStatus, RequestStatus, TaskStatus

_REFERRAL = ("referral_id", "referrals_referral", "practice_id")
OF_THE_REFERRAL = owned_through(*_REFERRAL)


def agreeing_statuses(status: str, task_status: str, business_status: str) -> Q:
    """The condition that three status columns hold one row of the life cycle's table."""
    rows = Q()
    for business, statuses in STATUSES.items():
        rows |= Q(
            **{business_status: business, status: statuses.request, task_status: statuses.task}
        )
    return rows


class PatientQuerySet(models.QuerySet["Patient"]):
    """Reads over patients."""

    def visible_to(self, actor: Actor) -> Self:
        """A clinical system sees its own organisation's patients; nobody else sees any this way."""
        if actor.kind is ActorKind.CLIENT:
            return self.filter(practice_id=actor.organisation_id)
        return self.none()


class Patient(models.Model):
    """A patient as one practice told us. Another practice's record of the same person is another row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="patients")
    nhs_number = EncryptedTextField(blank=True)
    nhs_number_hash = models.CharField(max_length=64, blank=True)
    given_name = EncryptedTextField(blank=True)
    family_name = EncryptedTextField(blank=True)
    birth_date_text = EncryptedTextField()
    phone = EncryptedTextField(blank=True)
    email = EncryptedTextField(blank=True)
    postcode = EncryptedTextField(blank=True)
    gender = models.CharField(max_length=10, blank=True)
    language = models.CharField(max_length=20, blank=True)
    document = EncryptedTextField()
    version = models.PositiveIntegerField(default=1)
    received_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = PatientQuerySet.as_manager()

    TENANCY = owned_by("practice_id")
    PRIVACY = {
        **dict.fromkeys(("id", "nhs_number_hash"), Privacy.PSEUDONYM),
        **dict.fromkeys(
            ("nhs_number", "given_name", "family_name", "birth_date_text"), Privacy.IDENTIFIES
        ),
        **dict.fromkeys(("phone", "email", "postcode", "document"), Privacy.IDENTIFIES),
        **dict.fromkeys(("gender", "language"), Privacy.SENSITIVE),
        **dict.fromkeys(("practice", "version", "received_at", "updated_at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "nhs_number_hash"],
                condition=~Q(nhs_number_hash=""),
                name="patient_once_a_practice",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def birth_date(self) -> date:
        """The date of birth, which the row holds encrypted."""
        return date.fromisoformat(self.birth_date_text)


class ReferralQuerySet(models.QuerySet["Referral"]):
    """Reads over referrals."""

    def visible_to(self, actor: Actor) -> Self:
        """A clinical system sees its own organisation's referrals; nobody else sees any this way."""
        if actor.kind is ActorKind.CLIENT:
            return self.filter(practice_id=actor.organisation_id)
        return self.none()


class Referral(models.Model):
    """One peer-support referral. ``*_at`` are milestones, each set once, from which the figures are counted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=12, unique=True)
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="referrals")
    icb = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, related_name="icb_referrals"
    )
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, null=True, related_name="referrals"
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="referrals")
    conditions = models.ManyToManyField(Condition, related_name="referrals")
    intent = models.CharField(max_length=20)
    priority = models.CharField(max_length=10)
    authored_on = models.CharField(max_length=35, blank=True)
    is_contact_prohibited = models.BooleanField(default=False)
    is_patient_contained = models.BooleanField(default=False)
    document = EncryptedTextField()
    status = models.CharField(max_length=20, choices=RequestStatus.choices)
    task_status = models.CharField(max_length=20, choices=TaskStatus.choices)
    business_status = models.CharField(max_length=30, choices=BusinessStatus.choices)
    version = models.PositiveIntegerField(default=1)
    received_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    chose_at = models.DateTimeField(null=True)
    joined_at = models.DateTimeField(null=True)
    active_at = models.DateTimeField(null=True)

    objects = ReferralQuerySet.as_manager()

    TENANCY = owned_by("practice_id", readable="icb_id = (SELECT app_icb())")
    PRIVACY = {
        **dict.fromkeys(("id", "reference", "patient"), Privacy.PSEUDONYM),
        "document": Privacy.IDENTIFIES,
        **dict.fromkeys(("conditions", "is_contact_prohibited"), Privacy.SENSITIVE),
        **dict.fromkeys(
            ("delivered_at", "opened_at", "chose_at", "joined_at", "active_at"), Privacy.SENSITIVE
        ),
        **dict.fromkeys(
            ("practice", "icb", "client", "intent", "priority", "authored_on"), Privacy.OPEN
        ),
        **dict.fromkeys(
            ("is_patient_contained", "status", "task_status", "business_status"), Privacy.OPEN
        ),
        **dict.fromkeys(("version", "received_at"), Privacy.OPEN),
    }

    class Meta:
        indexes = [models.Index(fields=["icb", "received_at"], name="referral_icb_received")]
        constraints = [
            models.CheckConstraint(
                condition=agreeing_statuses("status", "task_status", "business_status"),
                name="referral_statuses_agree",
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class ReferralIdentifier(models.Model):
    """The sender's own identifier of a referral. Unique per client for ever: the same one is never two referrals."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="identifiers")
    client = models.ForeignKey(Client, on_delete=models.PROTECT)
    system = models.CharField(max_length=200)
    value = models.CharField(max_length=200)

    TENANCY = OF_THE_REFERRAL
    PRIVACY = dict.fromkeys(("id", "referral", "client", "system", "value"), Privacy.PSEUDONYM)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "system", "value"], name="referral_identifier_once_a_client"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system}|{self.value}"


class StatusChange(models.Model):
    """One step in a referral's life, never changed.

    Steps that the practice is told of have a version of their own; the others keep the one before.
    """

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    business_status = models.CharField(max_length=30, choices=BusinessStatus.choices)
    status = models.CharField(max_length=20, choices=RequestStatus.choices)
    task_status = models.CharField(max_length=20, choices=TaskStatus.choices)
    reason = models.CharField(max_length=40, blank=True)
    version = models.PositiveIntegerField()
    is_told = models.BooleanField()

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("referral", "by"), Privacy.PSEUDONYM),
        "reason": Privacy.SENSITIVE,
        **dict.fromkeys(
            ("id", "at", "business_status", "status", "task_status", "version", "is_told"),
            Privacy.OPEN,
        ),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=agreeing_statuses("status", "task_status", "business_status"),
                name="change_statuses_agree",
            ),
            models.UniqueConstraint(
                fields=["referral", "version"],
                condition=Q(is_told=True),
                name="change_version_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referral_id} → {self.business_status}"

    @property
    def reason_text(self) -> str:
        """What the practice is told of the reason; a patient's own reasons are nobody else's."""
        return TOLD_REASONS.get(self.reason, "")


class MatchRun(models.Model):
    """One run of the matcher for a referral: what it knew, which version it was, how it ended."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="match_runs")
    at = models.DateTimeField()
    matcher_version = models.CharField(max_length=20)
    need = models.JSONField()
    considered = models.PositiveIntegerField()
    offered = models.PositiveIntegerField()

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "at", "matcher_version", "considered", "offered"), Privacy.OPEN),
        "referral": Privacy.PSEUDONYM,
        "need": Privacy.SENSITIVE,
    }

    def __str__(self) -> str:
        return f"{self.referral_id}: {self.offered} of {self.considered}"


class Offer(models.Model):
    """A community offered to a patient, with the reasons why."""

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

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "run", "referral"), Privacy.PSEUDONYM),
        **dict.fromkeys(("community", "reasons", "chosen_at"), Privacy.SENSITIVE),
        **dict.fromkeys(("rank", "score"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["referral", "community"], name="offer_once_a_community"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.community_id}"


class Link(models.Model):
    """A patient's way in. The code itself is derived from the row's id and kept only as a keyed hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="links")
    code_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    failed_checks = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    TENANCY = owned_through(*_REFERRAL, readable="code_hash = ANY ((SELECT app_link())::text[])")
    PRIVACY = {
        **dict.fromkeys(("id", "referral", "code_hash"), Privacy.PSEUDONYM),
        **dict.fromkeys(("opened_at", "failed_checks", "locked_at"), Privacy.SENSITIVE),
        **dict.fromkeys(("made_at", "expires_at", "revoked_at"), Privacy.OPEN),
    }

    def __str__(self) -> str:
        return str(self.pk)


class Channel(models.TextChoices):
    """How a message travels."""

    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"


class MessageState(models.TextChoices):
    """Where a message stands."""

    WAITING = "waiting"
    HANDED_OVER = "handed-over"
    REFUSED = "refused"


class Message(models.Model):
    """A message to a patient. Its text is made when it is handed over and kept nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="messages")
    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    state = models.CharField(
        max_length=12, choices=MessageState.choices, default=MessageState.WAITING
    )
    made_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True)

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "referral", "link"), Privacy.PSEUDONYM),
        **dict.fromkeys(("channel", "state", "made_at", "handed_over_at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=MessageState.values), name="message_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state=MessageState.HANDED_OVER, handed_over_at__isnull=False)
                | (~Q(state=MessageState.HANDED_OVER) & Q(handed_over_at__isnull=True)),
                name="message_handed_over_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pk} ({self.state})"


class Placement(models.Model):
    """A patient's time in one community, known there by a pseudonym that is used nowhere else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="placements")
    community = models.ForeignKey(
        "communities.Community", on_delete=models.PROTECT, related_name="placements"
    )
    pseudonym = models.CharField(max_length=40, unique=True)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    left_reason = models.CharField(max_length=40, blank=True)
    tells_practice = models.BooleanField()
    counts_visits = models.BooleanField()

    TENANCY = owned_through(
        *_REFERRAL,
        readable="EXISTS (SELECT FROM communities_community c WHERE c.id = community_id"
        " AND c.host_id = (SELECT app_tenant()))",
    )
    PRIVACY = {
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
