"""Replacing the table of postcodes by another edition: all of it, or nothing."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import islice
from typing import NamedTuple

from django.db import connection, transaction

from communities.models import Edition, Postcode

_AT_ONCE = 10_000
_TABLE = Postcode._meta.db_table


class PostcodeFacts(NamedTuple):
    """A row of the table of postcodes; what each means says ``Postcode``."""

    postcode: str
    lad_code: str
    icb_ods: str
    lsoa21_code: str
    imd_rank: int | None
    imd_decile: int | None
    rural_urban: str
    latitude: float | None
    longitude: float | None
    country_code: str
    terminated_on: date | None


_COLUMNS = ", ".join(PostcodeFacts._fields)


def known_postcodes() -> int:
    """How many postcodes there are."""
    return Postcode.objects.count()


@transaction.atomic
def replace_postcodes(facts: Iterable[PostcodeFacts], *, edition: str, at: datetime) -> int:
    """Put these in the place of all that are there, and say how many. Whoever reads meanwhile sees the old ones."""
    Postcode.objects.all().delete()
    write = _copy if connection.vendor == "postgresql" else _insert
    count = write(facts)
    note_edition("postcodes", edition, rows=count, at=at)
    return count


def note_edition(table: str, name: str, *, rows: int, at: datetime) -> None:
    """Remember which file a table is from."""
    facts = {"name": name[:100], "rows": rows, "imported_at": at}
    Edition.objects.update_or_create(table=table, defaults=facts)


def _copy(facts: Iterable[PostcodeFacts]) -> int:
    """PostgreSQL's own way in, ten times faster than inserting."""
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {_TABLE} ({_COLUMNS}) FROM STDIN") as rows:
            for row in facts:
                rows.write_row(row)
        return int(cursor.rowcount)


def _insert(facts: Iterable[PostcodeFacts]) -> int:
    count, rest = 0, iter(facts)
    places = ", ".join(["%s"] * len(PostcodeFacts._fields))
    with connection.cursor() as cursor:
        while some := list(islice(rest, _AT_ONCE)):
            cursor.executemany(f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES ({places})", some)  # noqa: S608
            count += len(some)
    return count
