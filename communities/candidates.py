"""The communities that the rules are asked about: found by condition and place in the database, read as stated facts.

The conditions of the queries are necessary ones of ``communities.matching.rules``, for speed: whoever fails them would
be refused. The rules themselves decide.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from accounts.models import Organisation
from communities.hours import is_covered
from communities.matching.candidate import Candidate, Circle
from communities.matching.need import ACCESS, Need, Preference
from communities.matching.rules import ADULT
from communities.models import Area, CapacityState, Community, CommunityQuerySet, Condition
from communities.selectors import moderation_of
from communities.tiers import Cover, ModeratedBy, SearchVisibility, Tier, tier_of
from communities.value_sets import Access, DataNeed, Kind, State

# A degree of latitude, and one of longitude in the north of Shetland; each a little less than it is.
_KM_NORTH, _KM_EAST = 111.0, 53.0
# The moments of a week at which moderators must be there: days from Monday on, and the hour.
_MOMENTS: dict[Preference, tuple[Iterable[int], int]] = {
    Preference.NIGHTS: (range(7), 2),
    Preference.EVENINGS: (range(5), 20),
    Preference.WEEKENDS: ((5, 6), 12),
}
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # any


def candidates(need: Need, *, on: date) -> list[Candidate]:
    """The listed communities that may suit, and perhaps some more; never all of the directory."""
    if need.age is None:
        return []
    old_enough = Q(min_age__lte=need.age)
    if need.age >= ADULT:
        old_enough |= Q(min_age__isnull=True)
    rows = (
        Community.objects.listed_on(on)
        .filter(pk__in=_serving(need))
        .filter(old_enough, Q(max_age__isnull=True) | Q(max_age__gte=need.age))
        .filter(sex__in=("any", need.sex), state=State.OPEN)
        .filter(tier_by_facts__in=(Tier.A, Tier.B) if need.is_at_risk else (Tier.A, Tier.B, Tier.C))
        .exclude(kind=Kind.AUTOMATED_COMPANION)
        .exclude(access=Access.PROGRAMME)
        .exclude(url="")
    )
    return _read(rows, on)


def candidates_of_condition(need: Need, *, on: date) -> list[Candidate]:
    """Every listed community for the condition, those too that cannot suit: to say why not."""
    ids = _for_condition(need).values("community_id")
    return _read(Community.objects.listed_on(on).filter(pk__in=ids), on)


def as_candidate(community: Community, *, on: date) -> Candidate:
    """One community as the rules see it on a day."""
    return Candidate(
        community_id=str(community.pk),
        name=community.name,
        kind=community.kind,
        condition_keys=frozenset(condition.pk for condition in community.conditions.all()),
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
        circle=_circle(community),
        covered_hours=_covered_hours(community),
        stages=frozenset(community.readiness),
        meets=_meets(community),
        capacity=_capacity(community, on),
        staffed_by=community.staffed_by,
        can_look_first=bool(community.can_look_first),
        has_self_harm_policy=bool(community.self_harm_policy.strip()),
    )


def _for_condition(need: Need) -> QuerySet[Any, Any]:
    """The pairs of a community and a condition that fits."""
    keys = need.exact_keys | need.general_keys
    return Community.conditions.through.objects.filter(condition_id__in=keys)


def _serving(need: Need) -> list[UUID]:
    """The ids of communities for the condition that serve a place the person is in, or whose circle may.

    Found in the narrow tables alone, so that the wide one is read by its key.
    """
    areas = Community.areas.through.objects.filter(area__place__in=need.places)
    served = Q(community_id__in=areas.values("community_id"))
    if need.practice_ods:
        pairs = Community.practices.through.objects.filter(organisation__ods_code=need.practice_ods)
        served |= Q(community_id__in=pairs.values("community_id"))
    found = _for_condition(need).filter(served).values_list("community_id", flat=True)
    if need.latitude is not None and need.longitude is not None:
        around = Community.objects.filter(
            _box(need.latitude, need.longitude),
            radius_km__isnull=False,
            pk__in=_for_condition(need).values("community_id"),
        )
        found = found.union(around.values_list("pk", flat=True))
    return list(found)


def _box(latitude: float, longitude: float) -> Q:
    """That a point lies in the box around a community's circle."""
    north, east = F("radius_km") / _KM_NORTH, F("radius_km") / _KM_EAST
    return Q(
        centre_latitude__gte=latitude - north,
        centre_latitude__lte=latitude + north,
        centre_longitude__gte=longitude - east,
        centre_longitude__lte=longitude + east,
    )


def _read(rows: CommunityQuerySet, on: date) -> list[Candidate]:
    whole = rows.select_related("host", "capacity").prefetch_related(
        Prefetch("conditions", Condition.objects.only("key")),
        Prefetch("areas", Area.objects.only("place")),
        Prefetch("practices", Organisation.objects.only("ods_code")),
    )
    return [as_candidate(community, on=on) for community in whole]


def _coverage(community: Community) -> frozenset[str]:
    """The places it serves, or why there is none: paid for area by area, or nothing recorded."""
    areas = {area.place for area in community.areas.all()}
    practices = {f"practice:{practice.ods_code}" for practice in community.practices.all()}
    not_recorded = "commissioned" if community.access == Access.COMMISSIONED else "none"
    return frozenset(areas | practices or {not_recorded})


def _capacity(community: Community, on: date) -> str:
    stated = getattr(community, "capacity", None)  # a host need not state any
    return str(stated.state(on) if stated else CapacityState.UNKNOWN)


def _circle(community: Community) -> Circle | None:
    centre = community.centre_latitude, community.centre_longitude, community.radius_km
    latitude, longitude, km = centre
    if latitude is None or longitude is None or km is None:
        return None
    return Circle(latitude, longitude, km)


def _covered_hours(community: Community) -> frozenset[str]:
    if community.cover == Cover.ALL_HOURS:
        return frozenset(_MOMENTS)
    return frozenset(
        wish
        for wish, (days, hour) in _MOMENTS.items()
        if all(
            is_covered(community.moderator_hours, "UTC", _MONDAY.replace(day=5 + day, hour=hour))
            for day in days
        )
    )


def _meets(community: Community) -> frozenset[str]:
    """The access needs that it states to meet, and those that follow from its form."""
    stated = ACCESS.intersection(community.accessibility)
    if community.kind == Kind.TEXT_ONLY:
        stated |= {Preference.TEXT_ONLY}
    if community.data_need == DataNeed.LOW:
        stated |= {Preference.LOW_DATA}
    return frozenset(str(need) for need in stated)
