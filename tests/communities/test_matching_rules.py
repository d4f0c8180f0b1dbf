"""Which communities are offered, in what order and why: a test for each rule, and the order."""

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communities.matching.candidate import Candidate, Circle
from communities.matching.need import ACCESS, HOURS, STAGES, Need
from communities.matching.ranking import VERSION, Eligible, judge, rank
from communities.matching.rules import Reason
from communities.matching.sentences import sentence
from communities.matching.weights import WEIGHTS
from communities.tiers import Cover, ModeratedBy, SearchVisibility, Tier

NEED = Need(
    condition_keys=frozenset({"depression"}),
    broader_keys=frozenset({"mental-health-general"}),
    age=34,
    sex="female",
    languages=("en",),
    icb_ods="QMF",
    lad_code="E09000025",
    nation="England",
    practice_ods="F84003",
    latitude=51.53,
    longitude=0.04,
)
FORUM = Candidate(
    community_id="f1",
    name="Example Forum (fictional)",
    kind="moderated_forum",
    condition_keys=frozenset({"depression"}),
    audience=frozenset({"patients"}),
    tier=Tier.C,
    moderated_by=ModeratedBy.STAFF,
    cover=Cover.DAILY,
    search_visibility=SearchVisibility.UNKNOWN,
    anonymity="pseudonym_allowed",
    coverage=frozenset({"nation:UK"}),
    languages=frozenset({"en"}),
    state="open",
    access="self_register",
    confidence="high",
    has_address=True,
    min_age=18,
)
PEOPLE = {"depression": "people living with depression"}

KEYS = ["depression", "mental-health-general", "carer", "dementia", "asthma"]
PLACES = [
    "nation:UK",
    "nation:Wales",
    "icb:QMF",
    "lad:E09000025",
    "practice:F84003",
    "commissioned",
    "none",
]
CAPACITIES = ["unknown", "capacity", "additional-assessment-required", "waitlist", "no-capacity"]
NEEDS = st.builds(
    Need,
    condition_keys=st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=3),
    broader_keys=st.frozensets(st.sampled_from(KEYS), max_size=1),
    age=st.none() | st.integers(0, 110),
    sex=st.sampled_from(["", "male", "female", "other", "unknown"]),
    languages=st.lists(st.sampled_from(["en", "bn", "ur-PK"]), max_size=2).map(tuple),
    is_carer=st.booleans(),
    icb_ods=st.sampled_from(["", "QMF", "S1Y5D"]),
    lad_code=st.sampled_from(["", "E09000025"]),
    nation=st.sampled_from(["", "England", "Wales"]),
    practice_ods=st.sampled_from(["", "F84003"]),
    latitude=st.none() | st.floats(50, 60),
    longitude=st.none() | st.floats(-7, 2),
    access_needs=st.frozensets(st.sampled_from(sorted(ACCESS)), max_size=2),
    hours=st.frozensets(st.sampled_from(sorted(HOURS)), max_size=2),
    stage=st.sampled_from(["", *sorted(STAGES)]),
    is_anonymous=st.booleans(),
    is_elsewhere=st.booleans(),
    is_at_risk=st.booleans(),
)
CIRCLES = st.builds(Circle, st.floats(50, 60), st.floats(-7, 2), st.integers(1, 400))
CANDIDATES = st.builds(
    Candidate,
    community_id=st.uuids().map(str),
    kind=st.sampled_from(["moderated_forum", "public_social_group", "automated_companion"]),
    condition_keys=st.frozensets(st.sampled_from(KEYS), min_size=1, max_size=2),
    audience=st.frozensets(st.sampled_from(["patients", "carers", "family", "young_people"])),
    tier=st.sampled_from(Tier),
    moderated_by=st.sampled_from(ModeratedBy),
    cover=st.sampled_from(Cover),
    search_visibility=st.sampled_from(SearchVisibility),
    coverage=st.frozensets(st.sampled_from(PLACES), max_size=2),
    languages=st.frozensets(st.sampled_from(["en", "bn", "ur"]), min_size=1),
    state=st.sampled_from(["open", "may_be_closed", "outside_uk", "in_person_only", "not_named"]),
    access=st.sampled_from(["self_register", "membership", "programme"]),
    anonymity=st.sampled_from(["pseudonym_allowed", "real_name", "unknown"]),
    confidence=st.sampled_from(["high", "medium", "low"]),
    min_age=st.none() | st.integers(10, 30),
    max_age=st.none() | st.integers(31, 90),
    sex=st.sampled_from(["any", "female", "male"]),
    circle=st.none() | CIRCLES,
    covered_hours=st.frozensets(st.sampled_from(sorted(HOURS))),
    stages=st.frozensets(st.sampled_from(sorted(STAGES)), max_size=2),
    meets=st.frozensets(st.sampled_from(sorted(ACCESS))),
    capacity=st.sampled_from(CAPACITIES),
    staffed_by=st.sampled_from(["people", "software", "both", "unknown"]),
    can_look_first=st.booleans(),
    has_self_harm_policy=st.booleans(),
)
DIRECTORIES = st.lists(CANDIDATES, max_size=8, unique_by=lambda each: each.community_id)


