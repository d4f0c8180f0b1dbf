"""How a search parameter reads on the columns of a row: one small class for each kind of column."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q

from integrations.fhir.searching import values
from integrations.fhir.searching.values import BadValue, Moments
from integrations.fhir.systems import normalise

NOTHING = Q(pk__in=())
EVERYTHING = ~NOTHING


@dataclass(frozen=True)
class Asking:
    """What a condition may depend on beside its value: the moment, and the address of this server."""

    at: datetime
    base: str


class Reads(Protocol):
    """A search parameter on the rows of one source."""

    @property
    def type(self) -> str:
        """FHIR's search-param-type."""

    @property
    def modifiers(self) -> frozenset[str]:
        """Those it takes beside ``missing`` (and ``not``, which is the asking's own)."""

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """The rows that the value names. Raises BadValue."""

    def missing(self) -> Q:
        """The rows that have nothing to search here."""


@dataclass(frozen=True, kw_only=True)
class Codes:
    """A token whose codes stand in a column; ``systems`` are those they may be asked in."""

    column: str
    systems: tuple[str, ...] = ()
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows with this code."""
        del modifier
        token = values.token(value)
        if not _is_in(token.system, self.systems, asking):
            return NOTHING
        return Q(**{self.column: token.code}) if token.code else ~self.missing()

    def missing(self) -> Q:
        """Rows without a code."""
        return Q(**{self.column: ""})


@dataclass(frozen=True, kw_only=True)
class Cases:
    """A token whose codes no column holds: each is a condition of its own."""

    cases: Mapping[str, Q]
    systems: tuple[str, ...] = ()
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows in this case."""
        del modifier
        token = values.token(value)
        if not _is_in(token.system, self.systems, asking):
            return NOTHING
        return self.cases.get(token.code, NOTHING) if token.code else EVERYTHING

    def missing(self) -> Q:
        """None lacks it."""
        return NOTHING


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A token of one or several systems, whose codes a function each turns into a condition."""

    find: Mapping[str, Callable[[str], Q]]
    absent: Q = NOTHING
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows with this code, in the system if one is named."""
        del modifier
        token = values.token(value)
        if not token.code:
            raise BadValue("Name the code: system|code.")
        found = NOTHING
        for system, condition in self.find.items():
            if _is_in(token.system, (system,), asking):
                found |= condition(token.code)
        return found

    def missing(self) -> Q:
        """Rows that bear none."""
        return self.absent


@dataclass(frozen=True, kw_only=True)
class Always:
    """A token that is the same on every row of the source."""

    tokens: tuple[tuple[str, str], ...]
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """All rows, or none."""
        del modifier
        token = values.token(value)
        for system, code in self.tokens:
            if _is_in(token.system, (system,), asking) and token.code in ("", code):
                return EVERYTHING
        return NOTHING

    def missing(self) -> Q:
        """None lacks it."""
        return NOTHING if self.tokens else EVERYTHING


@dataclass(frozen=True, kw_only=True)
class Never:
    """What no row of this source is found by: an element that it never has, or (``absent``) one of words alone."""

    type: str
    absent: Q = EVERYTHING
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """None."""
        del value, modifier, asking
        return NOTHING

    def missing(self) -> Q:
        """All of them, or none."""
        return self.absent


@dataclass(frozen=True, kw_only=True)
class Ids:
    """``_id``: the id in a column of UUIDs."""

    column: str
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """The row with this id."""
        del modifier, asking
        found = uuid_of(values.plain(value))
        return Q(**{self.column: found}) if found else NOTHING

    def missing(self) -> Q:
        """None lacks it."""
        return NOTHING


@dataclass(frozen=True, kw_only=True)
class Named:
    """``_id``, or another token, that a function turns into a condition; NOTHING for what is no id."""

    find: Callable[[str], Q]
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """The rows of this id."""
        del modifier, asking
        return self.find(values.plain(value))

    def missing(self) -> Q:
        """None lacks it."""
        return NOTHING


@dataclass(frozen=True, kw_only=True)
class Times:
    """A date whose values are moments in a column; ``is_optional`` when it may be null."""

    column: str
    is_optional: bool = False
    type: str = "date"
    modifiers: frozenset[str] = frozenset()

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows from, until or in a stretch of time."""
        del modifier
        return _compare(self.column, values.moments(value), asking.at)

    def missing(self) -> Q:
        """Rows without a moment."""
        return Q(**{f"{self.column}__isnull": True}) if self.is_optional else NOTHING


@dataclass(frozen=True, kw_only=True)
class Identifiers:
    """A token that a function turns into a condition: identifiers are kept hashed, or in a table of their own.

    The function takes a system in its canonical spelling, or None when it was not asked about, and a value, or ""
    for any in the system. ``absent`` is None where nobody knows: then ``:missing`` is not taken.
    """

    find: Callable[[str | None, str], Q]
    absent: Q | None = NOTHING
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows that bear the identifier."""
        del modifier, asking
        token = values.token(value)
        return self.find(normalise(token.system) if token.system else token.system, token.code)

    def missing(self) -> Q:
        """Rows that bear none."""
        return self.absent or NOTHING


