"""A copy of the reference facts beside the tables, for when a test with real transactions has emptied them."""

from django.apps import apps
from django.db import connection, transaction

_OWNERS = ("accounts", "communities")  # the applications whose tables hold facts
_kept: dict[str, str] = {}  # tables and the columns that can be written


def keep() -> None:
    """Copy every row of those applications. Once for a database, by the owner of its tables."""
    with connection.cursor() as cursor:
        is_postgresql = connection.vendor == "postgresql"
        cursor.execute(
            "CREATE SCHEMA facts" if is_postgresql else "ATTACH DATABASE ':memory:' AS facts"
        )
        for owner in _OWNERS:
            for model in apps.get_app_config(owner).get_models(include_auto_created=True):
                fields = model._meta.local_concrete_fields
                names = [field.column for field in fields if field.column and not field.generated]
                table, columns = (
                    model._meta.db_table,
                    ", ".join(map(connection.ops.quote_name, names)),
                )
                cursor.execute(f"CREATE TABLE facts.{table} AS SELECT {columns} FROM {table}")  # noqa: S608
                _kept[table] = columns


def put_back() -> None:
    """Fill the emptied tables with what was kept."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table, columns in _kept.items():
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM facts.{table}")  # noqa: S608
