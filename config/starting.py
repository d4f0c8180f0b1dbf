"""Before anything is served: is it safe to? And what bounds every statement of a process that serves.

The web server and the worker call ``refuse_unsafe_start``; commands do not, because they run as the tables' owner.
"""

import logging
import sys
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from privacy import row_security

logger = logging.getLogger(__name__)

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SHORTEST_SECRET = 50
# What waits longer fails and is sent again, rather than hold up those behind it.
_LIMITS = (
    "SET statement_timeout = '5s'; SET lock_timeout = '2s';"
    " SET idle_in_transaction_session_timeout = '30s';"
    # Compiling takes longer than any statement here: 100 ms where a large table has no statistics yet.
    " SET jit = off"
)


class UnsafeDatabase(OperationalError):
    """The database answers, but must not be served from. For whoever asks it is away; the arguments say why."""


def refuse_unsafe_start() -> None:
    """End this process with a sentence for each thing that is not safe.

    A database that is away is no reason to end: help in a crisis is shown without one. Then the look at it is taken
    when it first answers, and until it is safe every request that needs it is answered as if it were away.
    """
    found = faults_of_settings()
    connection.close()
    connection_created.connect(_receive, dispatch_uid="starting")
    try:
        connection.ensure_connection()
    except UnsafeDatabase as error:
        found += error.args
    except (OperationalError, InterfaceError):
        logger.warning("The database is away. It is looked at when it answers.")
    finally:
        connection.close()  # what is forked from here on must not share it
    if found:
        sys.exit("\n".join(["This does not start, because it would not be safe:", *found]))


def faults_of_settings() -> list[str]:
    """What stands against serving real people with these settings."""
    if settings.DEBUG or settings.DEMO:
        return []
    found = []
    if len(settings.SECRET_KEY) < _SHORTEST_SECRET:
        found.append(f"SECRET_KEY must have at least {_SHORTEST_SECRET} characters.")
    address = urlsplit(settings.PUBLIC_BASE_URL)
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        found.append("PUBLIC_BASE_URL must begin with https://.")
    if settings.IS_HTTPS and not settings.BEHIND_PROXY:
        found.append("PUBLIC_BASE_URL is https, which a proxy has to speak: set BEHIND_PROXY=1.")
    if "*" in settings.ALLOWED_HOSTS:
        found.append("ALLOWED_HOSTS must name the hosts; * answers every name.")
    return found


def bound_statements(connection: BaseDatabaseWrapper) -> None:
    """From now on no statement of this connection takes or waits for long. SQLite has its own limit in the settings."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LIMITS)


def _receive(connection: BaseDatabaseWrapper, **_signal: object) -> None:
    try:
        bound_statements(connection)
        if found := faults_of_database(connection):
            logger.error("unsafe database: %s", " ".join(found))
            raise UnsafeDatabase(*found)
    except BaseException:
        connection.close()  # it would be used without another look
        raise


def faults_of_database(connection: BaseDatabaseWrapper) -> list[str]:
    """What stands against serving anybody from this database."""
    if connection.vendor != "sqlite" or settings.DEBUG or settings.DEMO:
        return row_security.faults()
    clients = apps.get_model("accounts", "Client").objects.filter(is_active=True)
    if clients.values("organisation_id").distinct().count() <= 1:
        return []
    return ["SQLite serves one organisation. For more set DATABASE_URL to PostgreSQL."]
