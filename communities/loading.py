"""Loading the reference facts and a directory from the project's own tables: repeatable, whole or not at all."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import UUID, uuid5

from django.db import transaction

from accounts.models import Organisation, OrganisationKind, Succession
from communities.models import (
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
_COMMUNITIES = UUID("6a1f5b0e-3c57-4d8e-9a6e-2f0c7b8d9e10")  # any constant: the namespace of ids


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@transaction.atomic
def load_reference() -> dict[str, int]:
    """Load or renew every reference table; says how many rows each holds."""
    return {
        "conditions": _load_conditions(),
        "ICBs": _load_icbs(),
        "practices": _load_practices(),
        "local authorities": _load_local_authorities(),
        "outcodes": _load_outcodes(),
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


def _load_icbs() -> int:
    icbs = [
        Organisation(
            kind=OrganisationKind.ICB,
            ods_code=row["ods_code"],
            name=row["name"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in rows(REFERENCE / "icbs.csv")
    ]
    Organisation.objects.bulk_create(
        icbs,
        update_conflicts=True,
        unique_fields=["ods_code"],
        update_fields=["name", "valid_from", "valid_to"],
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


def _load_practices() -> int:
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
        )
        for row in rows(REFERENCE / "practices.csv")
    ]
    Organisation.objects.bulk_create(
        practices,
        update_conflicts=True,
        unique_fields=["ods_code"],
        update_fields=["name", "postcode", "icb"],
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


@transaction.atomic
def load_directory(
    path: Path, *, is_fictional: bool, reviewed_on: date, review_due: date, reviewed_by: str
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
        # The id follows from the key, so that equal ranks come in the same order everywhere.
        community, _is_new = Community.objects.update_or_create(
            key=row["id"],
            defaults=facts,
            create_defaults={**facts, "id": uuid5(_COMMUNITIES, row["id"])},
        )
        community.conditions.set(Condition.objects.in_bulk(_several(row["conditions"])).values())
        count += 1
    return count


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
            "coverage",
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
