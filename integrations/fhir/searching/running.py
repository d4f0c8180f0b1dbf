"""Carrying out a search: the page of rows from one or several sources, and what is included with them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from integrations.fhir.outcome import Finding
from integrations.fhir.searching import paging
from integrations.fhir.searching.paging import Cursor
from integrations.fhir.searching.query import Criterion, Include, NotUnderstood, Search
from integrations.fhir.searching.reads import NOTHING, Asking, Times, uuid_of
from integrations.fhir.searching.source import Row, Source, Sources, value_at
from integrations.fhir.searching.values import BadValue

_MOST_INCLUDED = 500
_MOST_ROUNDS = 3
_COUNTED = ("accurate", "estimate")
_SORTED_BY = "sorted_by"


@dataclass(frozen=True)
class Found:
    """A row and the source that shows it."""

    source: Source
    row: Row

    @property
    def name(self) -> tuple[str, str]:
        """Type and id."""
        return self.source.resource_type, self.source.id_of(self.row)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of what was found, with the cursors of its neighbours and, where known, how many there are in all."""

    found: tuple[Found, ...]
    included: tuple[Found, ...] = ()
    total: int | None = None
    following: str = ""
    preceding: str = ""


def run(
    search: Search, *, sources: Sequence[Source], every: Sources, by: Actor, asking: Asking
) -> Page:
    """The page that a search asks for. Raises NotUnderstood for values and cursors that mean nothing."""
    lists = [
        (source, source.rows(by).filter(_condition(search, source, every, by, asking)))
        for source in sources
    ]
    return page(search, lists, every=every, by=by, path=sources[0].resource_type)


def versions(
    search: Search, *, sources: Sequence[Source], resource_id: str, by: Actor, asking: Asking
) -> Page:
    """A page of the versions of one resource, or of all (``resource_id`` empty). Raises NotUnderstood."""
    lists = []
    for source in sources:
        rows = source.rows(by)
        if resource_id:
            rows = rows.filter(named(source, resource_id, asking=asking))
        if search.since:
            rows = rows.filter(**{f"{source.moment_column}__gte": search.since.start})
        lists.append((source, rows))
    path = f"{sources[0].resource_type}/{resource_id}/_history"
    return page(search, lists, every={}, by=by, path=path)


def named(source: Source, resource_id: str, *, asking: Asking) -> Q:
    """The rows of the resource with this id."""
    return source.parameters["_id"].match(resource_id, modifier="", asking=asking)


def page(
    search: Search,
    lists: Sequence[tuple[Source, QuerySet[Any]]],
    *,
    every: Sources,
    by: Actor,
    path: str,
) -> Page:
    """One page of several lists of rows as of one, at an address of which ``path`` is the end.

    Rows are counted for those who ask for it; how many a first page holds that is the last is known without.
    Raises NotUnderstood for a cursor that was made up, or given to somebody else or elsewhere.
    """
    if search.summary == "count":
        return Page(found=(), total=_count(lists))
    asked = [(name, value) for name, value in search.used if name != "_count"]
    mark = str((by.id, path, asked))
    cursor = _cursor(search, mark)
    is_backward = bool(cursor and cursor.is_backward)
    is_descending = search.sort.startswith("-") != is_backward
    found = list(_candidates(search, lists, cursor, is_descending=is_descending))
    found.sort(key=lambda item: item[:3], reverse=is_descending)
    is_more, shown = len(found) > search.count, found[: search.count]
    if is_backward:
        shown.reverse()
    links = _links(shown, mark, is_more=is_more, cursor=cursor)
    matches = tuple(Found(lists[place][0], row) for _, place, _, row in shown)
    total = len(matches) if not (cursor or is_more) else None
    if total is None and search.total in _COUNTED:
        total = _count(lists)
    return Page(
        found=matches,
        included=tuple(_included(search, matches, every, by)),
        total=total,
        following=links[0],
        preceding=links[1],
    )


def _count(lists: Sequence[tuple[Source, QuerySet[Any]]]) -> int:
    return sum(rows.count() for _, rows in lists)


def _candidates(
    search: Search,
    lists: Sequence[tuple[Source, QuerySet[Any]]],
    cursor: Cursor | None,
    *,
    is_descending: bool,
) -> Iterator[tuple[Any, ...]]:
    """From each list as many rows as the page may need of it, each with what it is sorted by."""
    sign = "-" if is_descending else ""
    for place, (source, every_row) in enumerate(lists):
        column, rows = _sortable(source, every_row, search.sort.removeprefix("-"))
        if cursor:
            rows = rows.filter(_behind(source, place, column, cursor, is_descending=is_descending))
        ordered = rows.order_by(f"{sign}{column}", f"{sign}{source.key_column}")
        for row in ordered[: search.count + 1]:
            yield value_at(row, column), place, value_at(row, source.key_column), row


def _links(
    shown: list[tuple[Any, ...]], mark: str, *, is_more: bool, cursor: Cursor | None
) -> tuple[str, str]:
    if not shown:
        return "", ""
    is_backward = bool(cursor and cursor.is_backward)
    has_next = is_more or is_backward
    has_previous = is_more if is_backward else cursor is not None
    return (
        _link(shown[-1], mark) if has_next else "",
        _link(shown[0], mark, is_backward=True) if has_previous else "",
    )


def _link(item: tuple[Any, ...], mark: str, *, is_backward: bool = False) -> str:
    moment, place, key, _row = item
    cursor = Cursor(moment=moment, place=place, key=str(key), is_backward=is_backward)
    return paging.write(cursor, search=mark)


