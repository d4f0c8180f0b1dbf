"""The directory: conditions, places, hosts' communities and how each is moderated."""

import uuid
from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organisation
from privacy.classes import Privacy
from privacy.row_security import SHARED


class Condition(models.Model):
    """A condition that communities are found by: our own short list, mapped from SNOMED CT codes.

    ``people`` is how its people are spoken of; ``broader`` the key of more general communities for them.
    """

    key = models.SlugField(primary_key=True, max_length=40)
    label = models.CharField(max_length=100)
    group = models.CharField(max_length=40)
    people = models.CharField(max_length=100)
    broader = models.CharField(max_length=40, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("key", "label", "group", "people", "broader"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.label


class ConditionCode(models.Model):
    """A SNOMED CT concept that stands for a condition."""

    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, related_name="codes")
    snomed_code = models.CharField(max_length=18, unique=True)
    term = models.CharField(max_length=255, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "condition", "snomed_code", "term"), Privacy.OPEN)

    def __str__(self) -> str:
        return f"{self.snomed_code} | {self.term} |"


class LocalAuthority(models.Model):
    """A local authority of Great Britain (ONS code)."""

    lad_code = models.CharField(primary_key=True, max_length=9)
    name = models.CharField(max_length=100)
    region = models.CharField(max_length=60, blank=True)
    icb_ods = models.CharField(max_length=10, blank=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("lad_code", "name", "region", "icb_ods"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.name


class Outcode(models.Model):
    """The first half of a postcode, placed where most of its postcodes lie: approximate by nature."""

    outcode = models.CharField(primary_key=True, max_length=4)
    local_authority = models.ForeignKey(LocalAuthority, on_delete=models.PROTECT, null=True)
    icb_ods = models.CharField(max_length=10, blank=True)
    country_code = models.CharField(max_length=9)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("outcode", "local_authority", "icb_ods", "country_code", "latitude", "longitude"),
        Privacy.OPEN,
    )

    def __str__(self) -> str:
        return self.outcode


class Area(models.Model):
    """A part of the United Kingdom that communities serve. ``place`` is written as in ``Community.coverage``.

    ``id`` follows from ``place``, so that it is the same everywhere. A board that has ended has a ``valid_to``.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    place = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    valid_to = models.DateField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(("id", "place", "name", "valid_to", "updated_at"), Privacy.OPEN)

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """``nation``, ``icb`` or ``lad`` (local authority district)."""
        return self.place.partition(":")[0]

    @property
    def code(self) -> str:
        """The nation's name, the board's ODS code or the authority's ONS code."""
        return self.place.partition(":")[2]


class Listing(models.TextChoices):
    """Whether a community may be offered at all."""

    DRAFT = "draft"
    LISTED = "listed"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class HandOff(models.TextChoices):
    """How somebody who joins gets there: with our pseudonym, or to the plain address."""

    LINK = "link"
    ADDRESS = "address"


class CommunityQuerySet(models.QuerySet["Community"]):
    """Reads over communities."""

    def listed_on(self, day: date) -> Self:
        """Those that may be offered that day: listed, checked, and not overdue for their review."""
        return self.filter(listing=Listing.LISTED, reviewed_on__lte=day, review_due__gte=day)


class Community(models.Model):
    """An online community and what is known of it; unknown stays ``unknown``. Field values: docs/directory-data.md.

    ``areas`` are the rows of those places in ``coverage`` that are places; ``updated_at`` is when a fact last changed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.SlugField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    host = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="communities")
    summary = models.CharField(max_length=300)
    url = models.URLField(blank=True)
    kind = models.CharField(max_length=40)
    format = models.CharField(max_length=20)
    state = models.CharField(max_length=20)
    conditions = models.ManyToManyField(Condition, related_name="communities", blank=True)
    audience = models.JSONField(default=list)
    moderated_by = models.CharField(max_length=20)
    moderation_model = models.CharField(max_length=20)
    cover = models.CharField(max_length=20)
    hours_text = models.CharField(max_length=200, blank=True)
    min_age = models.PositiveSmallIntegerField(null=True, blank=True)
    max_age = models.PositiveSmallIntegerField(null=True, blank=True)
    sex = models.CharField(max_length=10, default="any")
    coverage = models.CharField(max_length=200)
    areas = models.ManyToManyField(Area, related_name="communities", blank=True)
    languages = models.JSONField(default=list)
    cost = models.CharField(max_length=120, blank=True)
    access = models.CharField(max_length=120, blank=True)
    anonymity = models.CharField(max_length=20, default="unknown")
    search_visibility = models.CharField(max_length=20, default="unknown")
    confidence = models.CharField(max_length=10, blank=True)
    source = models.TextField(blank=True)
    note = models.TextField(blank=True)
    hand_off = models.CharField(max_length=10, choices=HandOff.choices, default=HandOff.ADDRESS)
    listing = models.CharField(max_length=10, choices=Listing.choices, default=Listing.DRAFT)
    reviewed_on = models.DateField(null=True, blank=True)
    reviewed_by = models.CharField(max_length=120, blank=True)
    review_due = models.DateField(null=True, blank=True)
    is_fictional = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=Now())

    objects = CommunityQuerySet.as_manager()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        (
            "id",
            "key",
            "name",
            "host",
            "summary",
            "url",
            "kind",
            "format",
            "state",
            "conditions",
            "audience",
        )
        + (
            "moderated_by",
            "moderation_model",
            "cover",
            "hours_text",
            "min_age",
            "max_age",
            "sex",
            "coverage",
            "areas",
        )
        + (
            "languages",
            "cost",
            "access",
            "anonymity",
            "search_visibility",
            "confidence",
            "source",
            "note",
        )
        + ("hand_off", "listing", "reviewed_on", "reviewed_by", "review_due", "is_fictional")
        + ("updated_at",),
        Privacy.OPEN,
    )

    class Meta:
        verbose_name_plural = "communities"
        constraints = [
            models.CheckConstraint(
                condition=Q(listing__in=Listing.values), name="community_known_listing"
            ),
            models.CheckConstraint(
                condition=Q(hand_off__in=HandOff.values), name="community_known_hand_off"
            ),
            models.CheckConstraint(
                condition=Q(min_age__isnull=True)
                | Q(max_age__isnull=True)
                | Q(max_age__gte=models.F("min_age")),
                name="community_ages_in_order",
            ),
            models.CheckConstraint(
                condition=~Q(listing=Listing.LISTED)
                | (Q(reviewed_on__isnull=False, review_due__isnull=False) & ~Q(reviewed_by="")),
                name="community_listed_only_when_reviewed",
            ),
        ]

    def __str__(self) -> str:
        return self.name
