"""Somebody with the database in their hands: the owner of the tables, who takes the triggers away and puts them back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.actors import SYSTEM
from audit import triggers
from audit.models import Action, Entry
from audit.recording import record
from audit.tasks import seal_audit
from tests import application_role

LONG_AGO = timedelta(hours=1)


def recorded(count: int = 1) -> list[int]:
    """The ids of so many new entries, recorded a while ago."""
    before = set(Entry.objects.values_list("pk", flat=True))
    for number in range(count):
        record(
            Action.REFERRAL_READ,
            by=SYSTEM,
            at=timezone.now() - LONG_AGO,
            target=f"ServiceRequest/{number}",
            detail={"version": 1},
        )
    return sorted(set(Entry.objects.values_list("pk", flat=True)) - before)


def seal(*, looks_at_all: bool = False) -> None:
    """One run of the sealer."""
    with application_role.as_product():
        seal_audit(looks_at_all=looks_at_all)


def sealed(count: int) -> list[int]:
    """The ids of so many entries, sealed: they have the positions 1 to ``count``."""
    ids = recorded(count)
    seal()
    return ids


def verified(*options: str) -> str:
    """What the command says of a chain that holds."""
    said = StringIO()
    with application_role.as_product():
        call_command("verify_audit", *options, stdout=said)
    return said.getvalue()


def broken(*options: str) -> str:
    """What the command says of a chain that does not hold; an AssertionError when it finds nothing."""
    try:
        said = verified(*options)
    except CommandError as error:
        assert error.returncode == 1
        return str(error)
    raise AssertionError(f"nothing was found: {said}")


def heads() -> list[dict[str, object]]:
    """What has been written down outside the database."""
    return [json.loads(line) for line in Path(settings.AUDIT_HEADS_FILE).read_text().splitlines()]


@contextmanager
def as_owner() -> Iterator[None]:
    """Whoever owns the tables, whom no grant and no policy binds."""
    is_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if is_postgresql:
            cursor.execute("RESET ROLE")
        yield
    application_role.put_on()


def tamper(*statements: str) -> None:
    """Run statements past the triggers."""
    with as_owner(), connection.cursor() as cursor:
        triggers.remove(cursor, connection.vendor)
        for statement in statements:
            cursor.execute(statement)
        triggers.install(cursor, connection.vendor)
