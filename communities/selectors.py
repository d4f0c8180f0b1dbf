"""Reads over the directory: conditions by code, places by postcode, communities as the ranking sees them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from communities.models import Community, Condition, Outcode
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


def candidates(day: date) -> list[Candidate]:
    """Every listed community as the ranking sees it."""
    rows = (
        Community.objects.listed_on(day)
        .select_related("host")
        .prefetch_related("conditions")
        .order_by("key")
    )
    return [as_candidate(community) for community in rows]


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
        coverage=frozenset(community.coverage.split("|")),
        languages=frozenset(community.languages),
        state=community.state,
        access=community.access,
        confidence=community.confidence,
        has_address=bool(community.url),
        min_age=community.min_age,
        max_age=community.max_age,
        sex=community.sex,
    )


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


def conditions_with_codes() -> list[Condition]:
    """Every condition that a SNOMED CT code leads to, with its codes at hand."""
    return list(
        Condition.objects.filter(codes__isnull=False)
        .distinct()
        .prefetch_related("codes")
        .order_by("group", "label")
    )
