"""Tables of the Organisation Data Service: practices (epraccur), their PCNs (ePCN), boards and their successions."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from accounts.renewing import OrganisationFacts, SuccessionFacts
from communities.boards import Boards
from communities.loading import board_facts, succession_facts
from communities.places import Place, place_of
from integrations.geography.lines import FileRefused, Remarks, records
from integrations.geography.names import reading_case

# epraccur: cells by number, counted from 0.
_NAME, _BOARD, _POSTCODE, _OPENED, _CLOSED, _STATUS, _SETTING = 1, 3, 9, 10, 11, 12, 25
_PRACTICE_CELLS = 27
GP_PRACTICE = "RO76"
# ePCN, core partners.
_PCN, _PCN_NAME, _LEFT = 3, 4, 8
_PCN_CELLS = 10

_LONGEST_NAME = 200
_ODS_CODE = re.compile(r"[A-Z0-9]{3,10}")
_BOARD_COLUMNS = {"ods_code", "ons_code", "name", "valid_from", "valid_to"}
_SUCCESSION_COLUMNS = {"predecessor_ods", "successor_ods", "date", "type"}
_KINDS = {"merger", "split", "acquisition"}


@dataclass
class Practices:
    """The GP practices of an epraccur: those that are open, and the days on which others closed."""

    open: list[OrganisationFacts] = field(default_factory=list)
    closed: list[OrganisationFacts] = field(default_factory=list)
    oddities: Remarks = field(default_factory=Remarks)
    left_out: Counter[str] = field(default_factory=Counter)
    followed: int = 0


@dataclass(frozen=True)
class Pcns:
    """The PCNs of an ePCN table and the practices that are in them now (ODS codes)."""

    pcns: list[OrganisationFacts]
    pcn_of: dict[str, str]
    oddities: Remarks


@dataclass(frozen=True)
class BoardTable:
    """Boards, the ONS codes that lead to each (code → place), and their successions."""

    boards: list[OrganisationFacts]
    place_of: dict[str, str]
    successions: list[SuccessionFacts]


def read_practices(
    path: Path, *, boards: Boards, board_of: Mapping[str, str], day: date
) -> Practices:
    """The practices (setting RO76, among others or alone) of an epraccur. Raises FileRefused with all faults.

    A board that has closed by ``day`` gives way to its successor. After a split the full postcode tells which, else
    ``board_of`` (of the practices that we know), else the first half of the postcode.
    """
    found, faults, seen = Practices(), Remarks(), set[str]()
    for number, cells in records(path, faults=faults, member=r"epraccur[^/]*\.csv$"):
        try:
            _check_cells(cells, _PRACTICE_CELLS, seen)
            if GP_PRACTICE in cells[_SETTING].split("|"):
                board = _board(found, cells, boards=boards, board_of=board_of, day=day)
                _take_practice(found, number, cells, board)
        except ValueError as error:
            faults.add(number, str(error))
    if not seen:
        raise FileRefused(f"{path.name} holds no practice.")
    faults.refuse(path)
    return found


def read_pcns(path: Path, *, board_of: Mapping[str, str], day: date) -> Pcns:
    """The PCNs that practices are core partners of on ``day``. ``board_of``: the board of each practice that we know."""
    faults, oddities = Remarks(), Remarks()
    names: dict[str, str] = {}
    pcn_of: dict[str, str] = {}
    for number, cells in records(path, faults=faults, member=r"epcn[^/]*partner[^/]*\.csv$"):
        try:
            _check_cells(cells, _PCN_CELLS)
            left, practice, pcn = _day(cells[_LEFT]), cells[0], cells[_PCN]
            name = _name(cells[_PCN_NAME])
            if not _ODS_CODE.fullmatch(pcn):
                raise ValueError(f"{pcn[:20]!r} is not the ODS code of a PCN")
        except ValueError as error:
            faults.add(number, str(error))
            continue
        if left and left < day:
            continue
        names[pcn] = name
        if practice not in board_of:
            oddities.add(number, f"the practice {practice} is not known here")
        elif pcn_of.setdefault(practice, pcn) != pcn:
            oddities.add(number, f"{practice} is in {pcn_of[practice]} already, {pcn} left out")
    faults.refuse(path)
    if not names:
        raise FileRefused(f"{path.name} holds no PCN.")
    return Pcns(_pcns(names, pcn_of, board_of), pcn_of, oddities)


def read_boards(path: Path, successions: Path | None) -> BoardTable:
    """Tables like icbs.csv and icb_successions.csv in communities/data/reference. Raises FileRefused with all faults."""
    boards, place_of_code = [], {}
    faults, seen = Remarks(), set[str]()
    for number, row in _rows(path, _BOARD_COLUMNS, faults):
        try:
            fact = board_facts(row)
            _check_code(fact.ods_code, seen)
            _name(fact.name)
            if fact.valid_from and fact.valid_to and fact.valid_to < fact.valid_from:
                raise ValueError("valid_to is before valid_from")
            if not re.fullmatch(r"E[0-9]{8}", row["ons_code"]):
                raise ValueError(f"{row['ons_code'][:20]!r} is not an ONS code")
        except ValueError as error:
            faults.add(number, str(error))
            continue
        boards.append(fact)
        place_of_code[row["ons_code"]] = f"icb:{fact.ods_code}"
    faults.refuse(path)
    if not boards:
        raise FileRefused(f"{path.name} holds no board.")
    return BoardTable(boards, place_of_code, _successions(successions, seen) if successions else [])


def _successions(path: Path, boards: set[str]) -> list[SuccessionFacts]:
    faults, found = Remarks(), []
    for number, row in _rows(path, _SUCCESSION_COLUMNS, faults):
        try:
            fact = succession_facts(row)
            if unknown := {fact.predecessor_ods, fact.successor_ods} - boards:
                raise ValueError(f"not in the table of boards: {', '.join(sorted(unknown))}")
            if fact.kind not in _KINDS:
                raise ValueError(f"type is one of: {', '.join(sorted(_KINDS))}")
        except ValueError as error:
            faults.add(number, str(error))
            continue
        if fact in found:
            faults.add(number, "stands twice")
        found.append(fact)
    faults.refuse(path)
    _refuse_circle(path, found)
    return found


def _refuse_circle(path: Path, successions: list[SuccessionFacts]) -> None:
    """Nobody comes after itself, by however many steps."""
    before: dict[str, set[str]] = {}
    for fact in successions:
        before.setdefault(fact.successor_ods, set()).add(fact.predecessor_ods)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise FileRefused(f"{path.name} goes round in a circle: {circle}.") from None


def _rows(path: Path, columns: set[str], faults: Remarks) -> Iterator[tuple[int, dict[str, str]]]:
    header: list[str] = []
    for number, cells in records(path, faults=faults):
        if not header:
            header = cells
            if missing := sorted(columns - set(header)):
                raise FileRefused(f"{path.name} has no column {', '.join(missing)}.")
        elif len(cells) != len(header):
            faults.add(number, f"{len(cells)} cells instead of {len(header)}")
        else:
            yield number, dict(zip(header, cells, strict=True))


def _take_practice(found: Practices, number: int, cells: list[str], board: str) -> None:
    opened, closed, status = _day(cells[_OPENED]), _day(cells[_CLOSED]), cells[_STATUS]
    if opened and closed and closed < opened:
        raise ValueError(f"closed on {closed} and opened on {opened}")
    fact = OrganisationFacts(
        ods_code=cells[0],
        name=_name(cells[_NAME]),
        postcode=_postcode(cells[_POSTCODE]),
        icb_ods=board,
        valid_from=opened,
        valid_to=closed,
    )
    if status == "INACTIVE":
        if closed is None:
            found.oddities.add(number, f"{fact.ods_code} is inactive without a day: left as it was")
        else:
            found.closed.append(fact)
    elif status == "DORMANT":
        found.left_out["dormant"] += 1
    elif status != "ACTIVE":
        raise ValueError(f"the status {status[:20]!r} is not known")
    elif not cells[_BOARD]:
        found.left_out["active without a board (outside England)"] += 1
    elif not fact.icb_ods:
        found.oddities.add(number, f"{fact.ods_code}: {cells[_BOARD]} was split, place unknown")
    else:
        found.open.append(fact)


def _board(
    found: Practices, cells: list[str], *, boards: Boards, board_of: Mapping[str, str], day: date
) -> str:
    """The board of a practice on that day; empty for none, or when nothing tells which."""
    if not cells[_BOARD]:
        return ""
    code = boards.ods_code(cells[_BOARD])
    if not code:
        raise ValueError(f"the board {cells[_BOARD][:10]} is not known: load it first with --icbs")
    candidates = boards.as_of(code, day)
    if candidates != {code}:
        found.followed += cells[_STATUS] == "ACTIVE"
    if len(candidates) > 1:
        return _among(candidates, place_of(cells[_POSTCODE]), board_of.get(cells[0], ""), boards)
    return next(iter(candidates), "")


def _among(candidates: frozenset[str], place: Place | None, known: str, boards: Boards) -> str:
    by_place = ""
    if place:
        by_authority = boards.board_of_authority.get(place.lad_code, "")
        by_place = next((each for each in (place.icb_ods, by_authority) if each in candidates), "")
    if known in candidates and (place is None or place.is_approximate):
        return known
    return by_place


def _pcns(
    names: Mapping[str, str], pcn_of: Mapping[str, str], board_of: Mapping[str, str]
) -> list[OrganisationFacts]:
    """Each PCN in the board of most of its practices."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for practice, pcn in pcn_of.items():
        counts[pcn][board_of[practice]] += 1
    return [
        OrganisationFacts(
            ods_code=pcn,
            name=name,
            icb_ods=max(sorted(counts[pcn]), key=counts[pcn].__getitem__, default=""),
        )
        for pcn, name in names.items()
    ]


def _check_cells(cells: list[str], width: int, seen: set[str] | None = None) -> None:
    if len(cells) != width:
        raise ValueError(f"{len(cells)} cells instead of {width}")
    _check_code(cells[0], set() if seen is None else seen)


def _check_code(code: str, seen: set[str]) -> None:
    if not _ODS_CODE.fullmatch(code):
        raise ValueError(f"{code[:20]!r} is not an ODS code")
    if code in seen:
        raise ValueError(f"{code} stands here for the second time")
    seen.add(code)


def _name(text: str) -> str:
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"the name is longer than {_LONGEST_NAME} characters")
    return reading_case(text)


def _day(text: str) -> date | None:
    """A day as ODS writes it: YYYYMMDD, or nothing."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{8}", text):
        raise ValueError(f"{text[:20]!r} is not a day (YYYYMMDD)")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no day of the calendar") from None


def _postcode(text: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{2,4} ?[0-9][A-Z]{2}|", text.strip().upper()):
        raise ValueError(f"{text[:20]!r} is not a postcode")
    return text.strip().upper()
