"""What there is to hand over as a whole: the resources about patients, each once, as it stood at one moment.

Of a referral that moves on while somebody walks through, the version of that moment is shown: nothing is missed,
nothing comes twice, and whoever asks for what changed since that moment finds the rest.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.actors import Actor
from accounts.scopes import Interaction, is_granted
from integrations.fhir.searching.source import Row, Source, value_at
from integrations.fhir.sources import evidence, patients, referrals

Rows = Callable[[Actor, datetime], QuerySet[Any]]

# What a token must cover of a type that is exported.
EXPORTING = (Interaction.READ, Interaction.SEARCH)


def _known(source: Source) -> Rows:
    """The rows that were there at a moment."""

    def rows(by: Actor, at: datetime) -> QuerySet[Any]:
        return source.rows(by).filter(**{f"{source.moment_column}__lte": at})

    return rows


def _newest(source: Source, *, of: str) -> Rows:
    """The newest versions at a moment; ``of`` is the column that all versions of a resource share."""
    known = _known(source)

    def rows(by: Actor, at: datetime) -> QuerySet[Any]:
        later = known(by, at).filter(**{of: OuterRef(of), "version__gt": OuterRef("version")})
        return known(by, at).filter(~Exists(later))

    return rows


def _not_done(by: Actor, at: datetime) -> QuerySet[Any]:
    """What a practice had been asked at a moment and had not done by then."""
    return _known(_RAISED)(by, at).exclude(done_at__lte=at)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows of one type, walked through in the order of their keys. ``patient`` leads to the patient's id."""

    source: Source
    rows: Rows
    patient: str


_RAISED, _DONE = referrals.PRACTICE_TASK_VERSIONS
_OF_A_REFERRAL = "referral__patient_id"
PARTS = (
    Part(
        source=patients.VERSIONS,
        rows=_newest(patients.VERSIONS, of="patient_id"),
        patient="patient_id",
    ),
    Part(
        source=referrals.SERVICE_REQUEST_VERSIONS,
        rows=_newest(referrals.SERVICE_REQUEST_VERSIONS, of="referral_id"),
        patient=_OF_A_REFERRAL,
    ),
    Part(
        source=referrals.TASK_VERSIONS,
        rows=_newest(referrals.TASK_VERSIONS, of="referral_id"),
        patient=_OF_A_REFERRAL,
    ),
    Part(source=_RAISED, rows=_not_done, patient=_OF_A_REFERRAL),
    Part(source=_DONE, rows=_known(_DONE), patient=_OF_A_REFERRAL),
    Part(source=evidence.PROVENANCE, rows=_known(evidence.PROVENANCE), patient=_OF_A_REFERRAL),
)
TYPES = tuple(dict.fromkeys(part.source.resource_type for part in PARTS))


def covered(types: Collection[str], *, scopes: frozenset[str], by: Collection[str]) -> list[str]:
    """Those types for which the scopes cover each of these interactions."""
    return [
        name
        for name in types
        if all(is_granted(scopes, resource_type=name, interaction=letter) for letter in by)
    ]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Resources of some types as they stood at ``until``: of all patients or of one, changed after ``since`` or ever."""

    types: Collection[str]
    until: datetime
    since: datetime | None = None
    patient_id: UUID | None = None

    def parts(self) -> list[Part]:
        """What is to be walked through, one after the other."""
        return [part for part in PARTS if part.source.resource_type in self.types]

    def rows(self, part: Part, *, by: Actor, behind: str = "") -> QuerySet[Any]:
        """The rows of a part that this actor sees, in order; those behind the row with this key."""
        rows = part.rows(by, self.until)
        if self.since:
            rows = rows.filter(**{f"{part.source.moment_column}__gt": self.since})
        if self.patient_id:
            rows = rows.filter(**{part.patient: self.patient_id})
        if behind:
            rows = rows.filter(**{f"{part.source.key_column}__gt": part.source.key(behind)})
        return rows.order_by(part.source.key_column)


def key_of(part: Part, row: Row) -> str:
    """The key of a row, as text."""
    return str(value_at(row, part.source.key_column))


def walk(
    selection: Selection, *, by: Actor, part: int = 0, behind: str = "", most: int
) -> Iterator[tuple[int, Row]]:
    """Up to ``most`` rows from a place on, each with the number of its part."""
    for number, one in list(enumerate(selection.parts()))[part:]:
        found = list(selection.rows(one, by=by, behind=behind)[:most])
        yield from ((number, row) for row in found)
        most, behind = most - len(found), ""
        if not most:
            return
