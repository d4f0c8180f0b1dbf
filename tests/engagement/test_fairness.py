"""Fairness: a matcher that favours somebody is found out, an even one is not, and nothing hidden is told."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import sqrt
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Organisation
from audit.models import Action, Entry
from config.fictional import people
from engagement.fairness import DIMENSIONS, OUTCOMES, Breakdown, Fairness, Rate, Verdict, fairness
from referrals.groups import AgeBand, EthnicGroup, LanguageGroup, Rurality, Sex
from referrals.lifecycle import BusinessStatus
from referrals.models import FirstMatch, Referral
from tests import cast
from tests.engagement.population import receive, take_back

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
PAGE, DATA = "/commissioner/fairness/", "/api/measures/fairness"
KEYS = [dimension.key for dimension in DIMENSIONS]

pytestmark = pytest.mark.django_db


@pytest.fixture
def icb() -> Organisation:
    return Organisation.objects.get(ods_code=cast.ICB)


@pytest.fixture
def original(icb: Organisation) -> Referral:
    """A referral of which the others are copies."""
    practice = Organisation.objects.filter(kind="practice", icb=icb).order_by("ods_code")[0]
    return receive(practice, next(people(seed=5)), at=NOW)


@pytest.fixture
def elsewhere() -> Referral:
    """One of another ICB."""
    practices = Organisation.objects.filter(kind="practice", icb__ods_code=cast.OTHER_ICB)
    return receive(practices.order_by("ods_code")[0], next(people(seed=6)), at=NOW)


def somebody(chance: random.Random, *, known: float = 0.9) -> dict[str, Any]:
    """The groups of one patient; each but the age is known only to that share."""

    def perhaps(value: Any, nothing: Any = "") -> Any:
        return value if chance.random() < known else nothing

    return {
        "imd_quintile": perhaps(chance.randrange(1, 6), None),
        "ethnic_group": perhaps(chance.choice(EthnicGroup.values)),
        "sex": perhaps(chance.choices(Sex.values, [49, 49, 2])[0]),
        "age_band": chance.choice(AgeBand.values),
        "rurality": perhaps(chance.choice(Rurality.values)),
        "language": perhaps(chance.choice(LanguageGroup.values)),
    }


def matched(
    of: Referral,
    persons: Iterable[dict[str, Any]],
    *,
    chance: random.Random,
    offers: Any,
    version: str = "9",
) -> None:
    """Referrals that a matcher judged; ``offers`` says how many communities it offers to whom."""
    referrals, firsts = [], []
    for groups in persons:
        issued = of.received_at - timedelta(days=chance.randrange(330))
        copy = Referral(
            reference=f"{chance.getrandbits(46):x}"[:12],
            practice=of.practice,
            icb=of.icb,
            patient=of.patient,
            status=of.status,
            task_status=of.task_status,
            business_status=of.business_status,
            received_at=issued,
            issued_at=issued,
            told_at=issued,
        )
        offered = offers(groups)
        if chance.random() < (0.6 if offered else 0.2):  # some were matched again
            copy.chose_at = issued
            copy.joined_at = issued if chance.random() < 0.7 else None
        referrals.append(copy)
        firsts.append(FirstMatch(referral=copy, matcher_version=version, offered=offered, **groups))
    Referral.objects.bulk_create(referrals)
    FirstMatch.objects.bulk_create(firsts)


def even(chance: random.Random) -> Any:
    """A matcher that looks at nobody."""
    return lambda _groups: chance.choices((0, 1, 2, 3), (10, 20, 30, 40))[0]


def biased(chance: random.Random, key: str, value: Any) -> Any:
    """A matcher that has nothing for every third person of one group."""
    fair = even(chance)
    return lambda groups: 0 if groups[key] == value and chance.random() < 1 / 3 else fair(groups)


def gaps_of(figures: Fairness) -> set[tuple[str, str, str]]:
    return {
        (breakdown.dimension.key, group.key, rate.outcome.key)
        for matcher in figures.matchers
        for breakdown, group, rate in matcher.gaps
    }


# The alarm


@pytest.mark.parametrize("seed", range(3))
def test_an_even_matcher_raises_no_alarm(icb: Organisation, original: Referral, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    crowd = [somebody(chance) for _ in range(2_500)]
    matched(original, crowd, chance=chance, offers=even(chance))

    assert gaps_of(fairness(icb=icb, at=NOW)) == set()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imd_quintile", 1),
        ("ethnic_group", "black"),
        ("sex", "female"),
        ("age_band", "65-"),
        ("rurality", "rural"),
        ("language", "other"),
    ],
)
def test_a_matcher_that_has_less_for_some_is_found_out(
    icb: Organisation, original: Referral, key: str, value: Any
) -> None:
    chance = random.Random(4)  # noqa: S311
    crowd = [somebody(chance) for _ in range(1_500)]
    matched(original, crowd, chance=chance, offers=biased(chance, key, value))

    gaps = gaps_of(fairness(icb=icb, at=NOW))

    assert {(key, str(value), "offered"), (key, str(value), "offered_two")} <= gaps
    assert {(found, group) for found, group, _outcome in gaps} == {(key, str(value))}


def test_a_group_that_gets_next_to_nothing_is_found_though_its_count_is_hidden(
    icb: Organisation, original: Referral
) -> None:
    chance = random.Random(4)  # noqa: S311
    crowd = [somebody(chance) | {"rurality": "rural" if n < 60 else "urban"} for n in range(400)]
    matched(
        original,
        crowd,
        chance=chance,
        offers=lambda groups: 0 if groups["rurality"] == "rural" else 3,
    )

    figures = fairness(icb=icb, at=NOW)

    rate = rate_of(figures, "rurality", "rural", "offered")
    assert (rate.part.value, rate.percent, rate.points) == (None, None, None)
    assert (rate.verdict, rate.others_percent) == (Verdict.GAP, 100)


def test_whose_group_is_ahead_is_no_alarm(icb: Organisation, original: Referral) -> None:
    chance = random.Random(4)  # noqa: S311
    crowd = [somebody(chance) for _ in range(1_500)]
    matched(original, crowd, chance=chance, offers=biased(chance, "imd_quintile", 5))

    figures = fairness(icb=icb, at=NOW)

    assert gaps_of(figures) == set()
    assert rate_of(figures, "imd_quintile", "5", "offered").verdict is Verdict.REFERENCE


def test_of_few_people_nothing_is_said(icb: Organisation, original: Referral) -> None:
    chance = random.Random(4)  # noqa: S311
    crowd = [somebody(chance) | {"sex": "other" if n < 17 else "male"} for n in range(300)]
    matched(original, crowd, chance=chance, offers=lambda groups: 3 * (groups["sex"] == "male"))

    rate = rate_of(fairness(icb=icb, at=NOW), "sex", "other", "offered")

    assert (rate.verdict, rate.low, rate.high) == (Verdict.TOO_FEW, None, None)


def rate_of(figures: Fairness, key: str, group: str, outcome: str) -> Rate:
    breakdown = breakdown_of(figures, key)
    [found] = [each for each in breakdown.groups if each.key == group]
    return next(rate for rate in found.rates if rate.outcome.key == outcome)


def breakdown_of(figures: Fairness, key: str) -> Breakdown:
    [matcher] = figures.matchers
    return next(each for each in matcher.breakdowns if each.dimension.key == key)


# The figures, worked out a second time from the rows


def rounded(count: int) -> int | None:
    return None if count < 8 else round(count / 5) * 5


def plainly_counted(key: str, group: Any, outcome: str) -> tuple[int, int]:
    """One after the other: how many of a group it could happen to, and to how many it did."""
    whole = part = 0
    for first in FirstMatch.objects.select_related("referral"):
        if (getattr(first, key) or "") != group:
            continue
        could = outcome.startswith("offered") or first.offered > 0
        did = {
            "offered": first.offered > 0,
            "offered_two": first.offered > 1,
            "chose": bool(first.referral.chose_at),
            "joined": bool(first.referral.joined_at),
        }[outcome]
        whole += could
        part += could and did
    return part, whole


def score_limits(part: int, whole: int) -> tuple[float, float]:
    """Wilson's limits as the roots of a quadratic equation: all p with |x/n - p| ≤ z·√(p(1-p)/n)."""
    z2 = 1.959964**2
    a, b, c = whole + z2, -(2 * part + z2), part * part / whole
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_ways_of_counting_agree(icb: Organisation, original: Referral, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    crowd = [somebody(chance, known=0.7) for _ in range(220)]
    matched(original, crowd, chance=chance, offers=biased(chance, "sex", "male"))

    figures = fairness(icb=icb, at=NOW)

    compared = 0
    for dimension in DIMENSIONS:
        breakdown = breakdown_of(figures, dimension.key)
        unknown = plainly_counted(dimension.key, "", "offered")[1]
        assert breakdown.unknown.value == rounded(unknown)
        for group in breakdown.groups:
            value = int(group.key) if dimension.key == "imd_quintile" else group.key
            for rate in group.rates:
                part, whole = plainly_counted(dimension.key, value, rate.outcome.key)
                assert (rate.part.value, rate.whole.value) == (rounded(part), rounded(whole))
                compared += rate.low is not None
                if rate.low is not None:
                    others = dimension.reference or None
                    keys = [others] if others else [key for key in dimension.groups if key != value]
                    sums = [plainly_counted(dimension.key, key, rate.outcome.key) for key in keys]
                    rest = sum(part for part, _ in sums), sum(whole for _, whole in sums)
                    low, high = plain_difference((part, whole), rest)
                    assert rate.low <= 100 * low
                    assert 100 * high <= (rate.high or 0)
    assert compared > 20


def plain_difference(one: tuple[int, int], rest: tuple[int, int]) -> tuple[float, float]:
    share, other = one[0] / one[1], rest[0] / rest[1]
    (low, high), (other_low, other_high) = score_limits(*one), score_limits(*rest)
    return (
        share - other - sqrt((share - low) ** 2 + (other_high - other) ** 2),
        share - other + sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def test_everything_said_follows_from_the_shown_counts(
    icb: Organisation, original: Referral
) -> None:
    """Two populations that are shown alike are told of alike."""
    chance = random.Random(3)  # noqa: S311
    some = somebody(chance) | {"sex": "male"}
    others = some | {"sex": "female"}
    told = []
    for men, women, offered in ((98, 52, 90), (102, 48, 92)):
        FirstMatch.objects.all().delete()
        crowd = [some] * men + [others] * women
        given = iter([1] * offered + [0] * (men - offered) + [1] * women)
        matched(original, crowd, chance=chance, offers=lambda _groups, given=given: next(given))
        rate = rate_of(fairness(icb=icb, at=NOW), "sex", "male", "offered")
        told.append(rate)

    assert told[0] == told[1]
    assert told[0].percent == 90


def test_versions_are_told_apart_and_mistakes_and_other_boards_left_out(
    icb: Organisation, original: Referral, elsewhere: Referral
) -> None:
    chance = random.Random(3)  # noqa: S311
    crowd = [somebody(chance) | {"age_band": "18-34"} for _ in range(60)]
    matched(original, crowd[:40], chance=chance, offers=even(chance), version="1")
    matched(original, crowd[40:], chance=chance, offers=even(chance), version="2")
    matched(elsewhere, crowd, chance=chance, offers=even(chance), version="3")
    take_back(original, is_mistake=True, at=NOW)
    original.refresh_from_db()
    assert original.business_status == BusinessStatus.ENTERED_IN_ERROR
    matched(original, crowd, chance=chance, offers=even(chance), version="4")

    figures = fairness(icb=icb, at=NOW)

    assert [matcher.version for matcher in figures.matchers] == ["2", "1"]
    matched_by = [
        [group.whole.value for group in matcher.breakdowns[KEYS.index("age_band")].groups]
        for matcher in figures.matchers
    ]
    assert matched_by == [[None, 20, None, None, None], [None, 40, None, None, None]]


def test_how_much_is_not_known_is_said(
    icb: Organisation, original: Referral, commissioner: Client
) -> None:
    chance = random.Random(3)  # noqa: S311
    crowd = [somebody(chance) | {"ethnic_group": "" if n < 150 else "white"} for n in range(200)]
    matched(original, crowd, chance=chance, offers=even(chance))

    breakdown = breakdown_of(fairness(icb=icb, at=NOW), "ethnic_group")

    assert (breakdown.unknown.value, breakdown.percent_unknown) == (150, 75)
    with time_machine.travel(NOW):
        page = commissioner.get(PAGE).content.decode()
    assert page.count("Most: this says little") == 1


# Faces


@pytest.fixture
def behind(original: Referral) -> None:
    """A matcher that has less for people in rural areas."""
    chance = random.Random(4)  # noqa: S311
    crowd = [somebody(chance) for _ in range(1_500)]
    matched(original, crowd, chance=chance, offers=biased(chance, "rurality", "rural"))


@pytest.mark.usefixtures("behind")
def test_the_page_says_who_is_behind_and_agrees_with_the_data(commissioner: Client) -> None:
    with time_machine.travel(NOW):
        page = commissioner.get(PAGE).content.decode()
        data = json.loads(commissioner.get(DATA).content)

    assert "Rural or urban area: Rural. Offered a community" in page
    [matcher] = data["matchers"]
    assert matcher["gaps"] == page.count("nhsuk-tag--red")
    assert [each["key"] for each in matcher["breakdowns"]] == KEYS
    for breakdown in matcher["breakdowns"]:
        for group in breakdown["groups"]:
            assert [each["key"] for each in group["outcomes"]] == [o.key for o in OUTCOMES]
            for each in group["outcomes"]:
                assert each["count"]["value"] is None or each["count"]["value"] % 5 == 0
    assert Entry.objects.filter(action=Action.FIGURES_READ).count() == 3


def test_without_referrals_nothing_is_said(commissioner: Client) -> None:
    assert "No referral was matched" in commissioner.get(PAGE).content.decode()
    assert json.loads(commissioner.get(DATA).content)["matchers"] == []


@pytest.mark.usefixtures("behind")
@pytest.mark.parametrize("path", [PAGE, DATA, "/api/measures/unmet-need"])
def test_another_board_and_an_absent_one_are_answered_alike(other_icb: Client, path: str) -> None:
    foreign, absent = (other_icb.get(path, {"icb": code}) for code in (cast.ICB, "ZZZ"))

    assert foreign.status_code == absent.status_code == 404
    assert foreign.content == absent.content
    assert "nhsuk-tag--red" not in other_icb.get(PAGE).content.decode()


@pytest.mark.usefixtures("behind")
@pytest.mark.parametrize("more", [[], ["--icb", cast.ICB], ["--matcher", "9"], ["--json"]])
def test_the_command_ends_with_2_when_somebody_is_behind(more: list[str]) -> None:
    written = StringIO()

    with time_machine.travel(NOW), pytest.raises(CommandError, match="points behind") as stopped:
        call_command("fairness", *more, stdout=written)

    assert stopped.value.returncode == 2
    assert "rural" in written.getvalue()


@pytest.mark.usefixtures("behind")
@pytest.mark.parametrize("more", [["--icb", "ZZZ"], ["--matcher", "8"]])
def test_what_is_not_there_is_no_gap_and_no_success(more: list[str]) -> None:
    with time_machine.travel(NOW), pytest.raises(CommandError) as stopped:
        call_command("fairness", *more)

    assert stopped.value.returncode == 1


def test_the_command_is_content_with_an_even_matcher(original: Referral) -> None:
    chance = random.Random(1)  # noqa: S311
    crowd = [somebody(chance) for _ in range(300)]
    matched(original, crowd, chance=chance, offers=even(chance))
    written = StringIO()

    with time_machine.travel(NOW):
        call_command("fairness", stdout=written)

    assert "matcher 9" in written.getvalue()


@pytest.mark.parametrize(
    "wrong", [{"imd_quintile": 6}, {"sex": "x"}, {"age_band": ""}, {"ethnic_group": "Z"}]
)
def test_the_database_takes_known_groups_only(original: Referral, wrong: dict[str, Any]) -> None:
    groups = somebody(random.Random(1)) | wrong  # noqa: S311

    with pytest.raises(IntegrityError), transaction.atomic():
        FirstMatch.objects.create(referral=original, matcher_version="9", offered=1, **groups)
