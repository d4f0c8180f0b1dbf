"""Verifying the chain: every seal is worked out again and compared, in steps that hold no lock for long."""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Count, Exists, Min, OuterRef

from audit.chain import Head, canonical, following
from audit.models import Entry, Seal
from audit.sealing import KEY_PURPOSE
from privacy.fields import derived_keys

STEP = 5_000
HEADS_AT_ONCE = 900  # older SQLite takes 999 parameters


class ChainBroken(Exception):
    """The audit is not what was sealed. The text says where."""


def verify_next(head: Head) -> Head:
    """Verify up to STEP seals after this head and return the new head: the same one at the end of the chain."""
    keys = derived_keys(KEY_PURPOSE)
    try:
        rows = _sealed(after=head.position)
    except DatabaseError as error:
        raise ChainBroken(
            f"Between position {head.position + 1} and {head.position + STEP}: the rows cannot be read."
        ) from error
    for position, entry_id, key_id, mac, text in rows:
        place = f"Position {head.position + 1}"
        if position != head.position + 1:
            raise ChainBroken(f"{place}: the seal is missing; the next is at {position}.")
        if text is None:
            raise ChainBroken(f"{place}: entry {entry_id} is sealed there and missing.")
        if key_id not in keys:
            raise ChainBroken(
                f"{place}: entry {entry_id} is sealed under key {key_id}, which is not in FIELD_KEYS."
            )
        head = following(head, key=keys[key_id], text=text)
        if head.mac != bytes(mac):
            raise ChainBroken(f"{place}: entry {entry_id} or its seal has been changed.")
    return head


def verify_heads(lines: Iterator[str]) -> int | None:
    """Compare some heads that were written down outside with the chain; None when there are no more lines."""
    taken = list(islice(lines, HEADS_AT_ONCE))
    written = [head for head in map(_read, taken) if head]
    stored = {
        position: bytes(mac)
        for position, mac in Seal.objects.filter(
            position__in={head.position for head in written}
        ).values_list("position", "mac")
    }
    for head in written:
        if head.position not in stored:
            raise ChainBroken(
                f"Position {head.position}: it was sealed, as the file of heads says, and the chain ends before it."
            )
        if stored[head.position] != head.mac:
            raise ChainBroken(
                f"Position {head.position}: the chain was made anew after the file of heads was written."
            )
    return len(written) if taken else None


def verify_all_is_sealed(*, before: datetime) -> None:
    """What is older than this must have a place in the chain: unsealed, it could be changed unseen."""
    sealed = Seal.objects.filter(entry_id=OuterRef("pk"))
    left = Entry.objects.filter(~Exists(sealed), at__lt=before).aggregate(
        count=Count("pk"), first=Min("pk")
    )
    if left["count"]:
        raise ChainBroken(
            f"{left['count']} entries are not sealed, the first of them entry {left['first']}."
            " Is a worker running? It seals every few seconds, and late ones every hour."
        )


def lines_of(file: Path) -> Iterator[str]:
    """The lines of the file of heads; none when there is no such file."""
    if file.exists():
        with file.open(encoding="ascii", errors="replace") as heads:
            yield from heads


def _read(line: str) -> Head | None:
    """The head in a line, or None for one that was cut off when a disk was full."""
    try:
        found = json.loads(line)
        return Head(int(found["position"]), bytes.fromhex(found["mac"]))
    except (ValueError, TypeError, KeyError):
        return None


def _sealed(*, after: int) -> list[tuple[Any, ...]]:
    # Not a join: for one, PostgreSQL may read the whole table at each step.
    statement = (
        "SELECT position, entry_id, key_id, mac,"  # noqa: S608  (an expression of ours)
        f" (SELECT {canonical()} FROM audit_entry entry WHERE entry.id = seal.entry_id)"
        " FROM audit_seal seal WHERE position > %s ORDER BY position LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [after, STEP])
        return list(cursor.fetchall())
