"""Recognising a request that was carried out before, by the mark that its sender gave it.

The row of a mark is written before the work and in the same transaction. Whoever sends the same mark meanwhile waits at
its unique constraint: until it is there to be found, or until it is gone because the work was refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from accounts.actors import Actor
from accounts.models import AnsweredRequest, RepeatKind
from privacy.fields import key_ids, keyed_hash, keyed_hashes


class MarkTaken(Exception):
    """The mark came before with another request; the text says what to do."""


class InFlight(Exception):
    """The same request is being carried out at this moment."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A row that a request made, brought up to date or found, at the version it was answered with."""

    resource_type: str
    pk: UUID
    version: int
    at: datetime
    status: int
    is_found: bool = False


class RequestDone(Exception):
    """A request whose sender wants no second answer was carried out before; ``made`` is what came of it."""

    def __init__(self, made: Sequence[Made]) -> None:
        super().__init__("This request was carried out before. Do not send it again.")
        self.made = made


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a client calls a request. ``request`` is all that must be the same when the mark comes again."""

    kind: RepeatKind
    text: str
    request: str = ""


@dataclass(frozen=True)
class Claim:
    """The row of a mark. ``made`` is what came of it before; empty when the work is ours to do."""

    row: AnsweredRequest
    made: tuple[Made, ...]


def claim(mark: Mark, *, by: Actor, at: datetime, may_wait: bool = True) -> Claim:
    """Find what came of this mark, or write its row. To be called in the transaction that does the work.

    Waits while another does the same work, or raises InFlight where it may not. Raises MarkTaken.
    """
    if may_wait and len(settings.FIELD_KEYS) > 1:
        # While keys change, two processes may hash one mark under different keys: the constraint would not see it.
        _stand_in_line(by, mark)
    own = AnsweredRequest.objects.filter(
        client_id=by.id,
        kind=mark.kind,
        mark_hash__in=keyed_hashes(mark.text, purpose=mark.kind),
    )
    row = own.first()
    if row is None and not may_wait and not _is_first(by, mark):
        raise InFlight("The same request is being carried out. Ask again in a moment.")
    if row is None:
        try:
            with transaction.atomic():
                row = _write(mark, by=by, at=at)
        except IntegrityError:
            row = own.get()  # another was quicker, and is done: its row can be seen
    if row.body_hash not in keyed_hashes(mark.request, purpose="request"):
        raise MarkTaken(
            "This was sent before with another request. Give each new request a value of its own."
        )
    return Claim(row, tuple(_read(made) for made in row.outcome))


def remember(claimed: Claim, made: Sequence[Made]) -> None:
    """Keep what came of a mark: which rows, never what they hold."""
    claimed.row.outcome = [_written(one) for one in made]
    claimed.row.save(update_fields=["outcome"])


def _write(mark: Mark, *, by: Actor, at: datetime) -> AnsweredRequest:
    return AnsweredRequest.objects.create(
        client_id=by.id,
        kind=mark.kind,
        mark_hash=keyed_hash(mark.text, purpose=mark.kind),
        body_hash=keyed_hash(mark.request, purpose="request"),
        key_id=key_ids()[0],
        outcome=[],
        answered_at=at,
    )


def keys_of_marks(*, since: datetime) -> dict[str, datetime]:
    """The ids of the keys by which requests answered since then are known, with the newest of each."""
    newest = AnsweredRequest.objects.filter(answered_at__gte=since).values("key_id")
    return dict(newest.annotate(last=Max("answered_at")).values_list("key_id", "last"))


def _stand_in_line(by: Actor, mark: Mark) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_of(by, mark)])


def _is_first(by: Actor, mark: Mark) -> bool:
    """Whether nobody else is at it; SQLite has one writer, so there is never anybody else."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_lock_of(by, mark)])
        return bool(cursor.fetchone()[0])


def _lock_of(by: Actor, mark: Mark) -> int:
    digest = sha256(f"{by.id} {mark.kind} {mark.text}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _written(made: Made) -> dict[str, Any]:
    return {
        "type": made.resource_type,
        "id": str(made.pk),
        "version": made.version,
        "at": made.at.isoformat(),
        "status": made.status,
        "found": made.is_found,
    }


def _read(stored: dict[str, Any]) -> Made:
    return Made(
        resource_type=stored["type"],
        pk=UUID(stored["id"]),
        version=stored["version"],
        at=datetime.fromisoformat(stored["at"]),
        status=stored["status"],
        is_found=stored["found"],
    )
