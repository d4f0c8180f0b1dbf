"""The reference tables and the demonstration directory, read slowly and plainly for the tests."""

import csv
from pathlib import Path

from communities.matching.candidate import Candidate
from communities.tiers import (
    Cover,
    ModeratedBy,
    Moderation,
    ModerationModel,
    SearchVisibility,
    tier_of,
)

PROJECT = Path(__file__).parents[2]
DATA = PROJECT / "communities" / "data"


def rows(path: Path) -> list[dict[str, str]]:
    """Every row of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def items(cell: str) -> frozenset[str]:
    """The values of a cell that holds several, separated by ``|``."""
    return frozenset(cell.split("|")) if cell else frozenset()


CONDITIONS = {row["key"]: row for row in rows(DATA / "reference" / "conditions.csv")}
REAL = rows(DATA / "demo" / "communities.csv")
FICTIONAL = rows(DATA / "demo" / "fictional.csv")


def moderation_of(row: dict[str, str]) -> Moderation:
    """What a row of the directory says about moderation."""
    return Moderation(
        moderated_by=ModeratedBy(row["moderated_by"]),
        model=ModerationModel(row["moderation_model"]),
        cover=Cover(row["cover"]),
        search_visibility=SearchVisibility(row["search_visibility"]),
        has_named_host=row["host"] != "unknown",
        has_published_hours=bool(row["hours_text"]),
        is_public_social_group=row["kind"] == "public_social_group",
        has_stated_training=bool(row.get("moderator_training")),
        has_stated_first_response=bool(row.get("first_response_minutes")),
        has_crisis_policy=bool(row.get("crisis_policy")),
        has_escalation_role=bool(row.get("escalation_role")),
        is_supervised=bool(row.get("supervision")),
    )


def candidate_of(row: dict[str, str]) -> Candidate:
    """A row of the directory as the ranking sees it."""
    moderation = moderation_of(row)
    return Candidate(
        community_id=row["id"],
        name=row["name"],
        kind=row["kind"],
        condition_keys=items(row["conditions"]),
        audience=items(row["audience"]),
        tier=tier_of(moderation),
        moderated_by=moderation.moderated_by,
        cover=moderation.cover,
        search_visibility=moderation.search_visibility,
        anonymity=row["anonymity"],
        coverage=items(row["coverage"]),
        languages=items(row["languages"]),
        state=row["state"],
        access=row["access"],
        confidence=row["confidence"],
        has_address=bool(row["url"]),
        min_age=int(row["min_age"]) if row["min_age"] else None,
        max_age=int(row["max_age"]) if row["max_age"] else None,
        sex=row["sex"],
    )
