"""The append-only tables: who did what to which row, and the chain that every row is sealed into."""

from django.db import models

from privacy.classes import Privacy
from privacy.row_security import SHARED, Tenancy


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
    SHARING_CHOSEN = "sharing-chosen"
    COMMUNITY_JOINED = "community-joined"
    COMMUNITY_LEFT = "community-left"
    EVENTS_RECEIVED = "events-received"
    FIGURES_READ = "figures-read"
    CLIENT_REGISTERED = "client-registered"
    CLIENT_CHANGED = "client-changed"
    HOST_KEY_MADE = "host-key-made"
    MEMBER_ADDED = "member-added"
    KEYS_ROTATED = "keys-rotated"
    ACCESS_DENIED = "access-denied"
    DEVIATION_TOLERATED = "deviation-tolerated"
    SUBSCRIPTION_CHANGED = "subscription-changed"
    COMMUNITIES_SOUGHT = "communities-sought"
    EXPORT_BEGUN = "export-begun"
    EXPORT_READ = "export-read"
    EXPORT_REMOVED = "export-removed"
    REVISION_PROPOSED = "revision-proposed"
    REVISION_SIGNED = "revision-signed"
    REVISION_REJECTED = "revision-rejected"
    REVISION_WITHDRAWN = "revision-withdrawn"
    COMMUNITY_CHANGED = "community-changed"
    COMMUNITY_LISTED = "community-listed"
    COMMUNITY_SUSPENDED = "community-suspended"
    COMMUNITY_CLOSED = "community-closed"
    PLACES_STATED = "places-stated"
    OFFER_WITHDRAWN = "offer-withdrawn"
    REFERENCE_CHANGED = "reference-changed"


class Entry(models.Model):
    """One thing that happened. Rows are written in the transaction they record and never changed.

    ``organisation_id`` is the actor's; ``tenant_id`` is that of the organisation whose rows were touched.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=40, choices=Action.choices)
    actor = models.CharField(max_length=80)
    organisation_id = models.UUIDField(null=True)
    target = models.CharField(max_length=80, blank=True)
    detail = models.JSONField(default=dict)
    tenant_id = models.UUIDField(null=True)

    IS_APPEND_ONLY = True
    # Not "=": what is written for no tenant must be seen by its writer, because PostgreSQL returns the new row.
    TENANCY = Tenancy("tenant_id IS NOT DISTINCT FROM (SELECT app_tenant())")
    PRIVACY = {
        "id": Privacy.OPEN,
        "at": Privacy.OPEN,
        "action": Privacy.OPEN,
        "actor": Privacy.PSEUDONYM,
        "organisation_id": Privacy.OPEN,
        "target": Privacy.PSEUDONYM,
        "detail": Privacy.OPEN,
        "tenant_id": Privacy.OPEN,
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


class Seal(models.Model):
    """An entry's place in the chain: ``mac`` covers the entry, the place and the ``mac`` before it."""

    position = models.BigIntegerField(primary_key=True)
    # Without a foreign key in the database, which would write to every entry while sealing it.
    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, db_constraint=False, related_name="seal"
    )
    key_id = models.CharField(max_length=8)
    mac = models.BinaryField(max_length=32)

    IS_APPEND_ONLY = True
    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("position", "entry", "key_id", "mac"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.position}: entry {self.entry_id}"
