"""Communities: what is known of each, and above all how it is moderated."""

import uuid
from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Organisation
from communities.models.conditions import Condition
from communities.models.places import Area
from communities.models.tier_column import is_of_tier, tier_column
from communities.tiers import Tier
from privacy.classes import Privacy
from privacy.row_security import SHARED


class Listing(models.TextChoices):
    """Whether a community may be offered at all."""

    DRAFT = "draft"
    LISTED = "listed"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class ListingReason(models.TextChoices):
    """Why a community is suspended or closed; only what its host asked for may its host undo."""

    HOST_ASKED = "host-asked"
    SAFETY_CONCERN = "safety-concern"
    MODERATION_LAPSED = "moderation-lapsed"
    FACTS_IN_DOUBT = "facts-in-doubt"


class HandOff(models.TextChoices):
    """How somebody who joins gets there: with our pseudonym, or to the plain address."""

    LINK = "link"
    ADDRESS = "address"


class CommunityQuerySet(models.QuerySet["Community"]):
    """Reads over communities."""

    def listed_on(self, day: date) -> Self:
        """Those that may be offered that day: listed, valid, checked, and not overdue for their review."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=day),
            Q(valid_to__isnull=True) | Q(valid_to__gte=day),
            listing=Listing.LISTED,
            reviewed_on__lte=day,
            review_due__gte=day,
        )

    def of_tier(self, tier: Tier) -> Self:
        """Those of a moderation tier, as long as their review holds."""
        return self.filter(is_of_tier(tier))


class Community(models.Model):
    """An online community and what is known of it; a fact that nobody has stated is ``unknown``, empty or None.

    Field values: docs/directory-data.md. It serves everybody in its ``areas``, whoever lives within ``radius_km`` of
    its centre, and the patients of its ``practices`` where it is commissioned by practice. Where ``moderator_hours``
    are stated, ``cover`` and ``hours_text`` follow from them. ``updated_at`` is when a fact last changed. ``listing_by``,
    ``listing_at`` and ``listing_note``: who suspended, closed or resumed it last, when, and what they wrote of it.
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

    # Whom it is for.
    conditions = models.ManyToManyField(Condition, related_name="communities", blank=True)
    audience = models.JSONField(default=list)
    min_age = models.PositiveSmallIntegerField(null=True, blank=True)
    max_age = models.PositiveSmallIntegerField(null=True, blank=True)
    sex = models.CharField(max_length=10, default="any")
    readiness = models.JSONField(default=list, blank=True)
    languages = models.JSONField(default=list)
    accessibility = models.JSONField(default=list, blank=True)
    areas = models.ManyToManyField(Area, related_name="communities", blank=True)
    practices = models.ManyToManyField(
        Organisation, related_name="commissioned_communities", blank=True
    )
    centre_latitude = models.FloatField(null=True, blank=True)
    centre_longitude = models.FloatField(null=True, blank=True)
    radius_km = models.PositiveSmallIntegerField(null=True, blank=True)

    # What taking part asks and gives.
    cost = models.CharField(max_length=120, blank=True)
    access = models.CharField(max_length=120, blank=True)
    anonymity = models.CharField(max_length=20, default="unknown")
    search_visibility = models.CharField(max_length=20, default="unknown")
    can_look_first = models.BooleanField(null=True, blank=True)
    has_in_person = models.BooleanField(null=True, blank=True)
    device_need = models.CharField(max_length=200, blank=True)
    data_need = models.CharField(max_length=10, default="unknown")
    hand_off = models.CharField(max_length=10, choices=HandOff.choices, default=HandOff.ADDRESS)

    # How it is moderated: the evidence that its tier is worked out from.
    staffed_by = models.CharField(max_length=10, default="unknown")
    moderated_by = models.CharField(max_length=20)
    moderation_model = models.CharField(max_length=20)
    cover = models.CharField(max_length=20)
    moderator_hours = models.JSONField(default=list, blank=True)
    time_zone = models.CharField(max_length=40, default="Europe/London")
    hours_text = models.CharField(max_length=200, blank=True)
    first_response_minutes = models.PositiveIntegerField(null=True, blank=True)
    first_response_p90_minutes = models.PositiveIntegerField(null=True, blank=True)
    moderator_training = models.CharField(max_length=300, blank=True)
    supervision = models.CharField(max_length=300, blank=True)
    escalation_role = models.CharField(max_length=120, blank=True)
    crisis_policy = models.CharField(max_length=500, blank=True)
    self_harm_policy = models.CharField(max_length=500, blank=True)
    misinformation_policy = models.CharField(max_length=500, blank=True)
    under_age_policy = models.CharField(max_length=500, blank=True)
    data_controller = models.CharField(max_length=200, blank=True)
    data_country = models.CharField(max_length=2, blank=True)
    evidence_citation = models.CharField(max_length=500, blank=True)
    evidence_on = models.DateField(null=True, blank=True)
    fidelity_protocol = models.CharField(max_length=200, blank=True)
    osa_assessed_on = models.DateField(null=True, blank=True)
    tier_by_facts = tier_column()

    # Where it stands in this directory.
    listing = models.CharField(max_length=10, choices=Listing.choices, default=Listing.DRAFT)
    listing_reason = models.CharField(
        max_length=20, choices=ListingReason.choices, blank=True, db_default=""
    )
    listing_by = models.CharField(max_length=80, blank=True, db_default="")
    listing_at = models.DateTimeField(null=True, blank=True)
    listing_note = models.CharField(max_length=500, blank=True, db_default="")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    reviewed_on = models.DateField(null=True, blank=True)
    reviewed_by = models.CharField(max_length=120, blank=True)
    review_due = models.DateField(null=True, blank=True)
    confidence = models.CharField(max_length=10, blank=True)
    source = models.TextField(blank=True)
    note = models.TextField(blank=True)
    is_fictional = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=Now())

    objects = CommunityQuerySet.as_manager()

    TENANCY = SHARED
    PRIVACY = dict.fromkeys(
        ("id", "key", "name", "host", "summary", "url", "kind", "format", "state")
        + ("conditions", "audience", "min_age", "max_age", "sex", "readiness", "languages")
        + ("accessibility", "areas", "practices", "centre_latitude", "centre_longitude")
        + ("radius_km", "cost", "access", "anonymity", "search_visibility", "can_look_first")
        + ("has_in_person", "device_need", "data_need", "hand_off", "staffed_by", "moderated_by")
        + ("moderation_model", "cover", "moderator_hours", "time_zone", "hours_text")
        + ("first_response_minutes", "first_response_p90_minutes", "moderator_training")
        + ("supervision", "escalation_role", "crisis_policy", "self_harm_policy")
        + ("misinformation_policy", "under_age_policy", "data_controller", "data_country")
        + ("evidence_citation", "evidence_on", "fidelity_protocol", "osa_assessed_on")
        + (
            "tier_by_facts",
            "listing",
            "listing_reason",
            "listing_by",
            "listing_at",
            "listing_note",
            "valid_from",
            "valid_to",
            "reviewed_on",
            "reviewed_by",
            "review_due",
        )
        + ("confidence", "source", "note", "is_fictional", "updated_at"),
        Privacy.OPEN,
    )

    class Meta:
        verbose_name_plural = "communities"
        indexes = [
            models.Index(fields=["listing", "tier_by_facts", "name"], name="community_by_tier"),
            models.Index(fields=["listing", "name", "id"], name="community_by_name"),
            models.Index(fields=["listing", "review_due"], name="community_by_review"),
        ]
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
                | Q(max_age__gte=F("min_age")),
                name="community_ages_in_order",
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
                name="community_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(
                    radius_km__isnull=True,
                    centre_latitude__isnull=True,
                    centre_longitude__isnull=True,
                )
                | Q(
                    radius_km__isnull=False,
                    centre_latitude__isnull=False,
                    centre_longitude__isnull=False,
                ),
                name="community_circle_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(listing_reason="")
                | Q(
                    listing__in=[Listing.SUSPENDED, Listing.CLOSED],
                    listing_reason__in=ListingReason.values,
                ),
                name="community_known_listing_reason",
            ),
            models.CheckConstraint(
                condition=~Q(listing=Listing.LISTED)
                | (Q(reviewed_on__isnull=False, review_due__isnull=False) & ~Q(reviewed_by="")),
                name="community_listed_only_when_reviewed",
            ),
        ]

    def __str__(self) -> str:
        return self.name
