"""The register of unmet need: what a commissioner sees of it, and what nobody does."""

import json
import random
from collections import Counter
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client

from accounts.models import Organisation
from communities.models import Condition, LocalAuthority, UnmetNeed
from engagement.unmet import Need, unmet_needs_of
from tests import cast

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
PAGE, DATA = "/commissioner/fairness/", "/api/measures/unmet-need"

pytestmark = pytest.mark.django_db


@pytest.fixture
def icb() -> Organisation:
    return Organisation.objects.get(ods_code=cast.ICB)


@pytest.fixture
def places() -> list[str]:
    """Two local authorities of the ICB."""
    return list(
        LocalAuthority.objects.filter(icb_ods=cast.ICB)
        .order_by("pk")[:2]
        .values_list("pk", flat=True)
    )


def need(number: int, **of: object) -> None:
    given = {"condition_id": "depression", "icb_ods": cast.ICB, "month": date(2026, 11, 1)}
    UnmetNeed.objects.create(**given | of, number=number)


def listed(needs: tuple[Need, ...]) -> list[tuple[str, str, int | None]]:
    return [(each.condition, each.key, each.number.value) for each in needs]


def test_small_numbers_are_hidden_and_small_places_not_listed(
    icb: Organisation, places: list[str]
) -> None:
    need(11, lad_code=places[0], language="en")
    need(7, lad_code=places[1], language="bn")
    need(3, lad_code=places[1], language="en", condition_id="anxiety")

    register = unmet_needs_of(icb=icb, at=NOW)

    assert listed(register.by_condition) == [("depression", "", 20), ("anxiety", "", None)]
    assert listed(register.by_place) == [("depression", places[0], 10)]
    assert listed(register.by_language) == [("depression", "en", 10)]


def test_only_the_own_board_and_the_last_twelve_months_count(
    icb: Organisation, places: list[str]
) -> None:
    need(10, lad_code=places[0])
    need(20, lad_code=places[0], month=date(2025, 12, 1))
    need(40, lad_code=places[0], month=date(2025, 11, 1))
    need(80, lad_code=places[0], icb_ods=cast.OTHER_ICB)
    need(160, icb_ods="")

    register = unmet_needs_of(icb=icb, at=NOW)

    assert listed(register.by_condition) == [("depression", "", 30)]
    assert register.by_place[0].name == LocalAuthority.objects.get(pk=places[0]).name


@pytest.mark.parametrize("seed", range(3))
def test_two_ways_of_counting_agree(icb: Organisation, places: list[str], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    conditions = list(Condition.objects.order_by("pk").values_list("pk", flat=True)[:4])
    plain: Counter[tuple[str, str, str]] = Counter()
    for condition in conditions:
        for place in (*places, ""):
            for language in ("en", "so", ""):
                for month in (3, 4):
                    number = chance.randrange(7)
                    need(
                        number,
                        condition_id=condition,
                        lad_code=place,
                        language=language,
                        month=date(2026, month, 1),
                    )
                    plain.update(
                        {
                            ("all", condition, ""): number,
                            ("place", condition, place): number,
                            ("language", condition, language): number,
                        }
                    )

    register = unmet_needs_of(icb=icb, at=NOW)

    for table, needs in (
        ("all", register.by_condition),
        ("place", register.by_place),
        ("language", register.by_language),
    ):
        expected = {
            (condition, key): round(number / 5) * 5
            for (of, condition, key), number in plain.items()
            if of == table and number >= 8
        }
        assert {
            (c, key): number for c, key, number in listed(needs) if number is not None
        } == expected
        assert expected


def test_page_and_data_say_the_same(commissioner: Client, places: list[str]) -> None:
    need(12, lad_code=places[0], language="bn")
    with time_machine.travel(NOW):
        page = commissioner.get(PAGE).content.decode()
        data = json.loads(commissioner.get(DATA).content)

    assert data["by_condition"] == [
        {
            "condition": "depression",
            "label": Condition.objects.get(pk="depression").label,
            "referrals": {"value": 10, "hidden": False},
        }
    ]
    assert data["by_place"][0]["lad_code"] == places[0]
    assert data["by_language"][0]["language"] == "bn"
    assert "Bengali" in page
    assert LocalAuthority.objects.get(pk=places[0]).name in page


def test_an_empty_register_says_so(commissioner: Client, other_icb: Client) -> None:
    need(90)

    assert "Nothing to show" in other_icb.get(PAGE).content.decode()
    assert json.loads(other_icb.get(DATA).content)["by_condition"] == []
    assert (
        json.loads(commissioner.get(DATA, {"icb": cast.ICB}).content)["icb"]["ods_code"] == cast.ICB
    )
