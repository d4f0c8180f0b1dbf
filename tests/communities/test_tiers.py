"""The moderation tier follows from stated facts, and an unstated fact never raises it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities.tiers import (
    Cover,
    ModeratedBy,
    Moderation,
    ModerationModel,
    SearchVisibility,
    Tier,
    tier_of,
)

BEST = Moderation(
    moderated_by=ModeratedBy.PROFESSIONAL,
    model=ModerationModel.PRE,
    cover=Cover.ALL_HOURS,
    search_visibility=SearchVisibility.MEMBERS_ONLY,
    has_named_host=True,
    has_published_hours=True,
)
DAILY = replace(BEST, moderated_by=ModeratedBy.STAFF, cover=Cover.DAILY)
MODERATIONS = st.builds(Moderation)
ORDER = [Tier.A, Tier.B, Tier.C, Tier.D]


def test_professionals_round_the_clock_who_see_every_post_of_a_closed_community_make_tier_a() -> (
    None
):
    assert tier_of(BEST) is Tier.A
    assert tier_of(replace(BEST, model=ModerationModel.POST)) is Tier.A


@pytest.mark.parametrize(
    "weaker",
    [
        replace(BEST, moderated_by=ModeratedBy.STAFF),
        replace(BEST, cover=Cover.DAILY),
        replace(BEST, model=ModerationModel.REACTIVE),
        replace(BEST, model=ModerationModel.MIXED),
        replace(BEST, model=ModerationModel.UNKNOWN),
    ],
)
def test_one_fact_short_of_tier_a_is_tier_b(weaker: Moderation) -> None:
    assert tier_of(weaker) is Tier.B


@pytest.mark.parametrize(
    "moderated_by",
    [ModeratedBy.PROFESSIONAL, ModeratedBy.STAFF, ModeratedBy.TRAINED_VOLUNTEER],
)
def test_trained_moderators_every_day_at_published_hours_make_tier_b(
    moderated_by: ModeratedBy,
) -> None:
    assert tier_of(replace(DAILY, moderated_by=moderated_by)) is Tier.B


@pytest.mark.parametrize(
    "weaker",
    [
        replace(DAILY, moderated_by=ModeratedBy.PEER),
        replace(DAILY, moderated_by=ModeratedBy.UNSPECIFIED),
        replace(DAILY, cover=Cover.WEEKDAYS),
        replace(DAILY, cover=Cover.SESSIONS),
        replace(DAILY, cover=Cover.UNKNOWN),
        replace(DAILY, has_published_hours=False),
        replace(DAILY, search_visibility=SearchVisibility.PUBLIC),
        replace(DAILY, search_visibility=SearchVisibility.UNKNOWN),
    ],
)
def test_one_fact_short_of_tier_b_is_tier_c(weaker: Moderation) -> None:
    assert tier_of(weaker) is Tier.C


@pytest.mark.parametrize(
    "moderation",
    [
        replace(BEST, has_named_host=False),
        replace(BEST, moderated_by=ModeratedBy.NOBODY),
        replace(BEST, is_public_social_group=True),
        replace(BEST, is_public_social_group=True, moderated_by=ModeratedBy.UNKNOWN),
    ],
)
def test_nobody_to_answer_for_it_makes_a_signpost(moderation: Moderation) -> None:
    assert tier_of(moderation) is Tier.D


@given(MODERATIONS)
def test_unknown_moderation_is_never_offered(moderation: Moderation) -> None:
    unknown = replace(moderation, moderated_by=ModeratedBy.UNKNOWN)

    assert tier_of(unknown) in {Tier.U, Tier.D}


@given(MODERATIONS)
def test_forgetting_a_fact_never_raises_the_tier(moderation: Moderation) -> None:
    before = tier_of(moderation)
    forgotten = [
        replace(moderation, moderated_by=ModeratedBy.UNKNOWN),
        replace(moderation, model=ModerationModel.UNKNOWN),
        replace(moderation, cover=Cover.UNKNOWN),
        replace(moderation, search_visibility=SearchVisibility.UNKNOWN),
        replace(moderation, has_named_host=False),
        replace(moderation, has_published_hours=False),
    ]

    for poorer in forgotten:
        after = tier_of(poorer)
        assert after is Tier.U or before is Tier.U or ORDER.index(after) >= ORDER.index(before)
