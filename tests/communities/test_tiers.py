"""The moderation tier follows from stated facts on a day, and an unstated fact never raises it."""

from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Organisation
from communities.models import Community
from communities.selectors import moderation_of
from communities.tiers import (
    Cover,
    Evidence,
    ModeratedBy,
    Moderation,
    ModerationModel,
    SearchVisibility,
    Tier,
    missing_for,
    tier_of,
)
from communities.value_sets import Kind

DAY = date(2026, 11, 22)
BEST = Moderation(
    moderated_by=ModeratedBy.PROFESSIONAL,
    model=ModerationModel.PRE,
    cover=Cover.ALL_HOURS,
    search_visibility=SearchVisibility.MEMBERS_ONLY,
    has_named_host=True,
    has_published_hours=True,
    has_stated_training=True,
    has_stated_first_response=True,
    has_crisis_policy=True,
    has_escalation_role=True,
    is_supervised=True,
    review_due=DAY,
)
DAILY = replace(BEST, moderated_by=ModeratedBy.STAFF, cover=Cover.DAILY)
MODERATIONS = st.builds(Moderation)
ORDER = [Tier.A, Tier.B, Tier.C, Tier.D]


def test_professionals_who_are_supervised_and_see_every_post_day_and_night_make_tier_a() -> None:
    assert tier_of(BEST, on=DAY) is Tier.A
    assert tier_of(replace(BEST, model=ModerationModel.POST), on=DAY) is Tier.A


@pytest.mark.parametrize(
    "weaker",
    [
        replace(BEST, moderated_by=ModeratedBy.STAFF),
        replace(BEST, cover=Cover.DAILY),
        replace(BEST, model=ModerationModel.REACTIVE),
        replace(BEST, model=ModerationModel.MIXED),
        replace(BEST, model=ModerationModel.UNKNOWN),
        replace(BEST, has_escalation_role=False),
        replace(BEST, is_supervised=False),
    ],
)
def test_one_fact_short_of_tier_a_is_tier_b(weaker: Moderation) -> None:
    assert tier_of(weaker, on=DAY) is Tier.B


@pytest.mark.parametrize(
    "moderated_by",
    [ModeratedBy.PROFESSIONAL, ModeratedBy.STAFF, ModeratedBy.TRAINED_VOLUNTEER],
)
def test_trained_moderators_every_day_at_published_hours_make_tier_b(
    moderated_by: ModeratedBy,
) -> None:
    assert tier_of(replace(DAILY, moderated_by=moderated_by), on=DAY) is Tier.B


def test_professionals_are_trained_without_saying_so() -> None:
    assert (
        tier_of(replace(DAILY, moderated_by=ModeratedBy.PROFESSIONAL, has_stated_training=False))
        is Tier.B
    )


@pytest.mark.parametrize(
    "weaker",
    [
        replace(DAILY, moderated_by=ModeratedBy.PEER),
        replace(DAILY, moderated_by=ModeratedBy.UNSPECIFIED),
        replace(DAILY, cover=Cover.WEEKDAYS),
        replace(DAILY, cover=Cover.SESSIONS),
        replace(DAILY, cover=Cover.UNKNOWN),
        replace(DAILY, has_published_hours=False),
        replace(DAILY, has_stated_training=False),
        replace(DAILY, has_stated_first_response=False),
        replace(DAILY, has_crisis_policy=False),
        replace(DAILY, search_visibility=SearchVisibility.PUBLIC),
        replace(DAILY, search_visibility=SearchVisibility.UNKNOWN),
    ],
)
def test_one_fact_short_of_tier_b_is_tier_c(weaker: Moderation) -> None:
    assert tier_of(weaker, on=DAY) is Tier.C


@pytest.mark.parametrize("fact", ["has_crisis_policy", "search_visibility"])
def test_without_a_way_to_crisis_services_or_read_by_anybody_no_professional_makes_more_than_c(
    fact: str,
) -> None:
    worse: dict[str, Any] = {
        "has_crisis_policy": False,
        "search_visibility": SearchVisibility.PUBLIC,
    }

    assert tier_of(replace(BEST, **{fact: worse[fact]}), on=DAY) is Tier.C


@pytest.mark.parametrize(
    "moderation",
    [
        replace(BEST, is_public_social_group=True),
        replace(BEST, moderated_by=ModeratedBy.NOBODY),
        replace(BEST, has_named_host=False),
        replace(BEST, moderated_by=ModeratedBy.NOBODY, has_named_host=False),
    ],
)
def test_nobody_responsible_is_tier_d_whatever_else_is_stated(moderation: Moderation) -> None:
    assert tier_of(moderation, on=DAY) is Tier.D
    assert tier_of(replace(moderation, review_due=None), on=DAY) is Tier.D