def codes_against(need: Need, candidate: Candidate) -> list[str]:
    """The codes of the rules broken; empty when the community may be offered."""
    verdict = judge(need, candidate)
    return [] if isinstance(verdict, Eligible) else [reason.code for reason in verdict.reasons]


def order(need: Need, *candidates: Candidate) -> list[str]:
    """The ids offered, best first."""
    return [offer.community_id for offer in rank(need, candidates).offers]


def test_a_community_that_breaks_no_rule_may_be_offered() -> None:
    assert codes_against(NEED, FORUM) == []


@pytest.mark.parametrize(
    ("candidate", "code"),
    [
        (replace(FORUM, condition_keys=frozenset({"asthma"})), "other_condition"),
        (replace(FORUM, min_age=35), "too_young"),
        (replace(FORUM, max_age=33), "too_old"),
        (replace(FORUM, audience=frozenset({"young_people"})), "ages_not_stated"),
        (replace(FORUM, audience=frozenset({"carers", "family"})), "carers_only"),
        (replace(FORUM, audience=frozenset({"professionals"})), "carers_only"),
        (replace(FORUM, sex="male"), "one_sex_only"),
        (replace(FORUM, coverage=frozenset({"commissioned"})), "areas_not_recorded"),
        (replace(FORUM, coverage=frozenset({"none"})), "no_area_recorded"),
        (replace(FORUM, coverage=frozenset()), "no_area_recorded"),
        (replace(FORUM, coverage=frozenset({"nation:Scotland"})), "other_area"),
        (replace(FORUM, coverage=frozenset({"icb:QWO"})), "other_area"),
        (replace(FORUM, coverage=frozenset({"lad:E08000037"})), "other_area"),
        (replace(FORUM, tier=Tier.D), "signpost_only"),
        (replace(FORUM, tier=Tier.U), "moderation_not_known"),
        (replace(FORUM, state="outside_uk"), "outside_uk"),
        (replace(FORUM, state="may_be_closed"), "may_be_closed"),
        (replace(FORUM, state="in_person_only"), "in_person_only"),
        (replace(FORUM, state="not_named"), "not_named"),
        (replace(FORUM, kind="automated_companion"), "automated"),
        (replace(FORUM, access="programme"), "programme_only"),
        (replace(FORUM, has_address=False), "no_address"),
        (replace(FORUM, coverage=frozenset({"practice:F84004"})), "other_area"),
        (
            replace(FORUM, coverage=frozenset({"none"}), circle=Circle(55.95, -3.19, 300)),
            "other_area",
        ),
        (replace(FORUM, staffed_by="software"), "automated"),
        (replace(FORUM, capacity="no-capacity"), "full"),
    ],
)
def test_each_rule_alone_keeps_a_community_from_being_offered(
    candidate: Candidate, code: str
) -> None:
    assert codes_against(NEED, candidate) == [code]


def test_every_broken_rule_is_named() -> None:
    poor = replace(FORUM, tier=Tier.U, has_address=False, sex="male")

    assert codes_against(NEED, poor) == ["one_sex_only", "moderation_not_known", "no_address"]


@pytest.mark.parametrize(
    ("age", "is_offered"), [(15, False), (16, True), (25, True), (26, False), (None, False)]
)
def test_the_ages_stated_are_the_first_and_the_last_that_fit(
    age: int | None, *, is_offered: bool
) -> None:
    band = replace(FORUM, min_age=16, max_age=25)

    assert (codes_against(replace(NEED, age=age), band) == []) is is_offered


def test_an_unstated_lowest_age_means_adults_only() -> None:
    unstated = replace(FORUM, min_age=None)

    assert "adults_only" in codes_against(replace(NEED, age=17), unstated)
    assert codes_against(replace(NEED, age=18), unstated) == []


@pytest.mark.parametrize(
    ("more", "is_offered"),
    [
        ({"tier": Tier.A}, True),
        ({"tier": Tier.B}, True),
        ({"tier": Tier.C}, False),
        ({"tier": Tier.C, "max_age": 25}, True),
        ({"tier": Tier.C, "max_age": 26}, False),
        ({"tier": Tier.C, "audience": frozenset({"patients", "young_people"})}, True),
    ],
)
def test_under_18_only_well_moderated_communities_and_those_for_young_people(
    more: dict[str, Any], *, is_offered: bool
) -> None:
    open_to_15 = replace(FORUM, min_age=13, **more)

    expected = [] if is_offered else ["not_for_under_18"]
    assert codes_against(replace(NEED, age=17), open_to_15) == expected
    assert codes_against(replace(NEED, age=18), open_to_15) == []


