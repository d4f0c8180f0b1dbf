"""What referrals are searched by that stands only in their documents, which are encrypted."""

from django.db import models
from django.db.models import F, Q

from privacy.classes import Privacy
from referrals.models.referral import OF_THE_REFERRAL, Referral


class Described(models.TextChoices):
    """The two resources that a sender writes of a referral."""

    SERVICE_REQUEST = "ServiceRequest"
    TASK = "Task"


class ReferralTerm(models.Model):
    """A code, a reference, an identifier or a time in the newest ServiceRequest or Task that its sender wrote.

    Never a text, never a name, never what identifies the patient. ``name`` is the search parameter.
    """

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="terms")
    resource = models.CharField(max_length=20, choices=Described.choices)
    name = models.CharField(max_length=40)
    system = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=200, blank=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        "referral": Privacy.PSEUDONYM,
        **dict.fromkeys(("system", "value"), Privacy.SENSITIVE),
        **dict.fromkeys(("id", "resource", "name", "starts_at", "ends_at"), Privacy.OPEN),
    }

    class Meta:
        indexes = [models.Index(fields=["name", "value", "referral"], name="term_found")]
        constraints = [
            models.CheckConstraint(
                condition=Q(resource__in=Described.values), name="term_known_resource"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True, ends_at__isnull=True)
                | Q(starts_at__isnull=False, ends_at__isnull=False, ends_at__gt=F("starts_at")),
                name="term_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.name}"
