"""Who wants to be told of what, every version of that wish, and what there was to tell."""

import uuid
from typing import Self

from django.db import models
from django.db.models import F, Q

from accounts.actors import Actor, ActorKind
from accounts.models import Client, Organisation
from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from privacy.row_security import owned_by, owned_through
from referrals.models import Referral

_OF_THE_SUBSCRIPTION = owned_through(
    "subscription_id", "subscriptions_subscription", "organisation_id"
)


class SubscriptionStatus(models.TextChoices):
    """FHIR subscription-status."""

    REQUESTED = "requested"
    ACTIVE = "active"
    ERROR = "error"
    OFF = "off"


# While it waits for its handshake, and also in error: events are counted, so that none is missing when it is mended.
LISTENING = (SubscriptionStatus.REQUESTED, SubscriptionStatus.ACTIVE, SubscriptionStatus.ERROR)
SENDING = (SubscriptionStatus.REQUESTED, SubscriptionStatus.ACTIVE)


class Content(models.TextChoices):
    """How much a notification holds, in the backport's codes."""

    EMPTY = "empty"
    ID_ONLY = "id-only"
    FULL_RESOURCE = "full-resource"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Reads over subscriptions."""

    def visible_to(self, actor: Actor) -> Self:
        """A clinical system sees its own; not those of another system of its organisation, whose secrets they hold."""
        return self.made_by(actor).filter(deleted_at__isnull=True)

    def made_by(self, actor: Actor) -> Self:
        """A clinical system's own, those that it has deleted among them."""
        if actor.kind is ActorKind.CLIENT:
            return self.filter(client_id=actor.id, organisation_id=actor.organisation_id)
        return self.none()


class Subscription(models.Model):
    """A clinical system's wish to be told, and how far the telling has come.

    Events are numbered from 1 without a gap; those up to ``sent_count`` have been taken by the endpoint. ``due_at`` is
    when something is to be sent next, None when there is nothing. Whoever sends holds the ``turn``, until it is over.
    Of a deleted one the versions are left, without the endpoint and its headers; the last of them has no document.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="subscriptions")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="subscriptions"
    )
    topic = models.CharField(max_length=40)
    filters = models.JSONField(default=list)
    endpoint = EncryptedTextField()
    headers = EncryptedTextField(blank=True)
    content = models.CharField(max_length=15, choices=Content.choices)
    heartbeat_seconds = models.PositiveIntegerField(null=True)
    timeout_seconds = models.PositiveSmallIntegerField()
    most_events = models.PositiveSmallIntegerField()
    ends_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=SubscriptionStatus.choices)
    version = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    event_count = models.PositiveIntegerField(default=0)
    sent_count = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    turn = models.UUIDField(null=True)
    turn_ends_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = SubscriptionQuerySet.as_manager()

    TENANCY = owned_by("organisation_id")
    PRIVACY = {
        # The address and the headers name no patient, and may hold the keys to a system that does.
        **dict.fromkeys(("endpoint", "headers"), Privacy.IDENTIFIES),
        "filters": Privacy.PSEUDONYM,
        **dict.fromkeys(("id", "client", "organisation", "topic", "content"), Privacy.OPEN),
        **dict.fromkeys(("heartbeat_seconds", "timeout_seconds", "most_events"), Privacy.OPEN),
        **dict.fromkeys(("ends_at", "status", "version", "since"), Privacy.OPEN),
        **dict.fromkeys(("event_count", "sent_count", "failures", "due_at"), Privacy.OPEN),
        **dict.fromkeys(("turn", "turn_ends_at", "deleted_at"), Privacy.OPEN),
    }

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"],
                name="subscription_due",
                condition=Q(due_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=SubscriptionStatus.values), name="subscription_known_status"
            ),
            models.CheckConstraint(
                condition=Q(content__in=Content.values), name="subscription_known_content"
            ),
            models.CheckConstraint(
                condition=Q(sent_count__lte=F("event_count")), name="subscription_sent_what_was"
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(status__in=SENDING),
                name="subscription_due_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(turn__isnull=True, turn_ends_at__isnull=True)
                | Q(turn__isnull=False, turn_ends_at__isnull=False),
                name="subscription_turn_ends",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(status=SubscriptionStatus.OFF),
                name="subscription_off_when_deleted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.status})"


class SubscriptionVersion(models.Model):
    """A subscription as it was received or as we changed its status; the newest is what is read."""

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="versions"
    )
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=SubscriptionStatus.choices)
    error = models.CharField(max_length=200, blank=True)
    document = EncryptedTextField(blank=True)

    TENANCY = _OF_THE_SUBSCRIPTION
    PRIVACY = {
        "document": Privacy.IDENTIFIES,  # it holds the endpoint and its headers
        **dict.fromkeys(("id", "subscription", "version", "at", "status", "error"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=SubscriptionStatus.values),
                name="subscription_version_known_status",
            ),
            models.CheckConstraint(
                condition=Q(error="") | Q(status=SubscriptionStatus.ERROR),
                name="subscription_version_error_in_error",
            ),
            models.UniqueConstraint(
                fields=["subscription", "version"], name="subscription_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} version {self.version}"


class Event(models.Model):
    """Something that a subscriber is to be told: the version of a resource. Never changed, so it can be told again."""

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="events")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="+")
    focus_type = models.CharField(max_length=20)
    focus_version = models.PositiveIntegerField()

    TENANCY = _OF_THE_SUBSCRIPTION
    PRIVACY = {
        "referral": Privacy.PSEUDONYM,
        **dict.fromkeys(
            ("id", "subscription", "number", "at", "focus_type", "focus_version"), Privacy.OPEN
        ),
    }

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "number"], name="subscription_event_number_once"
            ),
            models.UniqueConstraint(
                fields=["subscription", "referral", "focus_type", "focus_version"],
                name="subscription_event_once",
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.number} of {self.subscription_id}"
