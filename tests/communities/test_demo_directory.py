"""The demonstration directory and the reference tables: whole, honest, and sensible to a GP."""

import re
from collections import Counter

import pytest

from communities.tiers import Cover, Tier
from tests.communities.demo_directory import (
    CONDITIONS,
    DATA,
    FICTIONAL,
    REAL,
    candidate_of,
    items,
    rows,
)

REFERENCE = DATA / "reference"
CODES = rows(REFERENCE / "condition_codes.csv")
SAFETY_CODES = rows(REFERENCE / "safety_codes.csv")
ICBS = rows(REFERENCE / "icbs.csv")
AUTHORITIES = rows(REFERENCE / "local_authorities.csv")
OUTCODES = rows(REFERENCE / "outcodes.csv")
PRACTICES = rows(REFERENCE / "practices.csv")

ALL = REAL + FICTIONAL
ACTIVE_ICBS = {row["ods_code"] for row in ICBS if not row["valid_to"]}
ALLOWED = {
    "kind": "moderated_forum structured_programme_with_forum moderated_social_therapy "
    "one_to_one_peer_specialist text_only peer_led_network lifestyle_challenge virtual_world "
    "avatar_programme public_social_group automated_companion unknown",
    "audience": "patients carers family young_people bereaved professionals",
    "sex": "female male any",
    "access": "self_register membership programme commissioned unknown",
    "anonymity": "pseudonym_allowed real_name unknown",
    "format": "forum scheduled_chat video_meeting one_to_one social_group in_person mixed unknown",
    "state": "open may_be_closed outside_uk in_person_only not_named",
    "confidence": "high medium low",
}
WIDE_PLACES = r"nation:(UK|England|Scotland|Wales|Northern Ireland)|commissioned|none"


def test_all_73_real_communities_are_kept_in_order() -> None:
    assert [row["id"] for row in REAL] == [f"c{number:03}" for number in range(1, 74)]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row["id"])
def test_a_row_uses_known_values_only(row: dict[str, str]) -> None:
    candidate_of(row)  # the moderation columns are read as enums, ages as numbers

    for column, allowed in ALLOWED.items():
        assert items(row[column]) <= set(allowed.split()), column
    for place in items(row["coverage"]):
        kind, _, code = place.partition(":")
        known = {"icb": ACTIVE_ICBS, "lad": {each["lad_code"] for each in AUTHORITIES}}
        assert code in known[kind] if kind in known else re.fullmatch(WIDE_PLACES, place)
    assert items(row["conditions"])
    assert items(row["conditions"]) <= CONDITIONS.keys()


@pytest.mark.parametrize("row", ALL, ids=lambda row: row["id"])
def test_a_row_has_one_plain_sentence_or_two_for_the_patient(row: dict[str, str]) -> None:
    sentences = row["summary"].rstrip(".").split(". ")

    assert row["summary"].endswith(".")
    assert len(row["summary"]) <= 200
    assert all(len(sentence.split()) <= 25 for sentence in sentences)
    assert not re.search(r"\b(will|always|never|best|safe)\b", row["summary"])  # no promises


@pytest.mark.parametrize("row", REAL, ids=lambda row: row["id"])
def test_a_real_community_that_nobody_may_be_offered_says_why_in_its_note(
    row: dict[str, str],
) -> None:
    candidate = candidate_of(row)
    is_closed_to_all = (
        candidate.tier in {Tier.D, Tier.U}
        or candidate.state != "open"
        or candidate.coverage & {"commissioned", "none"}
        or not candidate.has_address
        or candidate.access == "programme"
    )

    assert row["note"] or not is_closed_to_all


@pytest.mark.parametrize("row", ALL, ids=lambda row: row["id"])
def test_what_the_state_says_agrees_with_the_other_columns(row: dict[str, str]) -> None:
    assert (row["format"] == "in_person") is (row["state"] == "in_person_only")
    assert (row["kind"] == "public_social_group") is (row["format"] == "social_group")
    if row["cover"] == Cover.DAILY and row["hours_text"]:
        assert re.search(r"\d\d:\d\d", row["hours_text"])  # published hours are hours


def test_what_public_pages_state_is_never_enough_for_tier_a_or_b() -> None:
    tiers = Counter(candidate_of(row).tier for row in REAL)

    assert tiers == {Tier.C: 45, Tier.U: 19, Tier.D: 9}


