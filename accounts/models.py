"""Organisations, the people who work in them, and the machine clients that act for them."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import localdate

from privacy.classes import Privacy
from privacy.fields import EncryptedTextField
from privacy.row_security import SHARED, owned_through


class OrganisationKind(models.TextChoices):
    """What an organisation is to us. ODS roles are richer; these are the ones that decide who sees what."""

    PRACTICE = "practice"
    PCN = "pcn"
    ICB = "icb"
    HOST = "host"
    OPERATOR = "operator"


class Organisation(models.Model):
    """A practice, PCN or ICB (by ODS code), the host of a community, or whoever runs this service.

    ``updated_at``: when a fact last changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=OrganisationKind.choices)
    ods_code = models.CharField(max_length=10, unique=True, null=True, blank=True)
    name = models.CharField(max_length=200)
    postcode = models.CharField(max_length=8, blank=True)
    icb = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="members"
    )
    pcn = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="practices"
    )
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "kind", "ods_code", "name", "postcode", "icb", "pcn", "valid_from", "valid_to")
        + ("updated_at",),
        Privacy.OPEN,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OrganisationKind.values), name="organisation_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_to__gte=models.F("valid_from")),
                name="organisation_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.ods_code})" if self.ods_code else self.name

    def is_open_on(self, day: date) -> bool:
        """Whether it has not closed before that day."""
        return self.valid_to is None or self.valid_to >= day


class Succession(models.Model):
    """One organisation taking over all or part of another on a day: many to many, because ICBs split too."""

    predecessor = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="successions_to"
    )
    successor = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="successions_from"
    )
    on_date = models.DateField()
    kind = models.CharField(
        max_length=12, choices=[("merger",) * 2, ("split",) * 2, ("acquisition",) * 2]
    )

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "predecessor", "successor", "on_date", "kind"), Privacy.OPEN)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["predecessor", "successor", "on_date"], name="succession_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor_id} → {self.successor_id} ({self.kind})"


class UserManager(BaseUserManager["User"]):
    """Makes users, who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **more: Any) -> "User":
        """A person who may sign in; without a password only by another way."""
        user = self.model(email=self.normalize_email(email).lower(), **more)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **more: Any) -> "User":
        """An operator with the run of the admin pages."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **more)


class User(AbstractUser):
    """A member of staff somewhere: practice, ICB, host or operator. Patients never have an account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = None  # type: ignore[assignment]  # the e-mail address takes its place
    email = models.EmailField(unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    TENANCY = SHARED
    # Staff, not patients: who they are is no secret inside the organisation.
    PRIVACY = dict.fromkeys(
        (
            "id",
            "password",
            "last_login",
            "is_superuser",
            "first_name",
            "last_name",
            "is_staff",
            "is_active",
        )
        + ("date_joined", "email", "groups", "user_permissions"),
        Privacy.OPEN,
    )

    def __str__(self) -> str:
        return self.email


class Role(models.TextChoices):
    """What a person does in an organisation."""

    CLINICIAN = "clinician"
    PRACTICE_ADMINISTRATOR = "practice-administrator"
    COMMUNITY_COORDINATOR = "community-coordinator"
    COMMISSIONER = "commissioner"
    CLINICAL_REVIEWER = "clinical-reviewer"
    LIVED_EXPERIENCE_REVIEWER = "lived-experience-reviewer"


class Membership(models.Model):
    """A person's role in an organisation."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="memberships"
    )
    role = models.CharField(max_length=32, choices=Role.choices)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "user", "organisation", "role"), Privacy.OPEN)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_known_role"),
            models.UniqueConstraint(
                fields=["user", "organisation", "role"], name="membership_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.organisation_id}"


class Client(models.Model):
    """A registered clinical system. It signs in with SMART Backend Services and acts for one organisation.

    ``jwks`` are its public keys; with a ``jwks_url`` they are what was read there last, good until
    ``jwks_fresh_until``. ``is_bars``: it speaks BaRS, so that its X-Request-ID counts. ``is_strict``: the deviations that
    are known of real senders are errors for it, which helps those who test. ``may_export``: it may take all that its
    organisation may see out at once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="clients")
    jwks = models.JSONField()
    jwks_url = models.URLField(blank=True)
    jwks_fresh_until = models.DateTimeField(null=True)
    is_bars = models.BooleanField(default=False)
    is_strict = models.BooleanField(default=False, db_default=False)
    may_export = models.BooleanField(default=False, db_default=False)
    scope = models.CharField(max_length=500)
    registered_at = models.DateTimeField()
    is_active = models.BooleanField(default=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "name", "organisation", "jwks", "jwks_url", "jwks_fresh_until", "is_bars")
        + ("is_strict", "may_export", "scope", "registered_at", "is_active"),
        Privacy.OPEN,
    )

    def __str__(self) -> str:
        return self.name


class UsedAssertion(models.Model):
    """A ``jti`` that a client has spent. The unique row is what makes a replay fail, in whichever process."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE)
    jti_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "client", "jti_hash", "expires_at"), Privacy.OPEN)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "jti_hash"], name="assertion_used_once")
        ]

    def __str__(self) -> str:
        return f"{self.client_id} until {self.expires_at:%H:%M:%S}"


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Reads over access tokens."""

    def live(self, at: datetime) -> Self:
        """Tokens that still open something: not run out, of a client that is active, of an organisation that is open."""
        return (
            self.filter(expires_at__gt=at, client__is_active=True)
            .exclude(client__organisation__valid_to__lt=localdate(at))
            .select_related("client__organisation")
        )


class AccessToken(models.Model):
    """A bearer token, kept only as its SHA-256."""

    token_hash = models.CharField(max_length=64, primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="tokens")
    scope = models.CharField(max_length=500)
    expires_at = models.DateTimeField()

    objects = AccessTokenQuerySet.as_manager()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("token_hash", "client", "scope", "expires_at"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.client_id} until {self.expires_at:%H:%M:%S}"


class RepeatKind(models.TextChoices):
    """What marks a request as the same as an earlier one."""

    IDEMPOTENCY_KEY = "idempotency-key"
    IF_NONE_EXIST = "if-none-exist"
    BARS_REQUEST = "bars-request"


class AnsweredRequest(models.Model):
    """A request that was carried out, under the mark that its sender gave it; kept for ever.

    The unique row, written in the transaction of what was done, is what makes a repeat find the first. ``outcome``
    names the rows that were made (type, id, version), never their content. Mark and body are kept as keyed hashes
    under the key ``key_id``, and known as long as that key is among FIELD_KEYS.
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="answered")
    kind = models.CharField(max_length=16, choices=RepeatKind.choices)
    mark_hash = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=8)
    outcome = models.JSONField()
    answered_at = models.DateTimeField()

    TENANCY = owned_through("client_id", "accounts_client", "organisation_id")
    PRIVACY = {
        **dict.fromkeys(("id", "client", "kind", "key_id", "answered_at"), Privacy.OPEN),
        **dict.fromkeys(("mark_hash", "body_hash", "outcome"), Privacy.PSEUDONYM),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=RepeatKind.values), name="answered_known_kind"
            ),
            models.UniqueConstraint(fields=["client", "kind", "mark_hash"], name="answered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.client_id}"


class HostKey(models.Model):
    """The secret with which a host signs its webhooks (Standard Webhooks, ``whsec_…``)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="host_keys"
    )
    secret = EncryptedTextField()
    registered_at = models.DateTimeField()
    is_active = models.BooleanField(default=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "organisation", "secret", "registered_at", "is_active"), Privacy.OPEN
    )

    def __str__(self) -> str:
        return f"key of {self.organisation_id}"
