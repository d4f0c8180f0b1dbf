"""Carrying what ODS tables say into the house: boards, practices, PCNs. Each says in lines what it did."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from accounts.models import Organisation, OrganisationKind
from accounts.renewing import (
    Changes,
    renew_organisations,
    renew_pcn_members,
    renew_successions,
)
from communities.boards import Boards
from communities.loading import load_areas, load_place_codes
from communities.postcodes import note_edition
from integrations.geography.lines import SHOWN, FileRefused, Remarks
from integrations.geography.ods import read_boards, read_pcns, read_practices


def renew_boards_from(path: Path, successions: Path | None, *, at: datetime) -> Iterator[str]:
    """Boards, their validity, ONS codes and successions. Raises FileRefused."""
    table = read_boards(path, successions)
    changes = renew_organisations(OrganisationKind.ICB, table.boards, at=at)
    added = 0
    if successions:
        codes = [board.ods_code for board in table.boards]
        added = renew_successions(table.successions, of=codes)
    load_areas(at=at)
    load_place_codes(table.place_of)
    note_edition("icbs", path.name, rows=len(table.boards), at=at)
    yield _said("ICBs", changes)
    yield f"successions: {added} added"


def renew_practices_from(path: Path, *, day: date, at: datetime) -> Iterator[str]:
    """Practices that are open, and the ends of those that we know. Raises FileRefused."""
    known = _boards_of_practices()
    found = read_practices(path, boards=Boards.load(), board_of=known, day=day)
    if not found.open:
        raise FileRefused(f"{path.name} holds no GP practice that is open.")
    ended = [
        replace(fact, icb_ods=known[fact.ods_code])
        for fact in found.closed
        if fact.ods_code in known
    ]
    changes = renew_organisations(OrganisationKind.PRACTICE, [*found.open, *ended], at=at)
    note_edition("practices", path.name, rows=len(found.open), at=at)
    yield _said("practices", changes)
    yield f"practices: {found.followed} had a board that has closed and went to its successor"
    for why, count in sorted(found.left_out.items()):
        yield f"practices: {count} left out: {why}"
    yield from _odd(found.oddities)
    named = {fact.ods_code for fact in (*found.open, *found.closed)}
    if absent := sorted(known.keys() - named):
        yield (
            f"practices: {len(absent)} of ours are not open in the file and stay as they are: "
            + (", ".join(absent[:SHOWN]))
        )


def renew_pcns_from(path: Path, *, day: date, at: datetime) -> Iterator[str]:
    """PCNs and the practices in each. Raises FileRefused."""
    found = read_pcns(path, board_of=_boards_of_practices(), day=day)
    changes = renew_organisations(OrganisationKind.PCN, found.pcns, at=at)
    moved = renew_pcn_members(found.pcn_of, at=at)
    note_edition("pcns", path.name, rows=len(found.pcns), at=at)
    yield _said("PCNs", changes)
    yield f"PCNs: {moved} practices have another PCN than before"
    yield from _odd(found.oddities)


def _boards_of_practices() -> dict[str, str]:
    """The ODS code of each practice that we know, and of its board."""
    practices = Organisation.objects.filter(kind=OrganisationKind.PRACTICE)
    pairs = practices.values_list("ods_code", "icb__ods_code")
    return {code or "": board or "" for code, board in pairs}


def _said(what: str, changes: Changes) -> str:
    counts = {
        "added": changes.added,
        "changed": changes.changed,
        "closed": changes.closed,
        "open again": changes.reopened,
    }
    said = ", ".join(f"{len(codes)} {word}" for word, codes in counts.items())
    closed = f" (closed: {', '.join(changes.closed[:SHOWN])})" if changes.closed else ""
    return f"{what}: {said}, {changes.unchanged} as they were{closed}"


def _odd(oddities: Remarks) -> Iterator[str]:
    if oddities.count:
        yield f"{oddities.count} oddities:\n{oddities}"
