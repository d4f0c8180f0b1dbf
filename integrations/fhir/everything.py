"""Everything about one patient, page by page: the Patient, the referrals, their Tasks, and the Provenance of each step."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actors import Actor
from accounts.scopes import Interaction
from audit.models import Action
from audit.recording import record_each
from integrations.fhir.exports import contents
from integrations.fhir.exports.asking import SINCE, TYPE, asked, types_for
from integrations.fhir.exports.contents import Selection, key_of
from integrations.fhir.outcome import Refused, malformed
from integrations.fhir.searching import bundle, paging
from integrations.fhir.searching.paging import BadCursor, Cursor
from integrations.fhir.searching.query import CURSOR, MOST, Search
from integrations.fhir.searching.running import Found, Page
from integrations.fhir.systems import fhir_base
from referrals import selectors

_COUNT = "_count"


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What is asked about a patient; ``used`` is how the self link says it, the types too when they are not all."""

    types: list[str]
    since: datetime | None
    count: int
    cursor: str
    used: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a page begins: behind the row ``key`` of a part, in what there was at ``until``."""

    until: datetime
    part: int = 0
    key: str = ""


def everything_of(
    patient_id: UUID, pairs: Iterable[tuple[str, str]], *, base_url: str, by: Actor, at: datetime
) -> dict[str, Any] | None:
    """The searchset about a patient as far as the asker's scopes go; None: foreign and absent are alike.

    Every page is of the moment of the first. Raises Refused (400, 403).
    """
    if selectors.patient_of(by, patient_id) is None:
        return None
    wanted = _read(pairs, scopes=by.scopes)
    mark = f"{patient_id} {wanted.types} {wanted.since}"
    place = _place(wanted.cursor, mark) if wanted.cursor else _Place(until=at)
    selection = Selection(
        types=wanted.types, until=place.until, since=wanted.since, patient_id=patient_id
    )
    page = _page(selection, place, count=wanted.count, mark=mark, by=by)
    traces = [(Action.PATIENT_READ, f"Patient/{patient_id}")]
    traces += [one.source.trace(one.row) for one in page.found if one.source.trace]
    record_each(dict.fromkeys(traces), by=by, at=at)
    return bundle.searchset(
        Search(used=wanted.used, cursor=wanted.cursor),
        page,
        {one.name: one.source.show(one.row, base_url) for one in page.found},
        base=fhir_base(base_url),
        path=f"Patient/{patient_id}/$everything",
    )


def _page(selection: Selection, place: _Place, *, count: int, mark: str, by: Actor) -> Page:
    walked = contents.walk(selection, by=by, part=place.part, behind=place.key, most=count + 1)
    rows, parts, following = list(walked), selection.parts(), ""
    if len(rows) > count:
        number, row = rows[count - 1]
        key = f"{number} {key_of(parts[number], row)}"
        following = paging.write(Cursor(moment=selection.until, key=key), search=mark)
    return Page(
        found=tuple(Found(parts[number].source, row) for number, row in rows[:count]),
        total=sum(selection.rows(part, by=by).count() for part in parts),
        following=following,
    )


def _read(pairs: Iterable[tuple[str, str]], *, scopes: frozenset[str]) -> _Wanted:
    parameters = asked(pairs, TYPE, SINCE, _COUNT, CURSOR)
    named, since = parameters.types(), parameters.since()
    count = (parameters.given[_COUNT] or [str(MOST)])[-1]
    if not (count.isascii() and count.isdecimal() and len(count) <= 9 and int(count)):
        parameters.refuse("value", "_count is a whole number from 1.")
    if parameters.faults:
        raise Refused(400, parameters.faults)
    types = types_for(named, scopes=scopes, by=(Interaction.READ,))
    used = {SINCE: "".join(parameters.given[SINCE]), _COUNT: str(min(int(count), MOST))}
    if tuple(types) != contents.TYPES:
        used[TYPE] = ",".join(types)
    return _Wanted(
        types=types,
        since=since,
        count=min(int(count), MOST),
        cursor="".join(parameters.given[CURSOR]),
        used=tuple((name, value) for name, value in used.items() if value),
    )


def _place(cursor: str, mark: str) -> _Place:
    try:
        found = paging.read(cursor, search=mark)
    except BadCursor:
        text = "This is not a link that this server gave for this patient. Begin again without _cursor."
        raise Refused(400, [malformed("value", text, f"http.{CURSOR}")]) from None
    part, _, key = found.key.partition(" ")
    return _Place(until=found.moment, part=int(part), key=key)
