"""Looking through the directory: for anybody, by what they look for; for hosts and reviewers, by what is theirs to do."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Case, F, FloatField, Q, QuerySet, When
from django.db.models.functions import ASin, Cos, Least, Radians, Sin, Sqrt

from accounts.actors import Actor
from accounts.members import has_role
from accounts.models import Role
from communities.models import (
    Community,
    CommunityQuerySet,
    Condition,
    Listing,
    Revision,
    RevisionState,
)
from communities.models.tier_column import is_of_tier
from communities.places import Place
from communities.selectors import for_condition, listed_communities, naming, serving
from communities.tiers import Cover, SearchVisibility, Tier
from communities.value_sets import Anonymity, Audience, Sex

PAGE_SIZE = 20
DUE_SOON = timedelta(days=60)
_ADULT = 18
_EARTH_KM = 6371.0088  # mean radius
# A degree of latitude, and one of longitude at 61° north; each a little less than it is.
_KM_NORTH, _KM_EAST = 111.0, 53.0
_REVIEWERS = (Role.CLINICAL_REVIEWER, Role.LIVED_EXPERIENCE_REVIEWER)
_MOST_WORDS = 8


@dataclass(frozen=True, kw_only=True)
class Search:
    """What somebody looks for; what is left empty does not narrow the search.

    Conditions by key bring the communities for a broader one along. ``place``: those that serve it, by an area, a circle
    or ``practice_ods``; ``is_everywhere``: those for all of the United Kingdom only. Age in years; a community that
    states no lowest age is for adults.
    """

    condition_keys: frozenset[str] = frozenset()
    place: Place | None = None
    practice_ods: str = ""
    is_everywhere: bool = False
    tiers: frozenset[Tier] = frozenset()
    covers: frozenset[Cover] = frozenset()
    language: str = ""
    audience: Audience | None = None
    age: int | None = None
    sex: Sex | None = None
    is_anonymous: bool = False
    is_members_only: bool = False
    is_free: bool = False
    text: str = ""


@dataclass(frozen=True)
class Page:
    """A page of communities, whether another follows, and how many there are in all."""

    rows: list[Community]
    number: int
    has_next: bool
    count: int


def search_directory(search: Search, *, day: date) -> CommunityQuerySet:
    """The listed communities that fit, by name, with the practices that they are for."""
    rows = listed_communities(day).filter(_of_kind(search), _for_whom(search))
    if search.condition_keys:
        rows = rows.filter(pk__in=for_condition(Q(condition_id__in=_with_broader(search))))
    if search.is_everywhere:
        rows = rows.filter(pk__in=serving(Q(area__place="nation:UK")))
    if search.place:
        rows = rows.filter(_serves(search.place, search.practice_ods))
    for word in search.text.replace("\x00", "").split()[:_MOST_WORDS]:
        rows = rows.filter(
            Q(name__icontains=word)
            | Q(summary__icontains=word)
            | Q(host__name__icontains=word)
            | Q(pk__in=for_condition(Q(condition__label__icontains=word)))
        )
    return rows.prefetch_related("practices").order_by("name", "pk")


def page_of(rows: CommunityQuerySet, number: int = 1) -> Page:
    """One page, counted from 1; a page that is not there is empty."""
    begin = (max(1, number) - 1) * PAGE_SIZE
    found = list(rows[begin : begin + PAGE_SIZE + 1])
    return Page(found[:PAGE_SIZE], max(1, number), len(found) > PAGE_SIZE, rows.count())


def listed_community(key: str, *, day: date) -> Community | None:
    """A community that anybody may be shown, by the key of its address."""
    return listed_communities(day).filter(key=key).first()


def communities_of_host(actor: Actor) -> CommunityQuerySet:
    """The communities of the host that a coordinator acts for, in whatever state, by name; for others none."""
    if not has_role(actor, Role.COMMUNITY_COORDINATOR):
        return Community.objects.none()
    own = Community.objects.filter(host_id=actor.organisation_id)
    return own.select_related("host").order_by("name", "pk")


def review_queue(actor: Actor) -> QuerySet[Revision]:
    """The proposals that wait for a reviewer; for others none. ``sign_offs`` says who has signed.

    First those of which something counts already, then the oldest.
    """
    if not any(has_role(actor, role) for role in _REVIEWERS):
        return Revision.objects.none()
    waiting = Revision.objects.filter(state=RevisionState.PROPOSED)
    return (
        waiting.select_related("community__host", "proposed_by")
        .prefetch_related("sign_offs")
        .order_by(Case(When(at_once=[], then=1), default=0), "proposed_at", "pk")
    )


def reviews_due(actor: Actor, *, day: date) -> CommunityQuerySet:
    """Listed communities whose review is overdue or due within 60 days, the first due first.

    All of them for reviewers, the host's own for its coordinators, none for others.
    """
    due = Community.objects.filter(listing=Listing.LISTED, review_due__lte=day + DUE_SOON)
    if not any(has_role(actor, role) for role in _REVIEWERS):
        due = due.filter(pk__in=communities_of_host(actor).values("pk"))
    return due.select_related("host").order_by("review_due", "pk")


def community_shown_to(actor: Actor | None, community_id: UUID, *, day: date) -> Community | None:
    """A community that somebody may see: a listed one anybody; any its host's coordinators, and reviewers."""
    listed = listed_communities(day).filter(pk=community_id).first()
    if listed or actor is None:
        return listed
    if any(has_role(actor, role) for role in _REVIEWERS):
        return Community.objects.select_related("host").filter(pk=community_id).first()
    return communities_of_host(actor).filter(pk=community_id).first()