def _cursor(search: Search, mark: str) -> Cursor | None:
    if not search.cursor:
        return None
    try:
        return paging.read(search.cursor, search=mark)
    except paging.BadCursor:
        text = (
            "This is not a link that this server gave for this search. Begin again without _cursor."
        )
        raise NotUnderstood(
            [Finding("error", "value", text, "http._cursor", "REC_BAD_REQUEST")]
        ) from None


def _sortable(source: Source, rows: QuerySet[Any], name: str) -> tuple[str, QuerySet[Any]]:
    """The column that a list is sorted by, and the list with it."""
    if name in source.sorts:
        return _SORTED_BY, rows.annotate(**{_SORTED_BY: source.sorts[name]})
    reads = source.parameters[name]
    assert isinstance(reads, Times)  # noqa: S101 - sortable_by offers no other
    return reads.column, rows


def _behind(source: Source, place: int, column: str, cursor: Cursor, *, is_descending: bool) -> Q:
    """Of the list at a place, the rows behind the cursor: lists of one moment stand one after the other."""
    beyond = "lt" if is_descending else "gt"
    later = Q(**{f"{column}__{beyond}": cursor.moment})
    if place == cursor.place:
        key = {f"{source.key_column}__{beyond}": source.key(cursor.key)}
        return later | Q(**{column: cursor.moment}, **key)
    comes_after = (place > cursor.place) is not is_descending
    return later | Q(**{column: cursor.moment}) if comes_after else later


def _condition(search: Search, source: Source, every: Sources, by: Actor, asking: Asking) -> Q:
    whole, faults = Q(), []
    for criterion in search.criteria:
        try:
            whole &= _one(criterion, source, every, by, asking)
        except BadValue as bad:
            place = f"http.{criterion.name}"
            faults.append(Finding("error", "value", str(bad), place, "REC_BAD_REQUEST"))
    if faults:
        raise NotUnderstood(faults)
    return whole


def _one(criterion: Criterion, source: Source, every: Sources, by: Actor, asking: Asking) -> Q:
    if criterion.has:
        return _pointed_at(criterion, source, every, by, asking)
    reads = source.parameters.get(criterion.name)
    if criterion.chain:
        reads = source.chained(criterion.name, criterion.chain, criterion.kind)
    if reads is None:
        is_absence = (criterion.modifier, criterion.values) == ("missing", ("true",))
        return Q() if is_absence or criterion.modifier == "not" else NOTHING
    if criterion.modifier == "missing":
        return reads.missing() if criterion.values == ("true",) else ~reads.missing()
    matching = NOTHING
    for value in criterion.values:
        modifier = "" if criterion.modifier == "not" else criterion.modifier
        matching |= reads.match(value, modifier=modifier, asking=asking)
    return ~matching if criterion.modifier == "not" else matching


def _pointed_at(
    criterion: Criterion, source: Source, every: Sources, by: Actor, asking: Asking
) -> Q:
    """Those that another resource points to which meets the criterion (``_has``)."""
    kind, reference = criterion.has or ("", "")
    ids = source.parameters["_id"]
    pointed = NOTHING
    for pointing in every[kind]:
        link = pointing.reference(reference)
        if link and source.resource_type in link.targets:
            plain = replace(criterion, has=None)
            rows = pointing.rows(by).filter(_one(plain, pointing, every, by, asking))
            pointed |= Q(**{f"{getattr(ids, 'column', 'pk')}__in": rows.values(link.column)})
    return pointed


def _included(
    search: Search, matches: tuple[Found, ...], every: Sources, by: Actor
) -> Iterator[Found]:
    """What the includes add, each once and none that was found itself."""
    seen = {found.name for found in matches}
    newest: Sequence[Found] = matches
    for turn in range(_MOST_ROUNDS):
        includes = [one for one in search.includes if turn == 0 or one.is_iterated]
        fresh = []
        for include in includes:
            for found in _follow(include, newest, every, by):
                if found.name not in seen and len(seen) < _MOST_INCLUDED + len(matches):
                    seen.add(found.name)
                    fresh.append(found)
        if not fresh:
            return
        yield from fresh
        newest = fresh


def _follow(include: Include, found: Iterable[Found], every: Sources, by: Actor) -> Iterator[Found]:
    if include.is_reverse:
        yield from _pointing(include, found, every, by)
        return
    targets: dict[str, set[Any]] = {}
    for one in found:
        link = one.source.reference(include.parameter)
        if link and one.source.resource_type == include.resource_type:
            for kind in link.targets:
                if include.target in ("", kind):
                    targets.setdefault(kind, set()).update(link.targets_of(one.row))
    for kind, ids in targets.items():
        for source in every.get(kind, ()):
            rows = source.rows(by).filter(**{f"{source.key_column}__in": ids})
            yield from (Found(source, row) for row in rows.order_by(source.key_column))


def _pointing(
    include: Include, found: Iterable[Found], every: Sources, by: Actor
) -> Iterator[Found]:
    ids: dict[str, list[Any]] = {}
    for one in found:
        name = uuid_of(one.name[1])
        if name:
            ids.setdefault(one.name[0], []).append(name)
    for source in every.get(include.resource_type, ()):
        link = source.reference(include.parameter)
        pointed = [name for kind in (link.targets if link else ()) for name in ids.get(kind, ())]
        if link and pointed:
            rows = source.rows(by).filter(link.any_of(pointed))
            ordered = rows.order_by(source.moment_column, source.key_column)
            yield from (Found(source, row) for row in ordered[:_MOST_INCLUDED])
