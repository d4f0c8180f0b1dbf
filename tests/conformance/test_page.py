"""The page for integrators lists what there is: no more, no less."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from accounts.actors import ActorKind
from api.errors import CODES
from referrals.lifecycle import STATUSES, BusinessStatus, moves_open_to
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "fhir.md").read_text(encoding="utf-8")
# What every type is searched by, said once on the page.
_COMMON = {"_id", "_lastUpdated"}


def _table(first: str) -> list[list[str]]:
    """The rows of the table whose first column is called so, without marks."""
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert found, first
    lines = found[1].replace("`", "").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _own_parameters(names: set[str]) -> set[str]:
    """Those of a type beyond what every type of rows is searched by."""
    return names - _COMMON if names >= _COMMON else names


@pytest.fixture
def resources(db: None) -> dict[str, dict[str, Any]]:
    """What /metadata says of each type."""
    [rest] = json.loads(Client().get("/fhir/R4/metadata").content)["rest"]
    return {one["type"]: one for one in rest["resource"]}


def test_the_page_lists_what_is_served(resources: dict[str, dict[str, Any]]) -> None:
    listed = {row[0]: [set(cell.split()) - {"–"} for cell in row[1:]] for row in _table("type")}

    def names(one: dict[str, Any], member: str, key: str) -> set[str]:
        return {each[key] for each in one.get(member, ())}

    assert listed == {
        kind: [
            names(one, "interaction", "code"),
            _own_parameters(names(one, "searchParam", "name")),
            {f"${name}" for name in names(one, "operation", "name") - {"validate"}},
        ]
        for kind, one in resources.items()
    }


def test_what_is_said_of_every_type_is_true(resources: dict[str, dict[str, Any]]) -> None:
    kept = [one for one in resources.values() if "read" in str(one.get("interaction"))]
    ours = [one for one in kept if "_lastUpdated" in str(one["searchParam"])]

    assert len(ours) == len(kept) - 4  # the definitions
    for one in [*ours, resources["Bundle"]]:
        assert "validate" in {operation["name"] for operation in one["operation"]}


def test_the_page_shows_the_life_cycle_as_it_is() -> None:
    listed = {row[0]: tuple(row[1:]) for row in _table("businessStatus")}

    assert listed == {
        status.value: (
            STATUSES[status].request.value,
            STATUSES[status].task.value,
            ", ".join(move.name for move in moves_open_to(status, ActorKind.CLIENT)) or "–",
        )
        for status in BusinessStatus
    }


def test_the_page_lists_every_error() -> None:
    assert {int(row[0]): row[1] for row in _table("status")} == {
        status: code for status, (code, _) in CODES.items()
    }


def test_every_place_that_the_page_links_to_is_there() -> None:
    places = re.findall(r"\]\(([^)#]+)\)", PAGE)

    assert places
    assert [place for place in places if not (ROOT / "docs" / place).exists()] == []
