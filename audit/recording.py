"""Writing the audit: called by the use cases, inside the transaction that it records."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit.models import Action, Entry
from privacy.tenancy import current_tenant


class Author(Protocol):
    """Whoever acts: anything with a short label and, where it has one, an organisation."""

    @property
    def label(self) -> str: ...
    @property
    def organisation_id(self) -> UUID | None: ...


def record(
    action: Action,
    *,
    by: Author,
    at: datetime,
    target: str = "",
    detail: dict[str, str | int] | None = None,
) -> None:
    """Add one entry. ``target`` is ``Type/id``; ``detail`` holds codes and counts, never a name or a text."""
    Entry.objects.create(
        at=at,
        action=action,
        actor=by.label,
        organisation_id=by.organisation_id,
        target=target,
        detail=detail or {},
        tenant_id=current_tenant(),
    )


def record_each(
    what: Iterable[tuple[Action, str]],
    *,
    by: Author,
    at: datetime,
    detail: Mapping[Action, Mapping[str, str | int]] | None = None,
) -> None:
    """Add an entry for each action and target, all in one statement; ``detail`` is that of an action."""
    Entry.objects.bulk_create(
        Entry(
            at=at,
            action=action,
            actor=by.label,
            organisation_id=by.organisation_id,
            target=target,
            detail=(detail or {}).get(action, {}),
            tenant_id=current_tenant(),
        )
        for action, target in what
    )


def record_denial(*, by: Author, at: datetime, status: int, address: str, target: str = "") -> None:
    """Add one entry for what was asked for and not shown: at which address, answered with which status.

    The same for what is foreign and what is absent; ``target`` is a well-formed id or nothing, never a sender's text.
    """
    record(
        Action.ACCESS_DENIED,
        by=by,
        at=at,
        target=target,
        detail={"status": status, "address": address},
    )