@pytest.mark.parametrize("key", ["eating-disorder", "psychosis", "postpartum-psychosis", "ptsd"])
def test_for_some_conditions_a_broader_community_must_say_what_it_does_about_self_harm(
    key: str,
) -> None:
    need = replace(NEED, condition_keys=frozenset({key}))
    general = replace(FORUM, condition_keys=frozenset({"mental-health-general"}))
    caring = replace(need, is_carer=True)
    for_carers = replace(general, audience=frozenset({"carers"}))

    assert codes_against(need, general) == ["self_harm_policy_not_stated"]
    assert codes_against(need, replace(general, has_self_harm_policy=True)) == []
    assert codes_against(need, replace(general, condition_keys=frozenset({key}))) == []
    assert codes_against(NEED, general) == []
    assert codes_against(caring, for_carers) == []


def test_no_wish_and_no_room_outweighs_moderation() -> None:
    moderated = replace(FORUM, community_id="z", tier=Tier.A, capacity="waitlist")
    wished = replace(FORUM, community_id="a", languages=frozenset({"bn"}))

    assert order(WISHING, wished, moderated) == ["z", "a"]
    assert list(WEIGHTS)[:3] == ["condition", "tier", "room"]


def test_nobody_of_unknown_age_is_offered_anything() -> None:
    unbounded = replace(FORUM, min_age=0)

    assert codes_against(replace(NEED, age=None), unbounded) == ["age_not_known"]


@pytest.mark.parametrize("sex", ["", "male", "other", "unknown"])
def test_a_community_for_women_is_offered_to_women_only(sex: str) -> None:
    for_women = replace(FORUM, sex="female")

    assert codes_against(NEED, for_women) == []
    assert codes_against(replace(NEED, sex=sex), for_women) == ["one_sex_only"]


def test_a_carer_is_not_sent_to_a_community_for_patients() -> None:
    carer = replace(NEED, is_carer=True)

    assert codes_against(carer, FORUM) == ["not_for_carers"]
    assert codes_against(carer, replace(FORUM, audience=frozenset({"patients", "family"}))) == []


def test_a_patient_who_is_also_a_carer_may_choose_either_kind_of_community() -> None:
    both = replace(NEED, condition_keys=frozenset({"depression", "carer"}))
    for_carers = replace(FORUM, condition_keys=frozenset({"carer"}), audience=frozenset({"carers"}))

    assert codes_against(both, FORUM) == []
    assert codes_against(both, for_carers) == []


def test_a_carer_finds_the_condition_cared_for_before_carers_of_any_kind() -> None:
    carer = replace(NEED, condition_keys=frozenset({"dementia", "carer"}), is_carer=True)
    dementia = replace(
        FORUM,
        community_id="z",
        condition_keys=frozenset({"dementia"}),
        audience=frozenset({"patients", "carers"}),
    )
    any_carer = replace(
        FORUM,
        community_id="a",
        condition_keys=frozenset({"carer"}),
        audience=frozenset({"carers"}),
        tier=Tier.A,
    )

    assert order(carer, any_carer, dementia) == ["z", "a"]


@pytest.mark.parametrize("place", ["nation:UK", "nation:England", "icb:QMF", "lad:E09000025"])
def test_a_community_is_open_to_everybody_in_its_area(place: str) -> None:
    assert codes_against(NEED, replace(FORUM, coverage=frozenset({place, "icb:QWO"}))) == []


def test_somebody_whose_place_is_not_known_is_offered_what_is_open_to_the_whole_country() -> None:
    nowhere = replace(NEED, icb_ods="", lad_code="", nation="")

    assert codes_against(nowhere, FORUM) == []
    assert codes_against(nowhere, replace(FORUM, coverage=frozenset({"nation:England"}))) == [
        "other_area"
    ]


WISHING = replace(
    NEED,
    languages=("bn",),
    access_needs=frozenset({"captions"}),
    hours=frozenset({"nights"}),
    stage="action",
    is_anonymous=True,
)
# The best and the worst that somebody who wishes all this can be offered in each line.
BEST_AND_WORST: dict[str, tuple[str, object, object]] = {
    "room": ("capacity", "unknown", "waitlist"),
    "condition": (
        "condition_keys",
        frozenset({"depression"}),
        frozenset({"mental-health-general"}),
    ),
    "language": ("languages", frozenset({"bn"}), frozenset({"en"})),
    "access": ("meets", frozenset({"captions"}), frozenset()),
    "tier": ("tier", Tier.A, Tier.C),
    "hours": ("covered_hours", frozenset({"nights"}), frozenset()),
    "cover": ("cover", Cover.ALL_HOURS, Cover.UNKNOWN),
    "stage": ("stages", frozenset({"action"}), frozenset()),
    "names": ("anonymity", "pseudonym_allowed", "unknown"),
    "place": ("coverage", frozenset({"icb:QMF"}), frozenset({"nation:UK"})),
    "confidence": ("confidence", "high", "low"),
}