@given(MODERATIONS)
def test_unknown_moderation_is_never_good_enough(moderation: Moderation) -> None:
    unknown = replace(moderation, moderated_by=ModeratedBy.UNKNOWN)

    assert tier_of(unknown) in {Tier.U, Tier.D}


@given(MODERATIONS)
def test_a_fact_taken_away_never_raises_the_tier(moderation: Moderation) -> None:
    before = tier_of(moderation)
    facts: dict[str, Any] = {
        "model": ModerationModel.UNKNOWN,
        "cover": Cover.UNKNOWN,
        "search_visibility": SearchVisibility.UNKNOWN,
        "moderated_by": ModeratedBy.UNSPECIFIED,
        **{
            one.name: False for one in fields(Moderation) if one.name.startswith(("has_", "is_sup"))
        },
    }
    if before not in ORDER:
        return

    for name, value in facts.items():
        if name == "moderated_by" and moderation.moderated_by is ModeratedBy.NOBODY:
            continue  # that somebody moderates is more than that nobody does
        after = tier_of(replace(moderation, **{name: value}))

        assert ORDER.index(after) >= ORDER.index(before)


@given(MODERATIONS, st.dates())
def test_a_review_that_has_lapsed_leaves_nothing_to_offer(
    moderation: Moderation, day: date
) -> None:
    lapsed = replace(moderation, review_due=day - timedelta(days=1))
    holds = replace(moderation, review_due=day)

    assert tier_of(lapsed, on=day) in {Tier.D, Tier.U}
    assert tier_of(holds, on=day) is tier_of(moderation)
    assert tier_of(replace(moderation, review_due=None), on=day) in {Tier.D, Tier.U}


@given(MODERATIONS, st.sampled_from([Tier.A, Tier.B, Tier.C]))
def test_nothing_is_missing_exactly_for_the_tiers_that_are_reached(
    moderation: Moderation, tier: Tier
) -> None:
    reached = tier_of(moderation)
    missing = missing_for(moderation, tier)

    if not missing:
        assert reached <= tier
    if reached is tier:
        assert missing == []


def test_what_is_missing_is_named() -> None:
    assert missing_for(DAILY, Tier.A, on=DAY) == [Evidence.PROFESSIONALS, Evidence.ALL_HOURS]
    assert missing_for(DAILY, Tier.B, on=DAY + timedelta(days=1)) == [Evidence.CURRENT_REVIEW]
    assert missing_for(replace(DAILY, has_crisis_policy=False), Tier.B) == [Evidence.CRISIS_POLICY]


def every_combination() -> list[Community]:
    """Communities with every combination of what the tier is worked out from; not saved."""
    hosts = {
        True: Organisation(kind="host", name="Example host"),
        False: Organisation.objects.get(kind="host", name="unknown"),
    }
    hosts[True].save()
    facts = product(
        ModeratedBy,
        (ModerationModel.PRE, ModerationModel.POST, ModerationModel.MIXED),
        (Cover.ALL_HOURS, Cover.DAILY, Cover.WEEKDAYS),
        (SearchVisibility.MEMBERS_ONLY, SearchVisibility.UNKNOWN),
        ("", "Stated"),  # crisis policy
        ("", "Stated"),  # supervision
        ("", "Stated"),  # training and hours
        (True, False),  # named host, time to first answer, role
        (Kind.MODERATED_FORUM, Kind.PUBLIC_SOCIAL_GROUP),
    )
    return [
        Community(
            id=UUID(int=number),
            key=f"t{number}",
            name=f"Example {number}",
            kind=kind,
            moderated_by=moderated_by,
            moderation_model=model,
            cover=cover,
            search_visibility=visibility,
            crisis_policy=crisis,
            supervision=supervision,
            moderator_training=training,
            hours_text=training,
            host=hosts[is_named],
            escalation_role="Lead" if is_named else "",
            first_response_minutes=60 if is_named else None,
        )
        for number, (
            moderated_by,
            model,
            cover,
            visibility,
            crisis,
            supervision,
            training,
            is_named,
            kind,
        ) in enumerate(facts)
    ]


@pytest.mark.django_db
def test_the_database_works_out_the_same_tier_for_every_combination_of_facts() -> None:
    Community.objects.bulk_create(every_combination(), batch_size=500)

    rows = list(Community.objects.select_related("host"))
    slowly = {row.pk: tier_of(moderation_of(row)) for row in rows}
    in_sql = {
        pk: tier
        for tier in Tier
        for pk in Community.objects.of_tier(tier).values_list("pk", flat=True)
    }

    assert set(slowly.values()) == set(Tier)
    assert in_sql == slowly


@pytest.mark.django_db
def test_the_tier_that_the_database_keeps_follows_every_change() -> None:
    Community.objects.filter(key="f001").update(supervision="")

    assert Community.objects.of_tier(Tier.B).filter(key="f001").exists()
    assert not Community.objects.of_tier(Tier.A).filter(key="f001").exists()