def communities_for_review(actor: Actor) -> CommunityQuerySet:
    """All communities, in whatever state, by name, for reviewers; for others none."""
    if not any(has_role(actor, role) for role in _REVIEWERS):
        return Community.objects.none()
    return Community.objects.select_related("host").order_by("name", "pk")


def _of_kind(search: Search) -> Q:
    """What a community is like."""
    kind = Q()
    if search.tiers:
        tiers = Q()
        for tier in search.tiers:
            tiers |= is_of_tier(tier)
        kind &= tiers
    if search.covers:
        kind &= Q(cover__in=[cover.value for cover in search.covers])
    if search.is_anonymous:
        kind &= Q(anonymity=Anonymity.PSEUDONYM_ALLOWED)
    if search.is_members_only:
        kind &= Q(search_visibility=SearchVisibility.MEMBERS_ONLY)
    if search.is_free:
        kind &= Q(cost="free")
    return kind


def _for_whom(search: Search) -> Q:
    """Whom a community is for."""
    whom = Q()
    if search.language:
        whom &= naming("languages", search.language.partition("-")[0].lower().replace("\x00", ""))
    if search.audience:
        whom &= naming("audience", search.audience)
    if search.sex:
        whom &= Q(sex__in=[Sex.ANY, search.sex])
    if search.age is not None:
        old_enough = Q(min_age__lte=search.age)
        if search.age >= _ADULT:
            old_enough |= Q(min_age__isnull=True)
        whom &= old_enough & (Q(max_age__gte=search.age) | Q(max_age__isnull=True))
    return whom


def _with_broader(search: Search) -> set[str]:
    broader = Condition.objects.filter(key__in=search.condition_keys).exclude(broader="")
    return {*search.condition_keys, *broader.values_list("broader", flat=True)}


def _serves(place: Place, practice_ods: str) -> Q:
    """Communities that serve a place."""
    named = {"nation": place.nation, "icb": place.icb_ods, "lad": place.lad_code}
    areas = ["nation:UK", *(f"{kind}:{code}" for kind, code in named.items() if code)]
    serves = Q(pk__in=serving(Q(area__place__in=areas)))
    if practice_ods:
        pairs = Community.practices.through.objects.filter(organisation__ods_code=practice_ods)
        serves |= Q(pk__in=pairs.values("community_id"))
    if place.latitude is not None and place.longitude is not None:
        serves |= _around(place.latitude, place.longitude)
    return serves


def _around(latitude: float, longitude: float) -> Q:
    """Communities whose circle holds a point, by the haversine formula."""
    north = F("radius_km") / _KM_NORTH
    east = F("radius_km") / _KM_EAST
    half_north = Radians(F("centre_latitude") - latitude) / 2.0
    half_east = Radians(F("centre_longitude") - longitude) / 2.0
    chord = Sin(half_north) * Sin(half_north) + Cos(Radians(F("centre_latitude"))) * Cos(
        Radians(latitude)
    ) * Sin(half_east) * Sin(half_east)
    distance = ASin(Sqrt(Least(1.0, chord, output_field=FloatField()))) * (2 * _EARTH_KM)
    return Q(
        centre_latitude__gte=latitude - north,
        centre_latitude__lte=latitude + north,
        centre_longitude__gte=longitude - east,
        centre_longitude__lte=longitude + east,
        radius_km__gte=distance,
    )
