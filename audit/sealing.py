"""Sealing entries into the chain, a batch at a time, behind the writers: nobody who records anything waits for it."""

import json
from pathlib import Path

from django.db import connection, transaction

from audit.chain import BEGINNING, Head, canonical, following
from audit.models import Seal
from privacy.fields import derived_keys

KEY_PURPOSE = "audit-chain"
BATCH = 5_000
# Entries become visible in the order of commits, not of their ids: each run looks again at what lies this far back.
LOOK_BACK = 20_000
_BEFORE_ALL = -(
    2**63
)  # ids are counted from 1, but whoever writes a row by hand may choose another
_LOCK = 8_104_316_205  # of PostgreSQL's advisory locks, ours


@transaction.atomic
def seal_next(*, looks_at_all: bool = False) -> Head | None:
    """Seal up to BATCH entries and return the new head; None when all is sealed or somebody else is sealing."""
    if not _is_only_sealer():
        return None
    head = newest_head()
    key_id, key = next(iter(derived_keys(KEY_PURPOSE).items()))
    seals = []
    lowest = _BEFORE_ALL if looks_at_all else _entry_passed_at(head.position - LOOK_BACK)
    for entry_id, text in _unsealed(after=lowest):
        head = following(head, key=key, text=text)
        seals.append(Seal(position=head.position, entry_id=entry_id, key_id=key_id, mac=head.mac))
    Seal.objects.bulk_create(seals)
    return head if seals else None


def newest_head() -> Head:
    """The end of the chain as the database has it."""
    last = Seal.objects.order_by("-position").first()
    return Head(last.position, bytes(last.mac)) if last else BEGINNING


def anchor(head: Head, *, file: Path) -> None:
    """Write the head down outside the database: without that, a chain cut off at its end would look whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="ascii") as heads:
        heads.write(json.dumps({"position": head.position, "mac": head.mac.hex()}) + "\n")


def _is_only_sealer() -> bool:
    if connection.vendor != "postgresql":
        return True  # SQLite has one writer at a time
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _entry_passed_at(position: int) -> int:
    passed = Seal.objects.filter(position=position)
    return passed.values_list("entry_id", flat=True).first() or _BEFORE_ALL


def _unsealed(*, after: int) -> list[tuple[int, str]]:
    statement = (
        f"SELECT entry.id, {canonical()} FROM audit_entry entry"  # noqa: S608  (an expression of ours)
        " WHERE entry.id > %s"
        " AND NOT EXISTS (SELECT 1 FROM audit_seal seal WHERE seal.entry_id = entry.id)"
        " ORDER BY entry.id LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [after, BATCH])
        return list(cursor.fetchall())
