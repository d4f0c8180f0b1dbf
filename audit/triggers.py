"""Triggers that refuse every change to what has been recorded: rows are added, never altered, never removed.

They bind the owner of the tables too, who is not bound by grants. Whoever takes them away is found by ``verify_audit``.
"""

from typing import Protocol

# Each table with its unique columns: SQLite's REPLACE would take the place of a row without any trigger for deleting.
TABLES = {"audit_entry": ("id",), "audit_seal": ("position", "entry_id")}

_REFUSAL = "The audit is append-only: rows are never changed or removed."
_SQLITE_TRIGGERS = ("no_change", "no_removal", "no_replacement")


class Cursor(Protocol):
    """What is needed of a database cursor."""

    def execute(self, sql: str) -> object:
        """Run one statement."""


class Reading(Cursor, Protocol):
    """And of one that gives back what it found."""

    def fetchall(self) -> list[tuple[object, ...]]:
        """All rows."""
        ...


def install(cursor: Cursor, vendor: str) -> None:
    """Refuse changes from now on. Installing twice is installing once."""
    remove(cursor, vendor)
    for statement in _postgresql() if vendor == "postgresql" else _sqlite():
        cursor.execute(statement)


def remove(cursor: Cursor, vendor: str) -> None:
    """Allow changes again: for going back in migrations, and for tests that empty every table."""
    for table in TABLES:
        if vendor == "postgresql":
            cursor.execute(f"DROP TRIGGER IF EXISTS append_only ON {table}")
        else:
            for name in _SQLITE_TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")


def foreign(cursor: "Reading", vendor: str) -> list[str]:
    """Triggers and rules on the audit's tables that are not ours: they could write something else than was recorded."""
    if vendor == "postgresql":
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname <> 'append_only'"
            " AND tgrelid IN ('audit_entry'::regclass, 'audit_seal'::regclass)"
            " UNION SELECT rulename FROM pg_rules WHERE tablename IN ('audit_entry', 'audit_seal')"
        )
    else:
        ours = ", ".join(f"'{table}_{name}'" for table in TABLES for name in _SQLITE_TRIGGERS)
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"  # noqa: S608  (names of ours)
            f" AND tbl_name IN ('audit_entry', 'audit_seal') AND name NOT IN ({ours})"
        )
    return [str(name) for (name,) in cursor.fetchall()]


def _postgresql() -> list[str]:
    function = (
        "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
        for table in TABLES
    ]


def _sqlite() -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    statements = []
    for table, unique in TABLES.items():
        taken = " OR ".join(f"{column} = NEW.{column}" for column in unique)
        is_taken = f"EXISTS (SELECT 1 FROM {table} WHERE {taken})"  # noqa: S608  (names of ours)
        statements += [
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_removal BEFORE DELETE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_replacement BEFORE INSERT ON {table} WHEN {is_taken} {refuse}",
        ]
    return statements
