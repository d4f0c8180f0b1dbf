"""A million entries of the audit: how long sealing and verifying take, and whether one changed byte is found.

``BENCH_DATABASE_URL=postgres://… python -m benchmarks.audit_chain [ENTRIES]`` makes a database of its own beside the
named one and removes it; without the variable SQLite in memory is measured. Not part of ``make bench``: it takes
minutes. Times depend on the machine; what must hold everywhere is that a change is found.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from audit import triggers
from audit.models import Action, Entry
from audit.tasks import seal_audit
from privacy.row_security import APPLICATION_ROLE
from privacy.tenancy import EVERYBODY, reaching

ENTRIES = 1_000_000
AT_ONCE = 20_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

Done = TypeVar("Done")


def main() -> None:
    """Fill, seal, verify, change one byte, verify again."""
    entries = int(sys.argv[1]) if sys.argv[1:] else ENTRIES
    connection.creation.create_test_db(verbosity=0)
    try:
        with TemporaryDirectory() as folder:
            settings.AUDIT_HEADS_FILE = str(Path(folder, "heads.jsonl"))
            _measure(entries)
    finally:
        connection.creation.destroy_test_db("", verbosity=0)


def _measure(entries: int) -> None:
    _say(f"{entries} entries on {connection.vendor}")
    _timed("recorded in bulk", lambda: _fill(entries))
    _as_application(acting=True)
    _timed("sealed", _seal_everything)
    _timed("run of the sealer with nothing to do", seal_audit)
    _timed("run of the sealer that looks at all", lambda: seal_audit(looks_at_all=True))
    _timed("verified", _verify)
    _as_application(acting=False)
    _change_one_byte(entries // 2)
    _as_application(acting=True)
    _timed("one changed byte", _verify_is_broken)


def _fill(entries: int) -> None:
    for start in range(0, entries, AT_ONCE):
        Entry.objects.bulk_create(
            Entry(
                at=BEGAN,
                action=Action.REFERRAL_READ,
                actor="client/0190a000-0000-4000-8000-000000000000",
                organisation_id="0190a000-0000-4000-8000-000000000001",
                target=f"ServiceRequest/0190a000-0000-4000-8000-{number:012d}",
                detail={"version": number % 7},
                tenant_id="0190a000-0000-4000-8000-000000000001",
            )
            for number in range(start, min(start + AT_ONCE, entries))
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE audit_entry")


def _seal_everything() -> None:
    is_left = True
    while is_left:
        seal_audit()  # as the scheduler does it, with heads written outside
        with reaching(EVERYBODY):
            is_left = Entry.objects.filter(seal=None).exists()


def _verify() -> None:
    call_command("verify_audit", stdout=sys.stdout)


def _verify_is_broken() -> None:
    try:
        _verify()
    except CommandError as error:
        _say(f"  found: {error}")
    else:
        raise RuntimeError("A changed byte was not found.")


def _change_one_byte(entry_id: int) -> None:
    """As one who owns the tables and takes the triggers away."""
    with connection.cursor() as cursor:
        triggers.remove(cursor, connection.vendor)
        cursor.execute(
            "UPDATE audit_entry SET actor = replace(actor, 'client', 'cliens') WHERE id = %s",
            [entry_id],
        )
        triggers.install(cursor, connection.vendor)


def _as_application(*, acting: bool) -> None:
    """Under the role that the product has, with row-level security in force; or as the owner."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {APPLICATION_ROLE}" if acting else "RESET ROLE")


def _timed(what: str, act: Callable[[], Done]) -> Done:
    began = time.perf_counter()
    done = act()
    _say(f"{what}: {time.perf_counter() - began:.2f} s")
    return done


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
