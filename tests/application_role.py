"""On PostgreSQL the tests run under the application's own role, so that row-level security holds in every one of them.

A test's own queries see everybody's rows; what it asks of the product (a request, a job) sees what the product's own
code lets it see, and nothing when that code says nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.signals import connection_created

from audit import triggers
from privacy import tenancy
from privacy.row_security import APPLICATION_ROLE

UID = "application role"

_is_product = ContextVar("is_product", default=False)


def take() -> None:
    """From now on every connection of this process runs under the application's role."""
    connection_created.connect(_dress, dispatch_uid=UID)
    request_started.connect(_begin, dispatch_uid=UID)
    request_finished.connect(_end, dispatch_uid=UID)


def put_on() -> None:
    """Put the role on the connection that is there."""
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        _run("RESET ROLE")
        _run("SET session_replication_role = origin")  # what take_off has left
        _run(f"SET ROLE {APPLICATION_ROLE}")
        _show(everything=not _is_product.get())
    elif not connection.in_atomic_block:
        with connection.cursor() as cursor:
            triggers.install(cursor, connection.vendor)


def take_off() -> None:
    """Back to the owner, who alone may empty the tables after a test with real transactions."""
    _run("RESET ROLE")
    _run("SET session_replication_role = replica")  # and past the triggers that guard the audit
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            triggers.remove(cursor, connection.vendor)


@contextmanager
def as_product() -> Iterator[None]:
    """What runs in here is the product: it sees what it sets itself."""
    token = _is_product.set(True)
    _show(everything=False)
    try:
        yield
    finally:
        _is_product.reset(token)
        _show(everything=not _is_product.get())


def _dress(connection: Any, **_signal: Any) -> None:
    if connection.alias == DEFAULT_DB_ALIAS:
        put_on()


def _begin(**_signal: Any) -> None:
    _is_product.set(True)
    _show(everything=False)


def _end(**_signal: Any) -> None:
    _is_product.set(False)
    _show(everything=True)


def _show(*, everything: bool) -> None:
    reach = tenancy.EVERYBODY if everything else tenancy.NOTHING
    tenancy._reach.set(reach)
    _run(f"SELECT set_config('app.tenant', '{reach.tenant}', false)")


def _run(statement: str) -> None:
    """Past Django's own cursor: tests that may not touch the database make requests too."""
    raw = connection.connection
    if connection.vendor != "postgresql" or raw is None or raw.closed:
        return
    if raw.info.transaction_status.name != "INERROR":
        raw.execute(statement)
