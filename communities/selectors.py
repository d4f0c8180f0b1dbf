"""Reads over the directory: conditions by code, places by postcode, communities as the ranking sees them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, UUIDField, When

from accounts.actors import Actor
from accounts.models import Organisation
from accounts.selectors import own_organisations
from communities.models import (
    Area,
    Community,
    CommunityQuerySet,
    Condition,
    LocalAuthority,
    Outcode,
)
from communities.ranking import Candidate
from communities.tiers import (
    Cover,
    ModeratedBy,
    Moderation,
    ModerationModel,
    SearchVisibility,
    tier_of,
)

UNNAMED_HOST = "unknown"
_OUTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)[0-9][A-Z]{2}\Z")
_NATIONS = {"E": "England", "S": "Scotland", "W": "Wales", "N": "Northern Ireland"}


@dataclass(frozen=True)
class Place:
    """Roughly where somebody lives: the local authority and ICB that hold most of the outcode."""

    lad_code: str
    icb_ods: str
    nation: str


def conditions_by_code(snomed_codes: Iterable[str]) -> list[Condition]:
    """The conditions that any of these SNOMED CT codes stands for."""
    return list(
        Condition.objects.filter(codes__snomed_code__in=list(snomed_codes))
        .distinct()
        .order_by("key")
    )


def conditions_named(keys: Iterable[str]) -> list[Condition]:
    """The conditions with these keys."""
    return list(Condition.objects.filter(key__in=list(keys)).order_by("key"))


def place_of(postcode: str) -> Place | None:
    """The rough place of a postcode, or None when it is empty, malformed or unknown."""
    match = _OUTCODE.match(postcode.upper().replace(" ", ""))
    outcode = Outcode.objects.filter(pk=match[1]).first() if match else None
    if outcode is None:
        return None
    return Place(
        lad_code=outcode.local_authority_id or "",
        icb_ods=outcode.icb_ods,
        nation=_NATIONS.get(outcode.country_code[:1], ""),
    )


def place_at(code: str) -> Place | None:
    """The place of an ICB (ODS code), a local authority (ONS code) or a nation of the UK by name; None for others."""
    area = Area.objects.exclude(place="nation:UK").filter(place__endswith=f":{code}").first()
    if area is None or area.code != code:
        return None
    if area.kind == "nation":
        return Place(lad_code="", icb_ods="", nation=code)
    if area.kind == "icb":
        return Place(lad_code="", icb_ods=code, nation="England")
    authority = LocalAuthority.objects.get(pk=code)
    return Place(lad_code=code, icb_ods=authority.icb_ods, nation=_NATIONS.get(code[:1], ""))


def candidates(day: date) -> list[Candidate]:
    """Every listed community as the ranking sees it."""
    rows = (
        Community.objects.listed_on(day)
        .select_related("host")
        .prefetch_related("conditions", "areas", "practices")
        .order_by("key")
    )
    return [as_candidate(community) for community in rows]


def listed_communities(day: date) -> CommunityQuerySet:
    """Every listed community with all that is known of it; ``provider_id`` is its host, if one is named."""
    named = When(host__name=UNNAMED_HOST, then=None)
    return (
        Community.objects.listed_on(day)
        .select_related("host")
        .prefetch_related("conditions__codes", "areas")
        .annotate(provider_id=Case(named, default=F("host_id"), output_field=UUIDField(null=True)))
    )


def serving(area: Q) -> QuerySet[Any, Any]:
    """The ids of communities that serve an area; ``area`` looks from the pair of the two."""
    return Community.areas.through.objects.filter(area).values("community_id")


def for_condition(condition: Q) -> QuerySet[Any, Any]:
    """The ids of communities for a condition; ``condition`` looks from the pair of the two."""
    return Community.conditions.through.objects.filter(condition).values("community_id")


def welcoming(audience: str) -> list[UUID]:
    """The ids of communities that are for these people, such as ``carers``."""
    listed = Community.objects.values_list("pk", "audience")
    return [pk for pk, welcome in listed if audience in welcome]


def of_tier(tier: str) -> list[UUID]:
    """The ids of communities of a moderation tier, which no column holds."""
    listed = Community.objects.select_related("host")
    return [community.pk for community in listed if tier_of(moderation_of(community)) == tier]


def areas() -> QuerySet[Area]:
    """Every area that a community can be for."""
    return Area.objects.all()


def organisations_shown_to(actor: Actor, day: date) -> QuerySet[Organisation]:
    """The hosts of listed communities, the organisation that asks, and the ICB above it."""
    hosts = Community.objects.listed_on(day).exclude(host__name=UNNAMED_HOST).values("host_id")
    own = own_organisations(actor).values("pk")
    return Organisation.objects.filter(Q(pk__in=hosts) | Q(pk__in=own))


def as_candidate(community: Community) -> Candidate:
    """One community as the ranking sees it."""
    return Candidate(
        community_id=str(community.pk),
        name=community.name,
        kind=community.kind,
        condition_keys=frozenset(condition.key for condition in community.conditions.all()),
        audience=frozenset(community.audience),
        tier=tier_of(moderation_of(community)),
        moderated_by=ModeratedBy(community.moderated_by),
        cover=Cover(community.cover),
        search_visibility=SearchVisibility(community.search_visibility),
        anonymity=community.anonymity,
        coverage=_coverage(community),
        languages=frozenset(community.languages),
        state=community.state,
        access=community.access,
        confidence=community.confidence,
        has_address=bool(community.url),
        min_age=community.min_age,
        max_age=community.max_age,
        sex=community.sex,
    )


def _coverage(community: Community) -> frozenset[str]:
    """The places it serves, or why there is none: paid for area by area, or nothing recorded."""
    areas = {area.place for area in community.areas.all()}
    practices = {f"practice:{practice.ods_code}" for practice in community.practices.all()}
    not_recorded = "commissioned" if community.access == "commissioned" else "none"
    return frozenset(areas | practices or {not_recorded})


def moderation_of(community: Community) -> Moderation:
    """What the listing states about its moderation."""
    return Moderation(
        moderated_by=ModeratedBy(community.moderated_by),
        model=ModerationModel(community.moderation_model),
        cover=Cover(community.cover),
        search_visibility=SearchVisibility(community.search_visibility),
        has_named_host=community.host.name != UNNAMED_HOST,
        has_published_hours=bool(community.hours_text),
        is_public_social_group=community.kind == "public_social_group",
    )


def people_by_condition() -> dict[str, str]:
    """How the people of each condition are spoken of, for sentences about communities."""
    return dict(Condition.objects.values_list("key", "people"))


def conditions() -> list[Condition]:
    """Every condition."""
    return list(Condition.objects.order_by("group", "label"))


def conditions_with_codes() -> list[Condition]:
    """Every condition that a SNOMED CT code leads to, with its codes at hand."""
    return list(
        Condition.objects.filter(codes__isnull=False)
        .distinct()
        .prefetch_related("codes")
        .order_by("group", "label")
    )
