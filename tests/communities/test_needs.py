"""What GPs' needs lead to in the demonstration directory: the table that a clinician can read, and the page it stands on.

``RENEW_NEEDS=1`` with these tests writes what is offered now into needs.csv and docs/matching.md: read the difference.
"""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.utils import timezone

from communities.candidates import as_candidate, candidates
from communities.matching.candidate import Candidate
from communities.matching.need import ACCESS, HOURS, STAGES, Need, Preference
from communities.matching.ranking import Ranked, rank
from communities.matching.sentences import sentence
from communities.models import Community
from communities.selectors import conditions, people_by_condition
from communities.tiers import Tier
from tests.communities.demo_directory import PROJECT, items, rows

pytestmark = pytest.mark.django_db

TABLE = PROJECT / "tests" / "communities" / "needs.csv"
PAGE = PROJECT / "docs" / "matching.md"
NEEDS = rows(TABLE)
MOST = 3
_BEGIN, _END = "<!-- needs -->\n", "<!-- /needs -->\n"


def need_of(row: dict[str, str]) -> Need:
    """A row of needs.csv as the rules see it."""
    keys, wishes = items(row["conditions"]), items(row["preferences"])
    broader = {condition.key: condition.broader for condition in conditions()}
    assert wishes <= set(Preference)
    return Need(
        condition_keys=keys,
        broader_keys=frozenset(broader[key] for key in keys) - {""},
        age=int(row["age"]) if row["age"] else None,
        sex=row["sex"],
        languages=tuple(row["languages"].split("|")) if row["languages"] else (),
        is_carer=Preference.CARER in wishes,
        icb_ods=row["icb_ods"],
        lad_code=row["lad_code"],
        nation=row["nation"],
        access_needs=wishes & ACCESS,
        hours=wishes & HOURS,
        stage=next(iter(wishes & STAGES), ""),
        is_anonymous=Preference.ANONYMOUS in wishes,
        is_elsewhere=Preference.NOT_NEAR_ME in wishes,
        is_at_risk=Preference.KNOWN_RISK in wishes,
    )


def directory(*, with_examples: bool) -> list[Candidate]:
    """All that is listed, with or without what is made up."""
    today = timezone.localdate()
    whole = Community.objects.select_related("host", "capacity").prefetch_related(
        "conditions", "areas", "practices"
    )
    listed = whole.listed_on(today)
    return [
        as_candidate(community, on=today)
        for community in (listed if with_examples else listed.filter(is_fictional=False))
    ]


def best(need: Need, judged: Iterable[Candidate]) -> tuple[Ranked, ...]:
    return rank(need, judged).offers[:MOST]


def names(offers: Iterable[Ranked]) -> str:
    return " > ".join(offer.name for offer in offers)


def test_each_need_is_offered_what_its_row_says() -> None:
    real, whole = directory(with_examples=False), directory(with_examples=True)
    found = [
        {
            **row,
            "offered": names(best(need_of(row), real)),
            "offered_with_examples": names(best(need_of(row), whole)),
        }
        for row in NEEDS
    ]
    if os.environ.get("RENEW_NEEDS"):
        _write(TABLE, found)

    assert found == rows(TABLE)


def test_the_page_shows_what_is_offered_and_why() -> None:
    people, whole = people_by_condition(), directory(with_examples=True)
    lines = ["| need | offered, the best first | why the first |", "|---|---|---|"]
    for row in NEEDS:
        offers = best(need_of(row), whole)
        why = "; ".join(
            sentence(reason, people)
            for offer in offers[:1]
            for reason in (*offer.reasons, *offer.worth_knowing)
        )
        lines.append(f"| {row['need']} | {names(offers).replace(' > ', ', ') or '–'} | {why} |")
    table = "\n".join(lines) + "\n"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    shown, _, after = rest.partition(_END)
    if os.environ.get("RENEW_NEEDS"):
        PAGE.write_text(before + _BEGIN + table + _END + after, encoding="utf-8")
        shown = table

    assert shown == table


def test_the_database_finds_all_that_the_rules_would_offer() -> None:
    """The queries leave out only what no rule would let through."""
    whole = directory(with_examples=True)

    for row in NEEDS:
        found = candidates(need_of(row), on=timezone.localdate())
        assert len(found) < len(whole) / 2
        assert rank(need_of(row), found).offers == rank(need_of(row), whole).offers


def test_unmoderated_unknown_and_unreachable_communities_are_never_offered() -> None:
    judged = {each.community_id: each for each in directory(with_examples=True)}

    for row in NEEDS:
        for offer in rank(need_of(row), judged.values()).offers:
            community = judged[offer.community_id]
            assert community.tier in {Tier.A, Tier.B, Tier.C}
            assert (community.state, community.has_address) == ("open", True)


def test_whoever_can_have_a_choice_has_one() -> None:
    whole = directory(with_examples=True)

    for row in NEEDS:
        offers = rank(need_of(row), whole).offers
        assert len(best(need_of(row), whole)) == min(len(offers), MOST)


def _write(path: Path, table: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
