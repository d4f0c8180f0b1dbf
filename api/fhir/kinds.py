"""A resource type as this server serves it: what it is read from and what writes it decide which interactions there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from accounts.actors import Actor
from accounts.repeating import Made
from api.fhir.sending import Sent
from integrations.fhir.searching.source import Source

Create = Callable[[Sent], Made]
Update = Callable[[UUID, Sent], Made | None]


class Delete(Protocol):
    """Takes a resource away; False for what is foreign or absent."""

    def __call__(self, resource_id: UUID, *, by: Actor, at: datetime) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type.

    ``sources`` are its rows at their newest, ``versions`` every version of them. ``create``, ``update`` and ``delete``
    write: they give what was made, None (or False) for what is foreign or absent, and raise what bars it.
    ``takes_condition``: creates heed If-None-Exist. ``example`` is one that may be created. ``operations`` are names,
    each with its definition's address. ``documentation`` is for whoever reads /metadata.
    """

    resource_type: str
    sources: tuple[Source, ...]
    versions: tuple[Source, ...] = ()
    create: Create | None = None
    update: Update | None = None
    delete: Delete | None = None
    documentation: str = ""
    takes_condition: bool = False
    example: Mapping[str, Any] | None = None
    operations: Mapping[str, str] = field(default_factory=dict)

    @property
    def interactions(self) -> tuple[str, ...]:
        """FHIR's codes for what can be done with the type."""
        offered = {
            "read": bool(self.sources),
            "vread": bool(self.versions),
            "update": self.update is not None,
            "patch": self.update is not None,
            "delete": self.delete is not None,
            "history-instance": bool(self.versions),
            "history-type": bool(self.versions),
            "create": self.create is not None,
            "search-type": bool(self.sources),
        }
        return tuple(code for code, is_offered in offered.items() if is_offered)

    @property
    def search_parameters(self) -> Mapping[str, str]:
        """What the type is searched by, each with FHIR's search-param-type."""
        return {
            name: reads.type for source in self.sources for name, reads in source.parameters.items()
        }


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A resource type without rows: all that is said of it in the CapabilityStatement is said here."""

    resource_type: str
    interactions: tuple[str, ...] = ()
    search_parameters: Mapping[str, str] = field(default_factory=dict)
    operations: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    versions: tuple[Source, ...] = ()
    documentation: str = ""
    takes_condition: bool = False
