"""Reads over the directory: conditions by code, communities, and whom each is for."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Case, CharField, F, Q, QuerySet, UUIDField, When
from django.db.models.functions import Cast

from accounts.actors import Actor
from accounts.models import Organisation
from accounts.selectors import own_organisations
from communities.models import (
    Area,
    Community,
    CommunityQuerySet,
    Condition,
    ConditionCode,
    Descent,
)
from communities.models.tier_column import UNNAMED_HOST
from communities.tiers import (
    Cover,
    ModeratedBy,
    Moderation,
    ModerationModel,
    SearchVisibility,
)
from communities.value_sets import Kind

_SCTID = re.compile("[1-9][0-9]{5,17}")


def conditions_by_code(snomed_codes: Iterable[str]) -> list[Condition]:
    """The conditions that these SNOMED CT codes stand for and, with a release imported, the concepts above them.

    What was found above them is left out where it is broader than another condition that was found.
    """
    codes = set(snomed_codes)
    above = _above(codes).annotate(code=Cast("ancestor", CharField()))
    rows = (
        ConditionCode.objects.filter(
            Q(snomed_code__in=codes) | Q(snomed_code__in=above.values("code"))
        )
        .select_related("condition")
        .order_by("condition_id")
    )
    found = {row.condition_id: row.condition for row in rows}
    named = {row.condition_id for row in rows if row.snomed_code in codes}
    broader = {condition.broader for condition in found.values()}
    return [found[key] for key in found if key in named or key not in broader]


def falls_under(snomed_codes: Iterable[str], concepts: frozenset[str]) -> bool:
    """Whether a SNOMED CT code is one of these concepts or, with a release imported, below one."""
    codes = set(snomed_codes)
    above = _above(codes).filter(ancestor__in=map(int, concepts))
    return not concepts.isdisjoint(codes) or above.exists()


def _above(snomed_codes: Iterable[str]) -> QuerySet[Descent]:
    below = [int(code) for code in snomed_codes if _SCTID.fullmatch(code)]
    return Descent.objects.filter(descendant__in=below)


def conditions_named(keys: Iterable[str]) -> list[Condition]:
    """The conditions with these keys."""
    return list(Condition.objects.filter(key__in=list(keys)).order_by("key"))


def listed_communities(day: date) -> CommunityQuerySet:
    """Every listed community with all that is known of it; ``provider_id`` is its host, if one is named."""
    named = When(host__name=UNNAMED_HOST, then=None)
    return (
        Community.objects.listed_on(day)
        .select_related("host", "capacity")
        .prefetch_related("conditions__codes", "areas")
        .annotate(provider_id=Case(named, default=F("host_id"), output_field=UUIDField(null=True)))
    )


def serving(area: Q) -> QuerySet[Any, Any]:
    """The ids of communities that serve an area; ``area`` looks from the pair of the two."""
    return Community.areas.through.objects.filter(area).values("community_id")


def for_condition(condition: Q) -> QuerySet[Any, Any]:
    """The ids of communities for a condition; ``condition`` looks from the pair of the two."""
    return Community.conditions.through.objects.filter(condition).values("community_id")


def naming(column: str, word: str) -> Q:
    """Communities whose list in ``column``, such as their audience, has this code, which is one of a value set."""
    # The list as the text that it is stored as: the one way to ask that both databases know.
    return Q(**{f"{column}__icontains": f'"{word}"'})


def areas() -> QuerySet[Area]:
    """Every area that a community can be for."""
    return Area.objects.all()


def organisations_shown_to(actor: Actor, day: date) -> QuerySet[Organisation]:
    """The hosts of listed communities, the organisation that asks, and the ICB above it."""
    own = own_organisations(actor).values("pk")
    return Organisation.objects.filter(Q(pk__in=listed_hosts(day).values("pk")) | Q(pk__in=own))


def listed_hosts(day: date) -> QuerySet[Organisation]:
    """The named hosts of listed communities."""
    hosts = Community.objects.listed_on(day).exclude(host__name=UNNAMED_HOST).values("host_id")
    return Organisation.objects.filter(pk__in=hosts)


def moderation_of(community: Community) -> Moderation:
    """What the listing states about its moderation."""
    return Moderation(
        moderated_by=ModeratedBy(community.moderated_by),
        model=ModerationModel(community.moderation_model),
        cover=Cover(community.cover),
        search_visibility=SearchVisibility(community.search_visibility),
        has_named_host=community.host.name != UNNAMED_HOST,
        has_published_hours=bool(community.hours_text),
        is_public_social_group=community.kind == Kind.PUBLIC_SOCIAL_GROUP,
        has_stated_training=bool(community.moderator_training),
        has_stated_first_response=community.first_response_minutes is not None,
        has_crisis_policy=bool(community.crisis_policy),
        has_escalation_role=bool(community.escalation_role),
        is_supervised=bool(community.supervision),
        review_due=community.review_due,
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
