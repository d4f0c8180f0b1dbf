"""The append-only table of who did what to which row."""

from django.db import models

from privacy.classes import Privacy
from privacy.row_security import SHARED


class Action(models.TextChoices):
    """What is recorded. Named as facts, because each row says that it happened."""

    REFERRAL_RECEIVED = "referral-received"
    REFERRAL_READ = "referral-read"
    REFERRAL_MOVED = "referral-moved"
    PATIENT_RECEIVED = "patient-received"
    PATIENT_READ = "patient-read"
    TOKEN_ISSUED = "token-issued"  # noqa: S105  (the name of an event)
    LINK_OPENED = "link-opened"
    LINK_CHECK_FAILED = "link-check-failed"
    LINK_LOCKED = "link-locked"
    LINK_RENEWED = "link-renewed"
    MESSAGE_HANDED_OVER = "message-handed-over"
    OFFER_CHOSEN = "offer-chosen"
    SHARING_AGREED = "sharing-agreed"
    COMMUNITY_JOINED = "community-joined"
    COMMUNITY_LEFT = "community-left"
    EVENTS_RECEIVED = "events-received"
    FIGURES_READ = "figures-read"
    CLIENT_REGISTERED = "client-registered"


class Entry(models.Model):
    """One thing that happened. Rows are written in the transaction they record and never changed."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=40, choices=Action.choices)
    actor = models.CharField(max_length=80)
    organisation_id = models.UUIDField(null=True)
    target = models.CharField(max_length=80, blank=True)
    detail = models.JSONField(default=dict)

    TENANCY = SHARED
    PRIVACY = {
        "id": Privacy.OPEN,
        "at": Privacy.OPEN,
        "action": Privacy.OPEN,
        "actor": Privacy.PSEUDONYM,
        "organisation_id": Privacy.OPEN,
        "target": Privacy.PSEUDONYM,
        "detail": Privacy.OPEN,
    }

    class Meta:
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["target", "at"], name="audit_target_at")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(action__in=Action.values), name="audit_known_action"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.target}"