def test_the_communities_that_do_not_exist_say_so() -> None:
    assert {candidate_of(row).tier for row in FICTIONAL} == {Tier.A, Tier.B}
    for row in FICTIONAL:
        assert row["name"].startswith("Example ")
        assert row["name"].endswith("(fictional)")
        assert row["host"].endswith("(fictional)")
        assert re.fullmatch(r"https://[a-z0-9-]+\.example/", row["url"])


def test_each_code_stands_for_one_known_condition_and_each_condition_has_one_primary_code() -> None:
    primary = Counter(row["condition_key"] for row in CODES if row["is_primary"] == "1")

    assert len({row["snomed_code"] for row in CODES}) == len(CODES) == 100
    assert {row["condition_key"] for row in CODES} <= CONDITIONS.keys()
    assert primary == dict.fromkeys({row["condition_key"] for row in CODES}, 1)


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("363346000", "cancer"),
        ("254837009", "breast-cancer"),
        ("44054006", "type-2-diabetes"),
        ("58703003", "perinatal-mh"),
        ("18260003", "postpartum-psychosis"),
    ],
)
def test_a_narrow_code_stands_for_the_narrow_condition(code: str, key: str) -> None:
    assert {row["snomed_code"]: row["condition_key"] for row in CODES}[code] == key


def test_a_flag_of_present_risk_is_never_a_reason_to_match() -> None:
    at_risk_of_self_harm = "401206008"

    assert at_risk_of_self_harm in {row["snomed_code"] for row in SAFETY_CODES}
    assert at_risk_of_self_harm not in {row["snomed_code"] for row in CODES}


@pytest.mark.parametrize("code", ["105529008", "161152002"], ids=["lives alone", "social problem"])
def test_living_alone_is_not_loneliness(code: str) -> None:
    assert code not in {row["snomed_code"] for row in CODES}


def test_conditions_are_described_in_words_and_their_broader_conditions_exist() -> None:
    for row in CONDITIONS.values():
        assert row["label"]
        assert row["group"]
        assert row["people"]
        assert row["broader"] in (CONDITIONS.keys() | {""}) - {row["key"]}


def test_general_mental_health_communities_serve_every_mental_health_condition_but_sleep() -> None:
    general = "mental-health-general"
    without = {
        row["key"]
        for row in CONDITIONS.values()
        if row["group"] == "mental-health" and row["broader"] != general
    }

    assert without == {general, "insomnia"}


def test_36_icbs_are_active_and_every_practice_belongs_to_one_of_them() -> None:
    assert len(ICBS) == 48
    assert len(ACTIVE_ICBS) == 36
    assert {row["icb_ods"] for row in PRACTICES} == ACTIVE_ICBS
    assert len({row["ods_code"] for row in PRACTICES}) == len(PRACTICES) == 6208


def test_each_closed_icb_has_a_successor_that_is_active() -> None:
    successions = rows(REFERENCE / "icb_successions.csv")
    closed = {row["ods_code"] for row in ICBS if row["valid_to"]}

    assert {row["predecessor_ods"] for row in successions} == closed
    assert {row["successor_ods"] for row in successions} <= ACTIVE_ICBS


def test_only_english_places_have_an_icb_and_it_is_an_active_one() -> None:
    authorities = {row["lad_code"]: row for row in AUTHORITIES}

    assert len(AUTHORITIES) == 350
    assert len(OUTCODES) == 2864
    for row in OUTCODES:
        assert row["lad_name"] == authorities[row["lad_code"]]["name"]
        assert row["icb_ods"] in (ACTIVE_ICBS if row["country_code"] == "E92000001" else {""})
    for row in AUTHORITIES:
        assert row["icb_ods"] in ACTIVE_ICBS | {""}
        assert row["lad_code"].startswith("E") or not row["icb_ods"]


@pytest.mark.parametrize(
    ("outcode", "icb"),
    [("IG11", "QMF"), ("SL1", "S0E4D"), ("GU9", "S9B9J"), ("CB1", "S1Y5D"), ("SW1A", "Z9B2Z")],
)
def test_an_outcode_lies_in_its_icb_of_2026(outcode: str, icb: str) -> None:
    assert {row["outcode"]: row["icb_ods"] for row in OUTCODES}[outcode] == icb


def test_practice_names_are_written_for_reading() -> None:
    names = {row["ods_code"]: row["name"] for row in PRACTICES}

    assert names["A81001"] == "The Densham Surgery"
    assert not [name for name in names.values() if name.isupper() and len(name) > 4]
