"""Loading the reference facts and a directory from the project's own tables: repeatable, whole or not at all."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Model
from django.utils.timezone import localdate

from accounts.models import Organisation, OrganisationKind
from accounts.renewing import (
    OrganisationFacts,
    SuccessionFacts,
    renew_organisations,
    renew_successions,
)
from communities.boards import follow_boards
from communities.hours import follows_from, read_hours
from communities.models import (
    Area,
    Community,
    Condition,
    ConditionCode,
    Edition,
    HandOff,
    Listing,
    LocalAuthority,
    Outcode,
    PlaceCode,
)

DATA = Path(__file__).resolve().parent / "data"
REFERENCE = DATA / "reference"
# Any constants: the namespaces of ids.
_COMMUNITIES = UUID("6a1f5b0e-3c57-4d8e-9a6e-2f0c7b8d9e10")
_AREAS = UUID("b7d1c5d4-6f0a-4b1e-8a55-0c9f6f3e2d71")
_NATIONS = ("UK", "England", "Scotland", "Wales", "Northern Ireland")

UNKNOWN = "unknown"
_TEXTS = (
    ("name", "summary", "url", "kind", "format", "state", "moderated_by", "moderation_model")
    + ("cover", "hours_text", "sex", "cost", "access", "anonymity", "search_visibility")
    + ("device_need", "moderator_training", "supervision", "escalation_role", "crisis_policy")
    + ("self_harm_policy", "misinformation_policy", "under_age_policy", "data_controller")
    + ("data_country", "evidence_citation", "fidelity_protocol", "confidence", "source", "note")
)
_CODES = ("data_need", "staffed_by")
_LISTS = ("audience", "languages", "readiness", "accessibility")
_NUMBERS = ("min_age", "max_age", "first_response_minutes", "first_response_p90_minutes")
_DATES = ("evidence_on", "osa_assessed_on")
_FLAGS = {"": None, "yes": True, "no": False}

Row = TypeVar("Row", bound=Model)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@transaction.atomic
def load_reference(*, at: datetime) -> dict[str, int]:
    """Load or renew every reference table; says how many rows each holds."""
    loaded = {
        "conditions": _load_conditions(),
        "ICBs": _load_icbs(at=at),
        "practices": _load_practices(at=at),
        "local authorities": _load_local_authorities(),
        "outcodes": _load_outcodes(),
        "areas": load_areas(at=at),
        "codes of areas": load_place_codes(_place_codes()),
    }
    follow_boards(day=localdate(at), at=at)
    return loaded


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
    if not _has_own_edition("icbs"):
        boards = [board_facts(row) for row in rows(REFERENCE / "icbs.csv")]
        successions = [succession_facts(row) for row in rows(REFERENCE / "icb_successions.csv")]
        renew_organisations(OrganisationKind.ICB, boards, at=at)
        renew_successions(successions, of=[board.ods_code for board in boards])
    return Organisation.objects.filter(kind=OrganisationKind.ICB).count()


def board_facts(row: Mapping[str, str]) -> OrganisationFacts:
    """A row of icbs.csv. Raises ValueError for a date that is none."""
    return OrganisationFacts(
        ods_code=row["ods_code"],
        name=row["name"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
    )


def succession_facts(row: Mapping[str, str]) -> SuccessionFacts:
    """A row of icb_successions.csv. Raises ValueError for a date that is none."""
    try:
        day = date.fromisoformat(row["date"])
    except ValueError:
        raise ValueError(f"{row['date'][:20]!r} is not a date (YYYY-MM-DD)") from None
    return SuccessionFacts(
        predecessor_ods=row["predecessor_ods"],
        successor_ods=row["successor_ods"],
        on_date=day,
        kind=row["type"],
    )


def _has_own_edition(table: str) -> bool:
    """Whether the operator has imported this table: that is newer than what ships with the project."""
    return Edition.objects.filter(table=table).exists()


def _load_practices(*, at: datetime) -> int:
    if not _has_own_edition("practices"):
        practices = [
            OrganisationFacts(
                ods_code=row["ods_code"],
                name=row["name"],
                postcode=row["postcode"],
                icb_ods=row["icb_ods"],
            )
            for row in rows(REFERENCE / "practices.csv")
        ]
        renew_organisations(OrganisationKind.PRACTICE, practices, at=at)
    return Organisation.objects.filter(kind=OrganisationKind.PRACTICE).count()


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
            imd_decile_median=float(row["imd_decile_median"]) if row["imd_decile_median"] else None,
            rural_urban=row["rural_urban"],
        )
        for row in rows(REFERENCE / "outcodes.csv")
    ]
    Outcode.objects.bulk_create(
        outcodes,
        update_conflicts=True,
        unique_fields=["outcode"],
        update_fields=["local_authority", "icb_ods", "country_code", "latitude", "longitude"]
        + ["imd_decile_median", "rural_urban"],
        batch_size=1000,
    )
    return len(outcodes)


def load_areas(*, at: datetime) -> int:
    """The nations, boards and local authorities, all of which a community can be for; says how many."""
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


def _place_codes() -> dict[str, str]:
    """Code → place, of the shipped tables; an operator's table of boards is read by its import."""
    known = {row["code"]: row["place"] for row in rows(REFERENCE / "former_codes.csv")}
    boards = {row["ons_code"]: f"icb:{row['ods_code']}" for row in rows(REFERENCE / "icbs.csv")}
    return known if _has_own_edition("icbs") else known | boards


def load_place_codes(place_of: Mapping[str, str]) -> int:
    """Add or renew codes under which official files know areas (code → place); says how many there are then."""
    areas = dict(Area.objects.values_list("place", "pk"))
    PlaceCode.objects.bulk_create(
        [PlaceCode(code=code, area_id=areas[place]) for code, place in place_of.items()],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["area"],
    )
    return PlaceCode.objects.count()


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
    """Load or renew communities from a table whose columns docs/directory-data.md names. Says how many.

    One that is suspended or closed stays so.
    """
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
        community = Community(
            key=row["id"], id=uuid5(_COMMUNITIES, row["id"]), listing=Listing.LISTED
        )
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
    """The row's columns as the model has them. A column that the table does not have states nothing."""
    as_it_stands = {name: row.get(name) or "" for name in _TEXTS}
    coded = {name: row.get(name) or UNKNOWN for name in _CODES}
    lists = {name: _several(row.get(name, "")) for name in _LISTS}
    numbers = {name: int(row[name]) if row.get(name) else None for name in _NUMBERS}
    flags = {name: _FLAGS[row.get(name, "")] for name in ("can_look_first", "has_in_person")}
    dates = {name: date.fromisoformat(row[name]) if row.get(name) else None for name in _DATES}
    hours = read_hours(row.get("moderator_hours", ""))
    return {
        **as_it_stands,
        **coded,
        **lists,
        **numbers,
        **flags,
        **dates,
        "moderator_hours": hours,
        **(follows_from(hours) if hours else {}),
    }


def _several(text: str) -> list[str]:
    return [word for word in text.split("|") if word]
