"""The ONS Postcode Directory and the National Statistics Postcode Lookup, of any release, as postcodes of ours."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

from communities.boards import Boards
from communities.postcodes import PostcodeFacts
from integrations.geography.lines import FileRefused, Remarks, records, table_name

MEMBER = r"(?<!multi_csv/)\b(ONSPD|NSPL)[^/]*\.csv$"
# ONS renames its columns at each release: what we need, and the names it has had, the best first.
COLUMNS = {
    "postcode": (r"pcds", r"pcd8", r"pcd7", r"pcd2?"),
    "doterm": (r"doterm",),
    "lad": (r"lad\d\dcd", r"(os)?laua"),
    "country": (r"ctry(\d\dcd)?",),
    "icb": (r"icb(\d\dcd)?", r"stp(\d\dcd)?"),
    "lsoa21": (r"lsoa21(cd)?",),
    "imd": (r"imd(\d\dind)?",),
    "ruc": (r"ruc?21ind", r"ruc?11ind"),
    "latitude": (r"lat",),
    "longitude": (r"long",),
}
MAY_BE_MISSING = {"lsoa21", "ruc"}  # in releases before the census of 2021, and in some since
# LSOAs of England, the lowest rank, by index (IoD 2019 on the areas of 2011, as in 2015; IoD 2025 on those of 2021).
ENGLISH_LSOAS = {2019: 32_844, 2025: 33_755}
IOD_2025_PUBLISHED = date(2025, 10, 30)

_POSTCODE = re.compile(r"[A-Z][A-Z0-9]{1,3}[0-9][A-Z]{2}")
_CODE = re.compile(r"[A-Z][0-9]{8}")
_PSEUDO = "99999999"
_NO_LATITUDE = 99.999999
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIRST, _LAST = ord("A"), ord("Z")


@dataclass
class Survey:
    """What a whole file holds, as far as it has been read."""

    postcodes: int = 0
    terminated: int = 0
    without_place: int = 0
    without_position: int = 0
    english_without_board: int = 0
    highest_english_rank: int = 0
    countries: Counter[str] = field(default_factory=Counter)
    boards_followed: Counter[str] = field(default_factory=Counter)
    unknown_authorities: Counter[str] = field(default_factory=Counter)
    northern_irish: int = 0


@dataclass
class PostcodeFile:
    """A file of postcodes. Iterating reads it anew; ``lsoas`` (England's number of them) turns ranks into deciles."""

    path: Path
    boards: Boards
    day: date
    lsoas: int | None = None
    faults: Remarks = field(default_factory=Remarks)
    survey: Survey = field(default_factory=Survey)

    @property
    def name(self) -> str:
        """The name of the table, without folders."""
        return Path(table_name(self.path, MEMBER)).name

    def __iter__(self) -> Iterator[PostcodeFacts]:
        self.faults, self.survey = Remarks(), Survey()
        lines = records(self.path, faults=self.faults, member=MEMBER)
        first, header = next(lines, (0, []))
        if first != 1:
            raise FileRefused(f"{self.path.name} has no header in UTF-8.")
        pick, width = _picker(header, self.path), len(header)
        seen: dict[str, bytearray] = {}
        for number, cells in lines:
            if len(cells) != width:
                self.faults.add(number, f"{len(cells)} cells instead of {width}")
                continue
            cells.append("")
            try:
                facts = self._facts(pick(cells))
                _check_new(facts.postcode, seen)
            except ValueError as error:
                self.faults.add(number, str(error))
                continue
            if self._count(facts):
                yield facts

    def _facts(self, cells: tuple[str, ...]) -> PostcodeFacts:
        postcode, doterm, lad, country, icb, lsoa, imd, ruc, latitude, longitude = cells
        compact = postcode.replace(" ", "").upper()
        if not _POSTCODE.fullmatch(compact):
            raise ValueError(f"{postcode[:20]!r} is not a postcode")
        country_code, rank = _code(country), _rank(imd)
        is_english = country_code[:1] == "E"
        lad_code = self.boards.present_authority(_code(lad))
        position = _position(latitude, longitude)
        return PostcodeFacts(
            postcode=compact,
            lad_code=lad_code,
            icb_ods=self._board(_code(icb), lad_code) if is_english else "",
            lsoa21_code=_code(lsoa),
            imd_rank=rank,
            imd_decile=self._decile(rank) if is_english else None,
            rural_urban=_classification(ruc),
            latitude=position and position[0],
            longitude=position and position[1],
            country_code=country_code,
            terminated_on=_month(doterm) if doterm else None,
        )

    def _board(self, code: str, lad_code: str) -> str:
        if not code:
            return ""
        ods_code = self.boards.ods_code(code)
        if not ods_code:
            raise ValueError(f"the board {code} is not known: load it first with import_ods --icbs")
        board = self.boards.one(ods_code, self.day, lad_code=lad_code)
        if board != ods_code:
            self.survey.boards_followed[f"{ods_code} → {board or 'none that is sure'}"] += 1
        return board

    def _decile(self, rank: int | None) -> int | None:
        if rank is None:
            return None
        self.survey.highest_english_rank = max(self.survey.highest_english_rank, rank)
        return (rank * 10 + self.lsoas - 1) // self.lsoas if self.lsoas else None

    def _count(self, facts: PostcodeFacts) -> bool:
        """Count a postcode; whether it has a place at all."""
        survey, country = self.survey, facts.country_code
        if not country:
            survey.without_place += 1
            return False
        survey.postcodes += 1
        survey.countries[country] += 1
        survey.terminated += facts.terminated_on is not None
        survey.without_position += facts.latitude is None
        survey.northern_irish += facts.postcode.startswith("BT")
        survey.english_without_board += country[0] == "E" and not facts.icb_ods
        if facts.lad_code and not self.boards.is_authority(facts.lad_code):
            survey.unknown_authorities[facts.lad_code] += 1
        return True


def month_of(name: str) -> date | None:
    """The month of a release, told by its file's name: ``ONSPD_AUG_2025_UK.csv`` or ``onspd_2025_08.csv``."""
    if found := re.search(rf"({'|'.join(_MONTHS)})[A-Z]*[_ -]?(20\d\d)", name.upper()):
        return date(int(found[2]), _MONTHS.index(found[1]) + 1, 1)
    if found := re.search(r"(20\d\d)[_-]?(0[1-9]|1[0-2])(?!\d)", name):
        return date(int(found[1]), int(found[2]), 1)
    return None


def index_of(*, release: date, highest_rank: int, asked: int | None) -> int | None:
    """The year of the English index that a release's ranks are of; None when nothing tells. Raises FileRefused."""
    if highest_rank > ENGLISH_LSOAS[asked or 2025]:
        raise FileRefused(
            f"England's rank {highest_rank} is beyond the {ENGLISH_LSOAS[asked or 2025]} areas of"
            f" the index of {asked or 2025}."
        )
    is_before_2025 = release <= IOD_2025_PUBLISHED.replace(day=1)
    if asked == 2025 and is_before_2025:
        raise FileRefused("The index of 2025 is later than this release: say --imd 2019.")
    if asked:
        return asked
    if is_before_2025 or highest_rank == ENGLISH_LSOAS[2019]:
        return 2019
    return 2025 if highest_rank > ENGLISH_LSOAS[2019] else None


def _picker(header: list[str], path: Path) -> Callable[[list[str]], tuple[str, ...]]:
    """Picks the cells that we need, in the order of COLUMNS; for a column that is not there, the one behind the last."""
    names = [name.strip().lower() for name in header]
    places = {}
    for column, alternatives in COLUMNS.items():
        fitting = (
            [name for name in names if re.fullmatch(alternative, name)]
            for alternative in alternatives
        )
        if best := next(filter(None, fitting), None):
            places[column] = names.index(max(best))  # of several years the newest
    missing = [name for name in COLUMNS if name not in places and name not in MAY_BE_MISSING]
    if missing:
        wanted = "; ".join(f"{name} ({' or '.join(COLUMNS[name])})" for name in missing)
        raise FileRefused(f"{path.name} is no ONSPD or NSPL: it has no column for {wanted}.")
    return itemgetter(*(places.get(column, len(names)) for column in COLUMNS))


def _check_new(postcode: str, seen: dict[str, bytearray]) -> None:
    """Notes a postcode in a table of marks for each outcode: a set of all would take ten times the memory."""
    outcode, digit, letters = postcode[:-3], int(postcode[-3]), postcode[-2:]
    letter = (ord(letters[0]) - _FIRST) * 26 + ord(letters[1]) - _FIRST
    marks = seen.get(outcode)
    if marks is None:
        marks = seen[outcode] = bytearray(6760)
    if marks[digit * 676 + letter]:
        raise ValueError(f"{postcode} stands here for the second time")
    marks[digit * 676 + letter] = 1


@lru_cache(maxsize=65_536)
def _code(text: str) -> str:
    """An ONS code; empty for a pseudo code, which says that there is none."""
    code = text.strip()
    if not code or code.endswith(_PSEUDO):
        return ""
    if not _CODE.fullmatch(code):
        raise ValueError(f"{code[:20]!r} is not an ONS code")
    return code


@lru_cache(maxsize=65_536)
def _rank(text: str) -> int | None:
    """A rank; 0 and nothing stand where there is none."""
    if not text.strip().strip("0"):
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise ValueError(f"{text[:20]!r} is not a rank of deprivation")
    return int(text)


@lru_cache(maxsize=1024)
def _month(text: str) -> date:
    if not re.fullmatch(r"[12]\d{3}(0[1-9]|1[0-2])", text):
        raise ValueError(f"{text[:20]!r} is not a month (YYYYMM)")
    return date(int(text[:4]), int(text[4:]), 1)


@lru_cache(maxsize=1024)
def _classification(text: str) -> str:
    code = text.strip()
    if not re.fullmatch(r"[A-Z0-9]{0,4}", code):
        raise ValueError(f"{code[:20]!r} is not a code of a rural–urban classification")
    return "" if code.startswith(("Z9", "9")) else code


def _position(latitude: str, longitude: str) -> tuple[float, float] | None:
    if not latitude.strip():
        return None
    try:
        north, east = float(latitude), float(longitude)
    except ValueError:
        raise ValueError(f"{latitude[:20]!r}, {longitude[:20]!r} is not a position") from None
    if north == _NO_LATITUDE:
        return None
    if not (48 < north < 62 and -10 < east < 3):  # the British Isles
        raise ValueError(f"{latitude[:20]}, {longitude[:20]} is outside the United Kingdom")
    return north, east
