"""What has been recorded stays: nobody changes or removes it without taking the triggers away first."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from audit.models import Entry
from audit.triggers import TABLES
from tests.audit.tampering import as_owner, recorded, sealed, verified

pytestmark = pytest.mark.django_db

is_postgresql = connection.vendor == "postgresql"
CHANGES = [
    "UPDATE audit_entry SET actor = 'nobody'",
    "UPDATE audit_seal SET key_id = 'another'",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_seal",
    *(
        ["TRUNCATE audit_entry, audit_seal"]
        if is_postgresql
        else [
            "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
            "INSERT OR REPLACE INTO audit_seal SELECT * FROM audit_seal",
            "REPLACE INTO audit_seal SELECT position + 9, entry_id, key_id, mac FROM audit_seal",
        ]
    ),
]


@pytest.mark.parametrize("change", CHANGES)
def test_even_the_owner_of_the_tables_is_refused(change: str) -> None:
    sealed(2)

    refused = pytest.raises(IntegrityError, match="append-only")
    with as_owner(), connection.cursor() as cursor, refused, transaction.atomic():
        cursor.execute(change)

    assert verified().startswith("2 entries")


@pytest.mark.django_db(transaction=True)
def test_a_migration_of_these_tables_leaves_them_as_they_were_and_guarded() -> None:
    sealed(2)
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("audit")

    with as_owner():  # once: at its end the tests put the triggers there themselves
        for nodes in ([("audit", "0005_seals_and_triggers")], latest):
            MigrationExecutor(connection).migrate(nodes)
            for change in CHANGES:
                refused = pytest.raises(IntegrityError, match="append-only")
                with connection.cursor() as cursor, refused, transaction.atomic():
                    cursor.execute(change)

    assert verified().startswith("2 entries")


@pytest.mark.skipif(not is_postgresql, reason="SQLite has no roles")
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE", "TRIGGER"])
def test_the_product_itself_has_no_right_to_change(table: str, right: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s)", [table, right])
        [is_allowed] = cursor.fetchone()

    assert not is_allowed


def test_an_entry_is_written_with_what_it_records_or_not_at_all() -> None:
    ids = recorded(1)

    with transaction.atomic():
        recorded(1)
        transaction.set_rollback(True)

    assert list(Entry.objects.values_list("pk", flat=True)) == ids
