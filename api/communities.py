"""``GET /api/communities/`` and ``/api/communities/<key>/``: the public directory, as its pages show it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.events import ErrorSchema
from api.throttling import Counted
from communities.capacity import capacity_of
from communities.directory import PAGE_SIZE, listed_community, page_of, search_directory
from communities.hours import is_covered, next_cover
from communities.models import CapacityState, Community
from communities.models.tier_column import UNNAMED_HOST
from communities.places import outcode_of
from communities.searching import FLAGS, PARAMETERS, SearchRefused, read_search
from communities.selectors import moderation_of
from communities.tiers import Cover, Tier, tier_of
from communities.value_sets import Audience
from integrations.fhir.outcome import Refused, unprocessable

_FACTS = (
    ("name", "summary", "url", "kind", "format", "state", "audience", "min_age", "max_age", "sex")
    + ("readiness", "languages", "accessibility", "cost", "access", "anonymity")
    + ("search_visibility", "can_look_first", "has_in_person", "device_need", "data_need")
    + ("data_controller", "data_country", "evidence_citation", "evidence_on", "is_fictional")
)
_MODERATION = (
    ("staffed_by", "moderated_by", "moderation_model", "cover", "hours_text", "time_zone")
    + ("first_response_minutes", "first_response_p90_minutes", "moderator_training")
    + ("supervision", "escalation_role", "crisis_policy", "self_harm_policy")
    + ("misinformation_policy", "under_age_policy", "osa_assessed_on")
)


class AreaSchema(serializers.Serializer[None]):
    """An area that a community serves: ``nation:…``, ``icb:`` and an ODS code, or ``lad:`` and an ONS code."""

    place = serializers.CharField()
    name = serializers.CharField()


class PlacesSchema(serializers.Serializer[None]):
    """Whether there is room, as the host has stated it; ``unknown`` when it is too long ago."""

    state = serializers.ChoiceField(CapacityState.values)
    stated_on = serializers.DateField()
    fresh_until = serializers.DateField()


class ReviewSchema(serializers.Serializer[None]):
    """When somebody checked what is stated, who, and until when that counts."""

    reviewed_on = serializers.DateField()
    reviewed_by = serializers.CharField()
    review_due = serializers.DateField()


class CommunitySchema(serializers.Serializer[None]):
    """A community in a list. ``tier`` D is signposted only, U is not known: nobody is referred to either."""

    key = serializers.CharField()
    address = serializers.URLField()
    name = serializers.CharField()
    summary = serializers.CharField()
    host = serializers.CharField(allow_null=True)
    conditions = serializers.ListField(child=serializers.CharField())
    tier = serializers.ChoiceField(list(Tier))
    cover = serializers.ChoiceField(list(Cover))
    is_somebody_there = serializers.BooleanField(allow_null=True)
    next_cover_at = serializers.DateTimeField(allow_null=True)
    capacity = PlacesSchema(allow_null=True)
    is_fictional = serializers.BooleanField()


class PageSchema(serializers.Serializer[None]):
    """A page of the directory, by name. ``next``: the address of the page that follows."""

    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    communities = CommunitySchema(many=True)


class SpanSchema(serializers.Serializer[None]):
    """When moderators are there: a weekday (1 Monday … 7 Sunday) and two times on the clock of ``time_zone``."""

    weekday = serializers.IntegerField(min_value=1, max_value=7)
    begin = serializers.CharField()
    end = serializers.CharField()


class ModerationSchema(serializers.Serializer[None]):
    """How it is moderated. Codes: docs/directory-data.md; an empty text is not stated."""

    tier = serializers.ChoiceField(list(Tier))
    hours = SpanSchema(many=True)
    is_somebody_there = serializers.BooleanField(allow_null=True)
    next_cover_at = serializers.DateTimeField(allow_null=True)
    staffed_by = serializers.CharField()
    moderated_by = serializers.CharField()
    moderation_model = serializers.CharField()
    cover = serializers.ChoiceField(list(Cover))
    hours_text = serializers.CharField()
    time_zone = serializers.CharField()
    first_response_minutes = serializers.IntegerField(allow_null=True)
    first_response_p90_minutes = serializers.IntegerField(allow_null=True)
    moderator_training = serializers.CharField()
    supervision = serializers.CharField()
    escalation_role = serializers.CharField()
    crisis_policy = serializers.CharField()
    self_harm_policy = serializers.CharField()
    misinformation_policy = serializers.CharField()
    under_age_policy = serializers.CharField()
    osa_assessed_on = serializers.DateField(allow_null=True)


class CommunityDetailSchema(serializers.Serializer[None]):
    """Everything that is known of a community. Codes: docs/directory-data.md; nothing is guessed."""

    key = serializers.CharField()
    address = serializers.URLField()
    host = serializers.CharField(allow_null=True)
    conditions = serializers.ListField(child=serializers.CharField())
    areas = AreaSchema(many=True)
    radius_km = serializers.IntegerField(allow_null=True)
    moderation = ModerationSchema()
    capacity = PlacesSchema(allow_null=True)
    review = ReviewSchema()
    name = serializers.CharField()
    summary = serializers.CharField()
    url = serializers.CharField()
    kind = serializers.CharField()
    format = serializers.CharField()
    state = serializers.CharField()
    audience = serializers.ListField(child=serializers.ChoiceField(list(Audience)))
    min_age = serializers.IntegerField(allow_null=True)
    max_age = serializers.IntegerField(allow_null=True)
    sex = serializers.CharField()
    readiness = serializers.ListField(child=serializers.CharField())
    languages = serializers.ListField(child=serializers.CharField())
    accessibility = serializers.ListField(child=serializers.CharField())
    cost = serializers.CharField()
    access = serializers.CharField()
    anonymity = serializers.CharField()
    search_visibility = serializers.CharField()
    can_look_first = serializers.BooleanField(allow_null=True)
    has_in_person = serializers.BooleanField(allow_null=True)
    device_need = serializers.CharField()
    data_need = serializers.CharField()
    data_controller = serializers.CharField()
    data_country = serializers.CharField()
    evidence_citation = serializers.CharField()
    evidence_on = serializers.DateField(allow_null=True)
    is_fictional = serializers.BooleanField()


_SEARCH = [
    OpenApiParameter(
        "condition", str, many=True, description="A key of /api/conditions; any of several"
    ),
    OpenApiParameter(
        "place",
        str,
        description="The first half of a postcode (E8) or an area (nation:Wales, icb:QMF, lad:E09000012)."
        " A whole postcode is refused: addresses are kept by many.",
    ),
    OpenApiParameter("audience", str, enum=list(Audience)),
    OpenApiParameter("cover", str, many=True, enum=list(Cover)),
    OpenApiParameter("tier", str, many=True, enum=list(Tier)),
    OpenApiParameter("language", str, description="A language tag, such as bn"),
    *(OpenApiParameter(name, str, enum=["1"]) for name in FLAGS),
    OpenApiParameter(
        "text",
        str,
        description="Words in its name, its summary, its host's name or a condition",
    ),
    OpenApiParameter("page", int, description="From 1"),
]


class Communities(Counted):
    """The listed communities that fit."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="communities_search",
        tags=["Communities"],
        parameters=_SEARCH,
        responses={200: PageSchema, 422: ErrorSchema, 429: ErrorSchema},
    )
    def get(self, request: Request) -> Response:
        """Look through the directory."""
        now, given = timezone.now(), dict(request.query_params.lists())
        if unknown := sorted(set(given) - set(PARAMETERS)):
            known = ", ".join(PARAMETERS)
            raise _refused({unknown[0][:40]: f"Not known. Known: {known}."})
        place = given.get("place", [""])[0].replace(" ", "")
        if len(outcode_of(place)) not in (0, len(place)):
            raise _refused({"place": "Give only the first half of a postcode."})
        try:
            search, number = read_search(given)
        except SearchRefused as refused:
            raise _refused(refused.errors) from refused
        page = page_of(search_directory(search, day=localdate(now)), number)
        pairs = [(name, each) for name in given if name != "page" for each in given[name]]
        query = urlencode([*pairs, ("page", page.number + 1)])
        return Response(
            {
                "page": page.number,
                "page_size": PAGE_SIZE,
                "next": f"{_absolute(reverse('api-communities'))}?{query}"
                if page.has_next
                else None,
                "communities": [_in_list(row, now) for row in page.rows],
            }
        )