@dataclass(frozen=True, kw_only=True)
class References:
    """A reference whose target's id stands in a column. ``through`` are the target's parameters for chains.

    ``identifier`` finds rows by ``:identifier``, the identifier written into the reference itself. ``namesakes`` are
    types whose resources bear the same id as the target's, such as the Task of a ServiceRequest.
    """

    column: str
    target: str
    namesakes: tuple[str, ...] = ()
    is_optional: bool = False
    through: Mapping[str, Reads] = field(default_factory=dict)
    identifier: Reads | None = None
    type: str = "reference"

    @property
    def targets(self) -> tuple[str, ...]:
        """The types that it leads to."""
        return (self.target, *self.namesakes)

    @property
    def modifiers(self) -> frozenset[str]:
        """The types of the target, and ``identifier`` where it can be searched."""
        return frozenset({*self.targets, *(["identifier"] if self.identifier else [])})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows that point to this target: ``Type/id``, its full address, or the id alone."""
        if modifier == "identifier" and self.identifier:
            return self.identifier.match(value, modifier="", asking=asking)
        if modifier not in ("", *self.targets):
            return NOTHING  # another source of the type leads there
        text = values.plain(value).removeprefix(f"{asking.base}/")
        kind, bar, name = text.partition("/") if "/" in text else ("", "", text)
        if bar and kind not in ((modifier,) if modifier else self.targets):
            return NOTHING
        found = uuid_of(name.partition("/")[0])
        return self.any_of([found]) if found else NOTHING

    def missing(self) -> Q:
        """Rows that point nowhere."""
        return Q(**{f"{self.column}__isnull": True}) if self.is_optional else NOTHING

    def any_of(self, ids: Iterable[UUID]) -> Q:
        """Rows that point to any of these."""
        return Q(**{f"{self.column}__in": list(ids)})

    def target_of(self, row: Any) -> UUID | None:
        """The id that a row points to."""
        for step in self.column.split("__"):
            row = getattr(row, step)
        return row if isinstance(row, UUID) else None

    def targets_of(self, row: Any) -> tuple[UUID, ...]:
        """The ids of all that a row points to."""
        target = self.target_of(row)
        return (target,) if target else ()


@dataclass(frozen=True, kw_only=True)
class ManyReferences(References):
    """References of which a row may have several: ``column`` is a many-to-many relation.

    ``pointing`` gives the keys of the rows that point to any of these ids: a join would show a row once for each.
    """

    pointing: Callable[[list[UUID]], Any]

    def missing(self) -> Q:
        """Rows that point nowhere."""
        return Q(**{f"{self.column}__isnull": True})

    def any_of(self, ids: Iterable[UUID]) -> Q:
        """Rows that point to any of these."""
        return Q(pk__in=self.pointing(list(ids)))

    def targets_of(self, row: Any) -> tuple[UUID, ...]:
        """The ids of all that a row points to."""
        return tuple(target.pk for target in getattr(row, self.column).all())


@dataclass(frozen=True, kw_only=True)
class Texts:
    """A string that any of these columns may hold; compared without regard to case."""

    columns: tuple[str, ...]
    type: str = "string"
    modifiers: frozenset[str] = frozenset({"exact", "contains"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows in which a text begins with this; or holds it, or is it."""
        del asking
        lookup = {"exact": "exact", "contains": "icontains"}.get(modifier, "istartswith")
        found = NOTHING
        for column in self.columns:
            found |= Q(**{f"{column}__{lookup}": values.plain(value)})
        return found

    def missing(self) -> Q:
        """Rows without any text."""
        absent = EVERYTHING
        for column in self.columns:
            absent &= Q(**{column: ""})
        return absent


def uuid_of(text: str) -> UUID | None:
    """An id of ours, or None. Ids are case-sensitive (R4, datatypes)."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def _is_in(asked: str | None, systems: tuple[str, ...], asking: Asking) -> bool:
    """Whether the system that was asked in is one of these; one that begins with "/" is our own."""
    if asked is None:
        return True
    own = (f"{asking.base}{system}" if system.startswith("/") else system for system in systems)
    return normalise(asked) in own


def around(asked: Moments, now: datetime) -> tuple[datetime, datetime]:
    """The stretch that is asked about: ``ap`` widens it by a tenth of how far away it is."""
    slack = abs(now - asked.start) / 10 if asked.prefix == "ap" else timedelta()
    return _shifted(asked.start, -slack), _shifted(asked.end, slack)


def _compare(column: str, asked: Moments, now: datetime) -> Q:
    start, end = around(asked, now)
    before, after = Q(**{f"{column}__lt": start}), Q(**{f"{column}__gte": end})
    within = Q(**{f"{column}__gte": start, f"{column}__lt": end})
    conditions = {
        "ne": before | after,
        "gt": after,
        "sa": after,
        "lt": before,
        "eb": before,
        "ge": within | after,
        "le": within | before,
    }
    return conditions.get(asked.prefix, within)


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment
