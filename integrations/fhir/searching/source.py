"""A source: the rows behind a resource type, how they are searched, and how they are shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.expressions import Combinable

from accounts.actors import Actor
from audit.models import Action
from integrations.fhir.searching.reads import Ids, Reads, References, Times
from integrations.fhir.searching.terms import ReferenceTerms

Row = Any


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows that are shown as resources of one type. A type may have several sources.

    ``rows`` gives them as far as the actor may see them. ``key_column``, ``moment_column`` and ``version`` are paths
    from the row (a version may be the same for all); keys order the rows of one moment, and ``key`` reads one.
    ``show`` makes the resource of a row for the server's base address; ``name`` and ``ids`` are for rows whose id is
    not the key. ``trace`` names what the audit must say was read with a row. ``sorts`` are the expressions for sorting
    by dates that no column holds; a row without such a date needs another in its place. ``is_deletion`` tells the
    version by which a resource was deleted.
    """

    resource_type: str
    rows: Callable[[Actor], QuerySet[Any]]
    key_column: str
    moment_column: str
    show: Callable[[Row, str], dict[str, Any]]
    version: str | int = 1
    key: Callable[[str], Any] = UUID
    name: Callable[[Row], str] | None = None
    ids: Reads | None = None
    reads: Mapping[str, Reads] = field(default_factory=dict)
    trace: Callable[[Row], tuple[Action, str]] | None = None
    sorts: Mapping[str, Combinable] = field(default_factory=dict)
    is_deletion: Callable[[Row], bool] = lambda _row: False

    @property
    def parameters(self) -> dict[str, Reads]:
        """What the rows are searched by, the parameters of every resource among them."""
        return {
            "_id": self.ids or Ids(column=self.key_column),
            "_lastUpdated": Times(column=self.moment_column),
            **self.reads,
        }

    def reference(self, name: str) -> References | None:
        """The parameter of this name, if it is a reference that can be followed."""
        found = self.reads.get(name)
        return found if isinstance(found, References) else None

    def chained(self, name: str, chain: str, kind: str = "") -> Reads | None:
        """The parameter ``chain`` of what the reference ``name`` leads to, of this type if one is given."""
        found = self.reads.get(name)
        if isinstance(found, References) and kind in ("", *found.targets):
            return found.through.get(chain)
        if isinstance(found, ReferenceTerms) and not kind:
            return found.through.get(chain)  # of what type the target is nobody knows
        return None

    def id_of(self, row: Row) -> str:
        """The id of the resource that a row is."""
        return self.name(row) if self.name else str(value_at(row, self.key_column))

    def moment_of(self, row: Row) -> datetime:
        """When this version came to be."""
        found: datetime = value_at(row, self.moment_column)
        return found

    def version_of(self, row: Row) -> int:
        """Which version a row is."""
        return self.version if isinstance(self.version, int) else int(value_at(row, self.version))


Sources = Mapping[str, Sequence[Source]]


def value_at(row: Row, path: str) -> Any:
    """What a path of column names leads to."""
    for step in path.split("__"):
        row = getattr(row, step)
    return row
