"""Loading the reference facts and a directory from the project's own tables: repeatable, whole or not at all."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Model

from accounts.models import Organisation, OrganisationKind, Succession
from communities.models import (
    Area,
    Community,
    Condition,
    ConditionCode,
    HandOff,
    Listing,
    LocalAuthority,
    Outcode,
)

DATA = Path(__file__).resolve().parent / "data"
REFERENCE = DATA / "reference"
# Any constants: the namespaces of ids.
_COMMUNITIES = UUID("6a1f5b0e-3c57-4d8e-9a6e-2f0c7b8d9e10")
_AREAS = UUID("b7d1c5d4-6f0a-4b1e-8a55-0c9f6f3e2d71")
_NATIONS = ("UK", "England", "Scotland", "Wales", "Northern Ireland")

Row = TypeVar("Row", bound=Model)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@transaction.atomic
def load_reference(*, at: datetime) -> dict[str, int]:
    """Load or renew every reference table; says how many rows each holds."""
    return {
        "conditions": _load_conditions(),
        "ICBs": _load_icbs(at=at),
        "practices": _load_practices(at=at),
        "local authorities": _load_local_authorities(),
        "outcodes": _load_outcodes(),
        "areas": _load_areas(at=at),
    }


def _load_conditions() -> int:
    conditions = [Condition(**row) for row in rows(REFERENCE / "conditions.csv")]
    Condition.objects.bulk_create(
        conditions,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["label", "group", "people", "broader"],
    )
    codes = [
        ConditionCode(
            condition_id=row["condition_key"], snomed_code=row["snomed_code"], term=row["term"]
        )
        for row in rows(REFERENCE / "condition_codes.csv")
    ]
    ConditionCode.objects.bulk_create(
        codes,
        update_conflicts=True,
        unique_fields=["snomed_code"],
        update_fields=["condition", "term"],
    )
    return len(conditions)


def _load_icbs(*, at: datetime) -> int:
    icbs = [
        Organisation(
            kind=OrganisationKind.ICB,
            ods_code=row["ods_code"],
            name=row["name"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            updated_at=at,
        )
        for row in rows(REFERENCE / "icbs.csv")
    ]
    facts = ["name", "valid_from", "valid_to"]
    Organisation.objects.bulk_create(
        _changed(icbs, Organisation.objects.filter(kind=OrganisationKind.ICB), "ods_code", facts),
        update_conflicts=True,
        unique_fields=["ods_code"],
        update_fields=[*facts, "updated_at"],
    )
    ids = dict(Organisation.objects.filter(kind=OrganisationKind.ICB).values_list("ods_code", "pk"))
    successions = [
        Succession(
            predecessor_id=ids[row["predecessor_ods"]],
            successor_id=ids[row["successor_ods"]],
            on_date=date.fromisoformat(row["date"]),
            kind=row["type"],
        )
        for row in rows(REFERENCE / "icb_successions.csv")
    ]
    Succession.objects.bulk_create(successions, ignore_conflicts=True)
    return len(icbs)


def _load_practices(*, at: datetime) -> int:
    icbs = dict(
        Organisation.objects.filter(kind=OrganisationKind.ICB).values_list("ods_code", "pk")
    )
    practices = [
        Organisation(
            kind=OrganisationKind.PRACTICE,
            ods_code=row["ods_code"],
            name=row["name"],
            postcode=row["postcode"],
            icb_id=icbs[row["icb_ods"]],
            updated_at=at,
        )
        for row in rows(REFERENCE / "practices.csv")
    ]
    known = Organisation.objects.filter(kind=OrganisationKind.PRACTICE)
    Organisation.objects.bulk_create(
        _changed(practices, known, "ods_code", ["name", "postcode", "icb_id"]),
        update_conflicts=True,
        unique_fields=["ods_code"],
        update_fields=["name", "postcode", "icb", "updated_at"],
        batch_size=1000,
    )
    return len(practices)


def _load_local_authorities() -> int:
    authorities = [LocalAuthority(**row) for row in rows(REFERENCE / "local_authorities.csv")]
    LocalAuthority.objects.bulk_create(
        authorities,
        update_conflicts=True,
        unique_fields=["lad_code"],
        update_fields=["name", "region", "icb_ods"],
    )
    return len(authorities)


def _load_outcodes() -> int:
    known = set(LocalAuthority.objects.values_list("lad_code", flat=True))
    outcodes = [
        Outcode(
            outcode=row["outcode"],
            local_authority_id=row["lad_code"] if row["lad_code"] in known else None,
            icb_ods=row["icb_ods"],
            country_code=row["country_code"],
            latitude=float(row["lat"]) if row["lat"] else None,
            longitude=float(row["lon"]) if row["lon"] else None,
        )
        for row in rows(REFERENCE / "outcodes.csv")
    ]
    Outcode.objects.bulk_create(
        outcodes,
        update_conflicts=True,
        unique_fields=["outcode"],
        update_fields=["local_authority", "icb_ods", "country_code", "latitude", "longitude"],
        batch_size=1000,
    )
    return len(outcodes)


def _load_areas(*, at: datetime) -> int:
    """The nations, boards and local authorities, all of which a community can be for."""
    nations = [Area(place=f"nation:{name}", name=name) for name in _NATIONS]
    boards = [
        Area(place=f"icb:{board.ods_code}", name=board.name, valid_to=board.valid_to)
        for board in Organisation.objects.filter(kind=OrganisationKind.ICB)
    ]
    authorities = [
        Area(place=f"lad:{authority.pk}", name=authority.name)
        for authority in LocalAuthority.objects.all()
    ]
    areas = [*nations, *boards, *authorities]
    for area in areas:
        area.id, area.updated_at = uuid5(_AREAS, area.place), at
    facts = ["name", "valid_to"]
    Area.objects.bulk_create(
        _changed(areas, Area.objects.all(), "place", facts),
        update_conflicts=True,
        unique_fields=["place"],
        update_fields=[*facts, "updated_at"],
    )
    return len(areas)


def _changed(fresh: list[Row], known: Iterable[Row], key: str, facts: list[str]) -> list[Row]:
    """Those rows that are new, or of which a fact differs from what is known."""
    by_key = {getattr(row, key): row for row in known}
    return [
        row
        for row in fresh
        if (old := by_key.get(getattr(row, key))) is None
        or any(getattr(row, name) != getattr(old, name) for name in facts)
    ]


@transaction.atomic
def load_directory(
    path: Path,
    *,
    is_fictional: bool,
    reviewed_on: date,
    review_due: date,
    reviewed_by: str,
    at: datetime,
) -> int:
    """Load or renew communities from a table whose columns docs/directory-data.md names. Says how many."""
    hosts: dict[str, Organisation] = {}
    count = 0
    for row in rows(path):
        host = (
            hosts.get(row["host"])
            or Organisation.objects.get_or_create(kind=OrganisationKind.HOST, name=row["host"])[0]
        )
        hosts[row["host"]] = host
        facts = {
            **_stated(row),
            "host": host,
            "hand_off": HandOff.LINK if is_fictional else HandOff.ADDRESS,
            "listing": Listing.LISTED,
            "reviewed_on": reviewed_on,
            "reviewed_by": reviewed_by,
            "review_due": review_due,
            "is_fictional": is_fictional,
        }
        _write_community(row, facts, at=at)
        count += 1
    return count


def _write_community(row: dict[str, str], facts: dict[str, object], *, at: datetime) -> None:
    """Write a community, unless it stands like this already: then it keeps the moment of its last change."""
    community = Community.objects.filter(key=row["id"]).first()
    conditions = set(Condition.objects.in_bulk(_several(row["conditions"])).values())
    areas = set(Area.objects.filter(place__in=_several(row["coverage"])))
    if community is None:
        # The id follows from the key, so that equal ranks come in the same order everywhere.
        community = Community(key=row["id"], id=uuid5(_COMMUNITIES, row["id"]))
    elif (
        all(getattr(community, name) == fact for name, fact in facts.items())
        and set(community.conditions.all()) == conditions
        and set(community.areas.all()) == areas
    ):
        return
    for name, fact in (facts | {"updated_at": at}).items():
        setattr(community, name, fact)
    community.save()
    community.conditions.set(conditions)
    community.areas.set(areas)


def _stated(row: dict[str, str]) -> dict[str, object]:
    """The columns that go into the model as they stand, or as lists and numbers."""
    as_they_stand = (
        (
            "name",
            "summary",
            "url",
            "kind",
            "format",
            "state",
            "moderated_by",
            "moderation_model",
            "cover",
        )
        + (
            "hours_text",
            "sex",
            "cost",
            "access",
            "anonymity",
            "search_visibility",
            "confidence",
        )
        + ("source", "note")
    )
    return {
        **{name: row[name] for name in as_they_stand},
        "audience": _several(row["audience"]),
        "languages": _several(row["languages"]),
        "min_age": int(row["min_age"]) if row["min_age"] else None,
        "max_age": int(row["max_age"]) if row["max_age"] else None,
    }


def _several(text: str) -> list[str]:
    return [word for word in text.split("|") if word]