@pytest.mark.parametrize("line", WEIGHTS)
def test_each_line_of_the_weights_decides_before_all_those_below(line: str) -> None:
    lines = list(WEIGHTS)
    below = [BEST_AND_WORST[name] for name in lines[lines.index(line) + 1 :]]
    field, best, worst = BEST_AND_WORST[line]
    low: dict[str, Any] = {name: value for name, _, value in below}
    high: dict[str, Any] = {name: value for name, value, _ in below}

    better = replace(FORUM, **{"community_id": "z", field: best, **low})
    worse = replace(FORUM, **{"community_id": "a", field: worst, **high})

    assert order(WISHING, worse, better) == ["z", "a"]


def test_a_step_in_one_line_outweighs_all_lines_below_together() -> None:
    lines = [sorted(line.values()) for line in WEIGHTS.values()]

    for number, line in enumerate(lines):
        steps = [high - low for low, high in pairwise(sorted(set(line)))]
        assert min(steps) > sum(max(below) for below in lines[number + 1 :])


def test_equals_are_in_the_order_of_their_ids() -> None:
    twins = [replace(FORUM, community_id=each) for each in ("b", "c", "a")]

    assert order(NEED, *twins) == ["a", "b", "c"]


def test_a_ranking_says_what_was_asked_by_which_rules_and_why() -> None:
    refused = replace(FORUM, community_id="f2", tier=Tier.U)

    ranking = rank(NEED, [refused, FORUM])

    assert (ranking.version, ranking.need) == (VERSION, NEED)
    assert [each.community_id for each in ranking.offers] == ["f1"]
    assert ranking.offers[0].score == sum(ranking.offers[0].points.values())
    assert ranking.offers[0].points.keys() == WEIGHTS.keys()
    assert [each.reasons for each in ranking.refused] == [(Reason("moderation_not_known"),)]


def test_the_reasons_say_why_and_what_to_know_beforehand() -> None:
    verdict = judge(NEED, FORUM)

    assert isinstance(verdict, Eligible)
    assert [sentence(reason, PEOPLE) for reason in verdict.reasons] == [
        "For people living with depression",
        "Open to people anywhere in the UK",
        "Moderated by its own staff",
        "Moderators are there every day",
        "You can use a made-up name",
    ]
    assert [sentence(reason, PEOPLE) for reason in verdict.worth_knowing] == [
        "We do not know who can read what you write"
    ]


def test_a_refusal_has_a_sentence_with_its_fact() -> None:
    assert sentence(Reason("too_young", "16"), PEOPLE) == "For people aged 16 or over"


@given(NEEDS, DIRECTORIES)
def test_whatever_is_asked_only_the_eligible_are_offered(
    need: Need, directory: list[Candidate]
) -> None:
    ranking = rank(need, directory)
    by_id = {each.community_id: each for each in directory}

    assert len(ranking.offers) + len(ranking.refused) == len(directory)
    for offer in ranking.offers:
        candidate = by_id[offer.community_id]
        assert codes_against(need, candidate) == []
        assert candidate.tier in {Tier.A, Tier.B, Tier.C}
        assert candidate.state == "open"
        assert need.age is not None
        assert need.age >= (18 if candidate.min_age is None else candidate.min_age)


@given(NEEDS, DIRECTORIES, st.randoms(use_true_random=False))
def test_the_same_directory_in_any_order_gives_the_same_ranking(
    need: Need, directory: list[Candidate], dice: Random
) -> None:
    shuffled = list(directory)
    dice.shuffle(shuffled)

    assert rank(need, shuffled) == rank(need, directory)


@given(NEEDS, DIRECTORIES, CANDIDATES)
def test_one_more_community_never_makes_the_best_offer_worse(
    need: Need, directory: list[Candidate], newcomer: Candidate
) -> None:
    before = rank(need, directory).offers
    after = rank(need, [*directory, newcomer]).offers

    if before:
        assert after[0].score >= before[0].score


@given(NEEDS, DIRECTORIES)
def test_every_reason_has_a_sentence(need: Need, directory: list[Candidate]) -> None:
    people = dict.fromkeys(KEYS, "people")
    ranking = rank(need, directory)

    for offer in ranking.offers:
        assert all(sentence(reason, people) for reason in offer.reasons + offer.worth_knowing)
    for refusal in ranking.refused:
        assert all(sentence(reason, people) for reason in refusal.reasons)
