"""Replacing the terminology by a release of SNOMED CT, whole or not at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

from communities.models import Concept, Descent, RefsetMember, Release

_LOCK = 5_220_118_047  # of PostgreSQL's advisory locks, ours
_AT_ONCE = 10_000

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Terminology:
    """The content of a release: each row in the order of its model's columns, best in that of its primary key."""

    name: str
    effective_time: date
    digest: str
    concepts: Iterable[Row]
    descents: Iterable[Row]
    members: Iterable[Row]


@transaction.atomic
def replace_terminology(new: Terminology, *, at: datetime) -> Release:
    """Put a release in the place of what is there. On PostgreSQL everybody reads the old one until this is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    return Release.objects.create(
        name=new.name[:255],
        effective_time=new.effective_time,
        digest=new.digest,
        counts={
            "concepts": _replace(Concept, new.concepts),
            "descents": _replace(Descent, new.descents),
            "members": _replace(RefsetMember, new.members),
        },
        imported_at=at,
    )


def _replace(model: type[models.Model], rows: Iterable[Row]) -> int:
    table = connection.ops.quote_name(model._meta.db_table)
    columns = [field.column for field in model._meta.concrete_fields if field.column]
    names = list(map(connection.ops.quote_name, columns))
    into = f"{table} ({', '.join(names)})"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608  (a name of ours)
        if connection.vendor == "postgresql":
            return _copy(cursor, f"COPY {into} FROM STDIN", rows)
        marks = ", ".join(["%s"] * len(names))
        return _insert(cursor, f"INSERT INTO {into} VALUES ({marks})", rows)  # noqa: S608


def _copy(cursor: CursorWrapper, statement: str, rows: Iterable[Row]) -> int:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
    return int(cursor.rowcount)


def _insert(cursor: CursorWrapper, statement: str, rows: Iterable[Row]) -> int:
    """In parts, because Django keeps what it hands to the database."""
    count, rest = 0, iter(rows)
    while part := list(islice(rest, _AT_ONCE)):
        cursor.executemany(statement, part)
        count += len(part)
    return count