class CommunityDetail(Counted):
    """One listed community."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="communities_read",
        tags=["Communities"],
        responses={200: CommunityDetailSchema, 404: ErrorSchema, 429: ErrorSchema},
    )
    def get(self, request: Request, key: str) -> Response:
        """All that is known of a community: who runs and moderates it, when, and what nobody has stated."""
        del request
        now = timezone.now()
        community = listed_community(key, day=localdate(now))
        if community is None:
            raise Http404
        return Response(_in_full(community, now))


def _refused(errors: dict[str, str]) -> Refused:
    return Refused(
        422, [unprocessable("value", f"{name}: {text}") for name, text in errors.items()]
    )


def _in_list(community: Community, now: datetime) -> dict[str, Any]:
    return {
        **_head(community),
        "name": community.name,
        "summary": community.summary,
        "tier": _tier(community, now),
        "cover": community.cover,
        **_who_is_there(community, now),
        "capacity": _places(community, now),
        "is_fictional": community.is_fictional,
    }


def _in_full(community: Community, now: datetime) -> dict[str, Any]:
    hours = community.moderator_hours
    return {
        **_head(community),
        "areas": [{"place": area.place, "name": area.name} for area in community.areas.all()],
        "radius_km": community.radius_km,
        **{name: getattr(community, name) for name in _FACTS},
        "moderation": {
            "tier": _tier(community, now),
            "hours": [{"weekday": day, "begin": begin, "end": end} for day, begin, end in hours],
            **_who_is_there(community, now),
            **{name: getattr(community, name) for name in _MODERATION},
        },
        "capacity": _places(community, now),
        "review": {
            name: getattr(community, name) for name in ("reviewed_on", "reviewed_by", "review_due")
        },
    }


def _head(community: Community) -> dict[str, Any]:
    host = community.host.name
    return {
        "key": community.key,
        "address": _absolute(reverse("api-community", kwargs={"key": community.key})),
        "host": None if host == UNNAMED_HOST else host,
        "conditions": sorted(condition.key for condition in community.conditions.all()),
    }


def _tier(community: Community, now: datetime) -> Tier:
    return tier_of(moderation_of(community), on=localdate(now))


def _who_is_there(community: Community, now: datetime) -> dict[str, Any]:
    """Whether a moderator is there and, if not, from when on; None where no calendar says so."""
    hours, zone = community.moderator_hours, community.time_zone
    is_there = is_covered(hours, zone, now) if hours else None
    coming = next_cover(hours, zone, now) if is_there is False else None
    return {"is_somebody_there": is_there, "next_cover_at": coming}


def _places(community: Community, now: datetime) -> dict[str, Any] | None:
    stated = capacity_of(community)
    if stated is None:
        return None
    return {
        "state": stated.state(localdate(now)),
        "stated_on": stated.stated_on,
        "fresh_until": stated.fresh_until,
    }


def _absolute(path: str) -> str:
    return settings.PUBLIC_BASE_URL + path
