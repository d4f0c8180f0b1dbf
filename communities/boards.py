"""Integrated care boards over time: which one stands for another on a day, and under which codes places are known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Self

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Organisation, OrganisationKind, Succession
from communities.models import LocalAuthority, Outcode, PlaceCode, Postcode

Span = tuple[date | None, date | None]


@dataclass(frozen=True, eq=False)
class Boards:
    """All boards and who took over whom; all local authorities and the board each lies in; other codes of both."""

    spans: Mapping[str, Span]
    later: Mapping[str, frozenset[str]]
    earlier: Mapping[str, frozenset[str]]
    board_of_authority: Mapping[str, str]
    known_as: Mapping[str, str]

    @classmethod
    def load(cls) -> Self:
        """As the tables have them."""
        boards = Organisation.objects.filter(kind=OrganisationKind.ICB)
        spans = {
            ods_code or "": (begins, ends)
            for ods_code, begins, ends in boards.values_list("ods_code", "valid_from", "valid_to")
        }
        pairs = Succession.objects.filter(predecessor__kind=OrganisationKind.ICB).values_list(
            "predecessor__ods_code", "successor__ods_code"
        )
        codes = PlaceCode.objects.values_list("code", "area__place")
        return cls(
            spans=spans,
            later=_grouped((before or "", after or "") for before, after in pairs),
            earlier=_grouped((after or "", before or "") for before, after in pairs),
            board_of_authority=dict(LocalAuthority.objects.values_list("lad_code", "icb_ods")),
            known_as={code: place.partition(":")[2] for code, place in codes},
        )

    def as_of(self, code: str, day: date) -> frozenset[str]:
        """The boards that stand on ``day`` where the board ``code`` (ODS) stands or stood; several after a split."""
        return self._walk(code, day, frozenset())

    @lru_cache(maxsize=65_536)  # noqa: B019  (lives as long as an import)
    def one(self, code: str, day: date, *, lad_code: str = "") -> str:
        """The one board of ``as_of``; of several that of the local authority; empty when that does not settle it."""
        boards = self.as_of(code, day)
        if len(boards) > 1:
            boards &= self.as_of(self.board_of_authority.get(lad_code, ""), day)
        return next(iter(boards)) if len(boards) == 1 else ""

    def ods_code(self, code: str) -> str:
        """The ODS code of the board with this ONS or ODS code; empty when there is none."""
        ods_code = self.known_as.get(code, code)
        return ods_code if ods_code in self.spans else ""

    def present_authority(self, code: str) -> str:
        """The present code of a local authority that may be given by a former one."""
        return self.known_as.get(code, code)

    def is_authority(self, code: str) -> bool:
        """Whether this is a local authority of ours."""
        return code in self.board_of_authority

    def _walk(self, code: str, day: date, seen: frozenset[str]) -> frozenset[str]:
        if code not in self.spans or code in seen:
            return frozenset()
        begins, ends = self.spans[code]
        if ends and day > ends:
            beside = self.later
        elif begins and day < begins:
            beside = self.earlier
        else:
            return frozenset({code})
        found = (self._walk(other, day, seen | {code}) for other in beside.get(code, frozenset()))
        return frozenset().union(*found)


def icb_as_of(code: str, day: date, *, lad_code: str = "") -> str:
    """The board (ODS code) that stands for the board ``code`` on ``day``, before or after mergers and splits.

    A split needs the local authority (ONS code). Empty when nothing settles it. For many, use ``Boards.load()``.
    """
    boards = Boards.load()
    return boards.one(boards.ods_code(code), day, lad_code=boards.present_authority(lad_code))


@transaction.atomic
def follow_boards(*, day: date, at: datetime) -> int:
    """Give places, practices and PCNs of boards that have closed by ``day`` their one successor; says how many rows.

    Where a board was split they stay, until a newer table says where each belongs.
    """
    boards = Boards.load()
    closed = [code for code, (_, ends) in boards.spans.items() if ends and ends < day]
    changed = 0
    for table in (LocalAuthority, Outcode, Postcode):
        rows: QuerySet[Any] = QuerySet(table).filter(icb_ods__in=closed)
        for code in set(rows.values_list("icb_ods", flat=True).distinct()):
            if successor := boards.one(code, day):
                changed += rows.filter(icb_ods=code).update(icb_ods=successor)
    organisations = Organisation.objects.filter(icb__ods_code__in=closed)
    for code in set(organisations.values_list("icb__ods_code", flat=True).distinct()):
        if successor := boards.one(code or "", day):
            board = Organisation.objects.get(ods_code=successor)
            changed += organisations.filter(icb__ods_code=code).update(icb=board, updated_at=at)
    return changed


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}
