"""What a person may wish for or need beside a condition: each wish alone, and what may never happen."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from communities.matching import facts
from communities.matching.candidate import Candidate, Circle
from communities.matching.need import MEANINGS, Need, Preference
from communities.matching.ranking import Eligible, judge, rank
from communities.matching.rules import ASSESSMENT, FULL, WAITING_LIST
from communities.matching.sentences import sentence
from communities.models import CapacityState
from communities.tiers import Cover, Tier
from tests.communities.test_matching_rules import (
    CANDIDATES,
    CIRCLES,
    DIRECTORIES,
    FORUM,
    NEED,
    NEEDS,
    PEOPLE,
    codes_against,
    order,
)

AWAY = replace(NEED, is_elsewhere=True)
AT_RISK = replace(NEED, is_at_risk=True)
NEAR_ONLY = replace(FORUM, coverage=frozenset({"none"}), circle=Circle(51.5, 0.0, 20))


def said(need: Need, candidate: Candidate) -> dict[str, str]:
    """Code and sentence of all that is said of a community that may be offered."""
    verdict = judge(need, candidate)
    assert isinstance(verdict, Eligible)
    return {
        reason.code: sentence(reason, PEOPLE)
        for reason in (*verdict.reasons, *verdict.worth_knowing)
    }


# Where


def test_who_lives_inside_the_circle_is_served_and_told_so() -> None:
    assert said(NEED, NEAR_ONLY)["place"] == "For people who live not far from it"


@pytest.mark.parametrize(("km", "is_served"), [(343, False), (344, True)])
def test_the_circle_is_measured_on_the_sphere(km: int, *, is_served: bool) -> None:
    """London to Paris, between the points 51.5074 N 0.1278 W and 48.8566 N 2.3522 E, is 343.6 km."""
    circle = Circle(48.8566, 2.3522, km)

    assert circle.holds(51.5074, -0.1278) is is_served


def test_whoever_has_no_known_place_is_in_no_circle() -> None:
    assert codes_against(replace(NEED, latitude=None, longitude=None), NEAR_ONLY) == ["other_area"]


def test_patients_of_a_practice_that_has_paid_are_served() -> None:
    paid = replace(FORUM, coverage=frozenset({"practice:F84003"}))

    assert said(NEED, paid)["place"] == "For patients of your GP practice"
    assert codes_against(replace(NEED, practice_ods="F84004"), paid) == ["other_area"]


@pytest.mark.parametrize(
    "near",
    [
        NEAR_ONLY,
        replace(FORUM, coverage=frozenset({"lad:E09000025"})),
        replace(FORUM, coverage=frozenset({"practice:F84003"})),
    ],
    ids=["circle", "authority", "practice"],
)
def test_not_near_me_leaves_out_what_is_for_neighbours_only(near: Candidate) -> None:
    assert codes_against(NEED, near) == []
    assert codes_against(AWAY, near) == ["neighbours_only"]


def test_not_near_me_puts_the_whole_country_before_the_own_area() -> None:
    country = replace(FORUM, community_id="country")
    area = replace(FORUM, community_id="area", coverage=frozenset({"icb:QMF"}))

    assert order(NEED, country, area) == ["area", "country"]
    assert order(AWAY, country, area) == ["country", "area"]


def test_what_serves_neighbours_and_the_whole_country_is_for_those_who_wish_for_strangers_too() -> (
    None
):
    both = replace(FORUM, coverage=frozenset({"lad:E09000025", "nation:UK"}))

    assert said(AWAY, both)["place"] == "Open to people anywhere in the UK"


# Risk


@pytest.mark.parametrize(
    ("candidate", "codes"),
    [
        (replace(FORUM, tier=Tier.A, cover=Cover.ALL_HOURS), []),
        (replace(FORUM, tier=Tier.B, cover=Cover.DAILY), []),
        (replace(FORUM, tier=Tier.C), ["tier_too_low_for_risk"]),
        (replace(FORUM, tier=Tier.B, cover=Cover.WEEKDAYS), ["cover_too_thin_for_risk"]),
        (replace(FORUM, tier=Tier.B, cover=Cover.UNKNOWN), ["cover_too_thin_for_risk"]),
        (replace(FORUM, tier=Tier.D), ["signpost_only"]),
    ],
)
def test_a_known_risk_asks_for_tier_a_or_b_with_moderators_every_day(
    candidate: Candidate, codes: list[str]
) -> None:
    assert codes_against(AT_RISK, candidate) == codes


# Room


def test_the_states_of_capacity_are_those_of_the_directory() -> None:
    assert {FULL, WAITING_LIST, ASSESSMENT} == {
        CapacityState.NO_CAPACITY,
        CapacityState.WAITLIST,
        CapacityState.ASSESSMENT,
    }


def test_a_community_with_a_waiting_list_comes_after_one_of_its_tier_that_has_room() -> None:
    waiting = replace(FORUM, community_id="a", capacity=WAITING_LIST, languages=frozenset({"en"}))
    first_talk = replace(FORUM, community_id="b", capacity=ASSESSMENT)
    room = replace(FORUM, community_id="c", languages=frozenset({"bn"}))

    assert order(NEED, waiting, first_talk, room) == ["c", "b", "a"]
    assert "waiting list" in said(NEED, waiting)["waiting_list"]
    assert "assessment" in said(NEED, first_talk)


# Access, hours, stage, names


def test_whoever_needs_captions_comes_to_where_there_are_some_and_is_told_where_nobody_knows() -> (
    None
):
    deaf = replace(NEED, access_needs=frozenset({"captions"}))
    known = replace(FORUM, community_id="z", meets=frozenset({"captions"}))

    assert order(deaf, FORUM, known) == ["z", "f1"]
    assert said(deaf, known)["meets"] == "Has captions"
    assert said(deaf, FORUM)["may_not_meet"] == "We do not know whether it has captions"


def test_company_at_night_is_looked_for_where_there_are_moderators_at_night() -> None:
    awake = replace(NEED, hours=frozenset({"nights"}))
    night = replace(FORUM, community_id="z", covered_hours=frozenset({"nights"}))

    assert order(awake, FORUM, night) == ["z", "f1"]
    assert said(awake, night)["hours"] == "Moderators are there at night"
    assert "hours" not in said(awake, replace(night, cover=Cover.ALL_HOURS))  # said already
    assert said(awake, FORUM)["nobody_then"] == "There may be no moderator at night"


@pytest.mark.parametrize(
    ("stage", "stages", "codes"),
    [
        ("action", {"preparation", "action"}, []),
        ("contemplation", {"action"}, ["other_stage"]),
        ("contemplation", set(), []),
        ("", {"action"}, []),
    ],
)
def test_a_group_for_one_stage_of_change_takes_nobody_of_another(
    stage: str, stages: set[str], codes: list[str]
) -> None:
    group = replace(FORUM, stages=frozenset(stages))

    assert codes_against(replace(NEED, stage=stage), group) == codes


def test_that_a_group_is_for_one_stage_is_said_where_the_stage_is_not_known() -> None:
    assert "stage_matters" in said(NEED, replace(FORUM, stages=frozenset({"action"})))


def test_whoever_wants_no_real_name_is_not_sent_where_one_is_needed() -> None:
    shy = replace(NEED, is_anonymous=True)

    assert codes_against(shy, replace(FORUM, anonymity="real_name")) == ["real_name_needed"]
    assert "anonymity" in said(shy, replace(FORUM, anonymity="unknown"))
    assert codes_against(NEED, replace(FORUM, anonymity="real_name")) == []


def test_that_software_answers_too_is_said() -> None:
    assert "computer" in said(NEED, replace(FORUM, staffed_by="both"))["partly_automated"]


def test_that_one_can_look_around_first_is_said() -> None:
    assert "look_first" in said(NEED, replace(FORUM, can_look_first=True))


def test_every_preference_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Preference)


# Whatever is asked, of whatever directory


@given(NEEDS, DIRECTORIES)
def test_nobody_at_risk_is_sent_where_moderation_is_thin(
    need: Need, directory: list[Candidate]
) -> None:
    by_id = {each.community_id: each for each in directory}

    for offer in rank(replace(need, is_at_risk=True), directory).offers:
        candidate = by_id[offer.community_id]
        assert candidate.tier in {Tier.A, Tier.B}
        assert candidate.cover in {Cover.ALL_HOURS, Cover.DAILY}


@given(NEEDS, DIRECTORIES)
def test_what_is_full_or_run_by_software_is_never_offered(
    need: Need, directory: list[Candidate]
) -> None:
    by_id = {each.community_id: each for each in directory}
    offered = [by_id[offer.community_id] for offer in rank(need, directory).offers]

    assert not [each for each in offered if each.capacity == FULL or each.staffed_by == "software"]


@given(NEEDS, DIRECTORIES)
def test_nothing_of_a_higher_tier_stands_behind_a_lower_one_nor_room_behind_a_waiting_list(
    need: Need, directory: list[Candidate]
) -> None:
    by_id = {each.community_id: each for each in directory}
    offered = [by_id[offer.community_id] for offer in rank(need, directory).offers]
    places = [
        (not each.condition_keys & need.exact_keys, each.tier, each.capacity == WAITING_LIST)
        for each in offered
    ]

    assert places == sorted(places)


@given(NEEDS, DIRECTORIES, CANDIDATES)
def test_one_more_community_never_changes_the_order_of_the_others(
    need: Need, directory: list[Candidate], newcomer: Candidate
) -> None:
    assume(newcomer.community_id not in {each.community_id for each in directory})
    before = [offer.community_id for offer in rank(need, directory).offers]
    after = [offer.community_id for offer in rank(need, [*directory, newcomer]).offers]

    assert [each for each in after if each != newcomer.community_id] == before


BETTER = st.sampled_from(
    [
        {"tier": Tier.A},
        {"cover": Cover.ALL_HOURS, "covered_hours": frozenset({"nights", "evenings", "weekends"})},
        {"confidence": "high"},
        {"anonymity": "pseudonym_allowed"},
        {"capacity": "capacity"},
        {"languages": frozenset({"en", "bn", "ur"})},
    ]
)


@given(NEEDS, st.lists(CANDIDATES, min_size=1, max_size=8), BETTER)
def test_a_community_that_becomes_better_never_comes_later(
    need: Need, directory: list[Candidate], better: dict[str, Any]
) -> None:
    one, *others = directory
    assume(one.community_id not in {each.community_id for each in others})
    before = order(need, one, *others)
    after = order(need, replace(one, **better), *others)

    if one.community_id in before:
        assert after.index(one.community_id) <= before.index(one.community_id)


@given(NEEDS, CANDIDATES, CIRCLES)
def test_being_further_from_an_online_community_never_bars_anybody_it_serves_by_nation(
    need: Need, candidate: Candidate, circle: Circle
) -> None:
    nationwide = replace(candidate, coverage=frozenset({"nation:UK"}))

    assert codes_against(need, replace(nationwide, circle=circle)) == codes_against(
        need, replace(nationwide, circle=None)
    )


@given(NEEDS, CANDIDATES)
def test_needs_and_facts_are_read_back_as_they_were_written(
    need: Need, candidate: Candidate
) -> None:
    assert facts.read(Need, facts.written(need)) == need
    assert facts.read(Candidate, facts.written(candidate)) == candidate
    assert facts.digest(facts.written(candidate)) == facts.digest(
        facts.written(facts.read(Candidate, facts.written(candidate)))
    )
