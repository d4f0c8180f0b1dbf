"""PostgreSQL's row-level security, made from what each model declares: who forgets a filter still sees nothing.

A model says ``TENANCY = owned_by("practice_id")`` (or ``owned_through``, or ``SHARED`` for what belongs to nobody),
and ``IS_APPEND_ONLY = True`` where rows may only be added. ``manage.py migrate`` turns that into policies and grants.
"""

from dataclasses import dataclass
from hashlib import sha256

from django.apps import apps
from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

APPLICATION_ROLE = "peer_referrals_app"
SHARED = None

_FUNCTIONS = """
CREATE OR REPLACE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT nullif(nullif(current_setting('app.tenant', true), ''), '*')::uuid $$;
CREATE OR REPLACE FUNCTION app_is_everybody() RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT coalesce(current_setting('app.tenant', true) = '*', false) $$;
CREATE OR REPLACE FUNCTION app_icb() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT nullif(current_setting('app.icb', true), '')::uuid $$;
CREATE OR REPLACE FUNCTION app_link() RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT string_to_array(current_setting('app.link', true), ',') $$;
"""
# Roles are the whole server's: another database of it may be making the same one at this moment.
_ROLE = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') THEN
    CREATE ROLE {APPLICATION_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
"""
# A temporary table of the same name would stand before the real one.
_NO_SHADOWS = """
DO $$ BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
"""


@dataclass(frozen=True)
class Tenancy:
    """SQL conditions over a table's columns: whose rows may be read and written, and which more may be read."""

    owned: str
    readable: str = ""


def owned_by(column: str, *, readable: str = "") -> Tenancy:
    """Rows of the organisation in ``column``. ``readable`` adds rows that may be read and not written."""
    return Tenancy(f"{column} = (SELECT app_tenant())", readable)


def owned_through(column: str, table: str, owner: str, *, readable: str = "") -> Tenancy:
    """Rows whose ``column`` names a row of ``table`` that belongs to the organisation in its column ``owner``."""
    owned = (
        f"EXISTS (SELECT FROM {table} parent WHERE parent.id = {column}"
        f" AND parent.{owner} = (SELECT app_tenant()))"
    )
    return Tenancy(owned, readable)


def declared() -> dict[str, Tenancy | None]:
    """Every table of ours and how its rows belong to somebody. A model that does not say is an AttributeError."""
    tables: dict[str, Tenancy | None] = {}
    for model in apps.get_models(include_auto_created=True):
        source = model._meta.auto_created
        if source and isinstance(source, type):
            owner: type[models.Model] = source
            tenancy = getattr(owner, "TENANCY", SHARED)
            name = owner._meta.model_name or ""
            tables[model._meta.db_table] = tenancy and Tenancy(
                f"EXISTS (SELECT FROM {owner._meta.db_table} parent WHERE parent.id = {name}_id"
                f" AND parent.{tenancy.owned})"
            )
        elif hasattr(model, "PRIVACY"):
            tables[model._meta.db_table] = model.TENANCY  # type: ignore[attr-defined]
    return tables


def apply() -> None:
    """Bring role, grants and policies of the database in line with the models. The owner of the tables runs this."""
    if connection.vendor != "postgresql":
        return
    script = _script()
    stamp = sha256(script.encode()).hexdigest()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regproc('app_tenant'), 'pg_proc')")
        if cursor.fetchone() != (stamp,) or _unguarded(cursor):
            cursor.execute(f"{script} COMMENT ON FUNCTION app_tenant() IS '{stamp}';")


def faults() -> list[str]:
    """What stands against serving: a role that the policies do not bind, a table without them. [] when all is well."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        # Whatever it is a member of, it can become.
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE (rolsuper OR rolbypassrls OR rolcreaterole)"
            " AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY rolname"
        )
        found = [
            f"The database role can bypass row-level security, as {name}." for (name,) in cursor
        ]
        cursor.execute(
            "SELECT 'table ' || relname FROM pg_class WHERE relkind = 'r' AND relname = ANY (%s)"
            " AND relnamespace = current_schema()::regnamespace"
            " AND pg_has_role(session_user, relowner, 'MEMBER')"
            " UNION SELECT 'function ' || proname FROM pg_proc WHERE proname LIKE 'app\\_%%'"
            " AND pronamespace = current_schema()::regnamespace"
            " AND pg_has_role(session_user, proowner, 'MEMBER') ORDER BY 1",
            [list(declared())],
        )
        found += [f"The database role owns the {name}." for (name,) in cursor]
        found += [
            f"The table {table} has no forced row-level security." for table in _unguarded(cursor)
        ]
    return found


def _unguarded(cursor: CursorWrapper) -> list[str]:
    """Tables that should have policies, and have none or do not apply them to everybody."""
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
        " AND relnamespace = current_schema()::regnamespace"
        " AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'owned')"
    )
    guarded = {name for (name,) in cursor}
    return sorted(
        table for table, tenancy in declared().items() if tenancy and table not in guarded
    )


def _script() -> str:
    statements = [
        _ROLE,
        _FUNCTIONS,
        _NO_SHADOWS,
        f"GRANT USAGE ON SCHEMA public TO {APPLICATION_ROLE};",
    ]
    ours = declared()
    for model in sorted(
        apps.get_models(include_auto_created=True), key=lambda model: model._meta.db_table
    ):
        table = model._meta.db_table
        if model._meta.managed:
            statements.append(
                _grants(table, is_append_only=getattr(model, "IS_APPEND_ONLY", False))
            )
            statements.append(_policies(table, ours.get(table)))
    statements.append(f"GRANT SELECT ON django_migrations TO {APPLICATION_ROLE};")
    statements.append(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APPLICATION_ROLE};")
    return "\n".join(statements)


def _grants(table: str, *, is_append_only: bool) -> str:
    rights = "SELECT, INSERT" if is_append_only else "SELECT, INSERT, UPDATE, DELETE"
    return (
        f"REVOKE ALL ON {table} FROM {APPLICATION_ROLE};"
        f" GRANT {rights} ON {table} TO {APPLICATION_ROLE};"
    )


def _policies(table: str, tenancy: Tenancy | None) -> str:
    drop = f"DROP POLICY IF EXISTS owned ON {table}; DROP POLICY IF EXISTS readable ON {table};"
    if not tenancy:
        return (
            f"{drop} ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;"
        )
    rows = f"(SELECT app_is_everybody()) OR {tenancy.owned}"
    more = f"CREATE POLICY readable ON {table} FOR SELECT USING ({tenancy.readable});"
    return (
        f"{drop} ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
        f" CREATE POLICY owned ON {table} USING ({rows}) WITH CHECK ({rows});"
        f" {more if tenancy.readable else ''}"
    )
