"""Patients as their practices told us, at every version."""

import uuid
from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.actors import Actor, ActorKind
from accounts.models import Organisation
from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from privacy.row_security import owned_by, owned_through


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
    ethnic_category = EncryptedTextField(blank=True, default="", db_default="")
    is_deceased = models.BooleanField(default=False, db_default=False)
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
        **dict.fromkeys(
            ("gender", "language", "ethnic_category", "is_deceased"), Privacy.SENSITIVE
        ),
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
        indexes = [models.Index(fields=["practice", "updated_at", "id"], name="patient_updated")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def birth_date(self) -> date:
        """The date of birth, which the row holds encrypted."""
        return date.fromisoformat(self.birth_date_text)


class PatientVersionQuerySet(models.QuerySet["PatientVersion"]):
    """Reads over the versions of patients."""

    def visible_to(self, actor: Actor) -> Self:
        """Whoever sees the patient sees each version."""
        return self.filter(patient__in=Patient.objects.visible_to(actor))


class PatientVersion(models.Model):
    """A Patient resource word for word as it was received. Never changed; the newest is in the patient's row, too."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    document = EncryptedTextField()
    at = models.DateTimeField()

    objects = PatientVersionQuerySet.as_manager()

    TENANCY = owned_through("patient_id", "referrals_patient", "practice_id")
    PRIVACY = {
        "patient": Privacy.PSEUDONYM,
        "document": Privacy.IDENTIFIES,
        **dict.fromkeys(("id", "version", "at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "version"], name="patient_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.version}"
