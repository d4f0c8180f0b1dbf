"""The referral itself: who was referred, what for, each change of state, each document as it was received."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.actors import Actor, ActorKind
from accounts.models import Client, Organisation
from communities.models import Condition
from privacy.classes import Privacy
from privacy.fields import EncryptedSetField, EncryptedTextField
from privacy.row_security import owned_by, owned_through
from referrals.lifecycle import (
    MAYBE_NOT_ISSUED,
    STATUSES,
    TOLD_REASONS,
    BusinessStatus,
    RequestStatus,
    TaskStatus,
)
from referrals.models.patient import Patient

OF_THE_REFERRAL = owned_through("referral_id", "referrals_referral", "practice_id")


def agreeing_statuses(status: str, task_status: str, business_status: str) -> Q:
    """The condition that three status columns hold one row of the life cycle's table."""
    rows = Q()
    for business, statuses in STATUSES.items():
        rows |= Q(
            **{business_status: business, status: statuses.request, task_status: statuses.task}
        )
    return rows


class ReferralQuerySet(models.QuerySet["Referral"]):
    """Reads over referrals."""

    def visible_to(self, actor: Actor) -> Self:
        """A clinical system sees its own organisation's referrals; nobody else sees any this way."""
        if actor.kind is ActorKind.CLIENT:
            return self.filter(practice_id=actor.organisation_id)
        return self.none()


class Referral(models.Model):
    """One peer-support referral. ``*_at`` are milestones, each set once, from which the figures are counted.

    Only ``told_at`` moves on: when the practice was told the newest ``version``. A draft is not yet issued.
    """

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
    preferences = EncryptedSetField(db_default="", default=frozenset)
    status = models.CharField(max_length=20, choices=RequestStatus.choices)
    task_status = models.CharField(max_length=20, choices=TaskStatus.choices)
    business_status = models.CharField(max_length=30, choices=BusinessStatus.choices)
    version = models.PositiveIntegerField(default=1)
    told_at = models.DateTimeField()
    received_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    chose_at = models.DateTimeField(null=True)
    joined_at = models.DateTimeField(null=True)
    active_at = models.DateTimeField(null=True)

    objects = ReferralQuerySet.as_manager()

    TENANCY = owned_by("practice_id", readable="icb_id = (SELECT app_icb())")
    PRIVACY = {
        **dict.fromkeys(("id", "reference", "patient"), Privacy.PSEUDONYM),
        **dict.fromkeys(("conditions", "is_contact_prohibited", "preferences"), Privacy.SENSITIVE),
        **dict.fromkeys(
            ("delivered_at", "opened_at", "chose_at", "joined_at", "active_at"), Privacy.SENSITIVE
        ),
        **dict.fromkeys(
            ("practice", "icb", "client", "intent", "priority", "authored_on"), Privacy.OPEN
        ),
        **dict.fromkeys(
            ("is_patient_contained", "status", "task_status", "business_status"), Privacy.OPEN
        ),
        **dict.fromkeys(("version", "told_at", "received_at", "issued_at"), Privacy.OPEN),
    }

    class Meta:
        indexes = [
            models.Index(fields=["icb", "issued_at"], name="referral_icb_issued"),
            models.Index(fields=["practice", "told_at", "id"], name="referral_told"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=agreeing_statuses("status", "task_status", "business_status"),
                name="referral_statuses_agree",
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True, business_status__in=MAYBE_NOT_ISSUED)
                | (Q(issued_at__isnull=False) & ~Q(business_status=BusinessStatus.DRAFTED)),
                name="referral_issued_unless_draft",
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


class ReferralDocument(models.Model):
    """A ServiceRequest, or a sender's Task for it, word for word as it was received. Never changed."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="documents")
    text = EncryptedTextField()
    received_at = models.DateTimeField()

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        "referral": Privacy.PSEUDONYM,
        "text": Privacy.IDENTIFIES,
        **dict.fromkeys(("id", "received_at"), Privacy.OPEN),
    }

    def __str__(self) -> str:
        return f"{self.referral_id} {self.pk}"


class StatusChangeQuerySet(models.QuerySet["StatusChange"]):
    """Reads over the steps of referrals."""

    def told_to(self, actor: Actor) -> Self:
        """The versions of the referrals that somebody sees, ready to be rendered. Hidden steps are in none of them."""
        if actor.kind is not ActorKind.CLIENT:
            return self.none()
        # By the practice itself and not by a set of its referrals, so that its index gives a page in order.
        told = self.filter(is_told=True, referral__practice_id=actor.organisation_id)
        return told.select_related("referral__practice", "request_document", "task_document")


class StatusChange(models.Model):
    """One step in a referral's life, never changed.

    Steps that the practice is told of have a version of their own; the others keep the one before. The documents are
    those that the version shows; ``task_document`` is there when the sender wrote a Task. ``sender_text`` is the
    sender's reason in the sender's words.
    """

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    by = models.CharField(max_length=80)
    business_status = models.CharField(max_length=30, choices=BusinessStatus.choices)
    status = models.CharField(max_length=20, choices=RequestStatus.choices)
    task_status = models.CharField(max_length=20, choices=TaskStatus.choices)
    reason = models.CharField(max_length=40, blank=True)
    sender_text = EncryptedTextField(blank=True, default="")
    version = models.PositiveIntegerField()
    is_told = models.BooleanField()
    request_document = models.ForeignKey(
        ReferralDocument, on_delete=models.PROTECT, related_name="+"
    )
    task_document = models.ForeignKey(
        ReferralDocument, on_delete=models.PROTECT, null=True, related_name="+"
    )

    objects = StatusChangeQuerySet.as_manager()

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("referral", "by"), Privacy.PSEUDONYM),
        **dict.fromkeys(("request_document", "task_document"), Privacy.PSEUDONYM),
        "reason": Privacy.SENSITIVE,
        "sender_text": Privacy.IDENTIFIES,
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
        return self.sender_text or TOLD_REASONS.get(self.reason, "")
