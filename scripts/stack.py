"""A whole product of its own for demonstrations and tests: folder, port, database, queue, processes, then gone."""

import atexit
import base64
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from privacy.row_security import APPLICATION_ROLE
from scripts.processes import HOST, Processes, manage, take_port

FILES = "filesystem://localhost/"
# The same for every stack of this process: what the first has prepared, the others can read.
_FIELD_KEYS = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


@cache
def _beginning() -> Path:
    """Where what the first stack on SQLite prepares is kept for the next ones; gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="peer_beginning_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Stack:
    """The product, started on a free port of loopback with the demonstration's directory and log-ins, no referrals.

    ``database`` is empty for a SQLite file, or the address of a PostgreSQL server on which a database is made and
    dropped again; ``broker`` is Celery's address; ``settings`` win over its own. When something
    fails the folder with the logs is kept.
    """

    def __init__(
        self, *, database: str = "", broker: str = FILES, settings: Mapping[str, str] | None = None
    ) -> None:
        self._name = f"peer_{secrets.token_hex(6)}"
        self._server = database
        self._password = secrets.token_hex(16)
        self._broker = broker
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self._name}_"))
        self.messages_folder = self.folder / "messages"
        self.logins: dict[str, str] = {}
        self._listener = take_port(0)
        self.base_url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self._environment = {**os.environ, **self._settings(), **(settings or {})}
        self.processes = Processes(environment=self._environment, logs=self.folder)

    def _settings(self) -> dict[str, str]:
        return {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FIELD_KEYS": _FIELD_KEYS,
            "DEMO": "1",
            "DEBUG": "0",
            "PUBLIC_BASE_URL": self.base_url,
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": self._database_url(),
            "CELERY_BROKER_URL": self._broker,
            "CELERY_TASK_DEFAULT_QUEUE": self._name,
            "BROKER_FOLDER": str(self.folder / "broker"),
            "BEAT_SCHEDULE_FILE": str(self.folder / "beat-schedule"),
            "MESSENGER": "integrations.messaging.file.FileMessenger",
            "MESSAGES_FOLDER": str(self.messages_folder),
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(self.folder / "mail"),
            "STATIC_FOLDER": str(self.folder / "static"),
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
            "AUDIT_HEADS_FILE": str(self.folder / "audit-heads.jsonl"),
        }

    def _database_url(self) -> str:
        if not self._server:
            return f"sqlite:///{self.folder / 'peer.sqlite3'}"
        parts = urlsplit(self._server)
        place = f"{self._name}:{self._password}@{parts.hostname}:{parts.port or 5432}"
        return parts._replace(netloc=place, path=f"/{self._name}").geturl()

    def __enter__(self) -> "Stack":
        try:
            self._prepare()
            self.processes.start(self._listener)
            self.processes.wait_until_ready(self.base_url)
        except BaseException:
            self._end(is_kept=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._end(is_kept=kind is not None)

    def _prepare(self) -> None:
        """Migrated, loaded and with its static files; on SQLite that is done once and then copied."""
        logins = self.folder / "logins.json"
        is_copied = not self._server and any(_beginning().iterdir())
        if is_copied:
            shutil.copytree(_beginning(), self.folder, dirs_exist_ok=True)
        else:
            self._migrate()
            self.manage("collectstatic", "--no-input", "--verbosity", "0")
            self.manage("load_demo", "--no-past", "--logins", str(logins))
        if not (self._server or is_copied):
            shutil.copytree(self.folder, _beginning(), dirs_exist_ok=True)
        self.logins = json.loads(logins.read_text(encoding="utf-8"))

    def _migrate(self) -> None:
        """On PostgreSQL as the owner; the product itself has a role of its own that owns nothing."""
        owner = dict(self._environment)
        if self._server:
            self._on_server(f'CREATE DATABASE "{self._name}"')
            owner["DATABASE_URL"] = urlsplit(self._server)._replace(path=f"/{self._name}").geturl()
        manage("migrate", "--verbosity", "0", environment=owner)
        if self._server:
            self._on_server(
                f"CREATE ROLE {self._name} LOGIN PASSWORD '{self._password}' IN ROLE {APPLICATION_ROLE}"
            )

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see, for others that shall run beside them."""
        return dict(self._environment)

    def manage(self, *arguments: str) -> str:
        """Run a command of ``manage.py`` on this product and give what it printed."""
        return manage(*arguments, environment=self._environment)

    def messages(self) -> list[dict[str, Any]]:
        """The messages handed over so far."""
        files = self.messages_folder.glob("*.json")
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def _end(self, *, is_kept: bool) -> None:
        self._listener.close()
        self.processes.kill()  # a polite end takes seconds, and nothing of this is kept
        if self._server:
            self._on_server(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
            self._on_server(f"DROP ROLE IF EXISTS {self._name}")
        if self._broker != FILES:
            self._delete_queue()
        if not is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _delete_queue(self) -> None:
        connection: Any = Connection(self._broker)  # type: ignore[no-untyped-call]
        with connection, connection.channel() as channel:
            exchange = Exchange(self._name)  # type: ignore[no-untyped-call]
            queue = Queue(self._name, exchange, routing_key=self._name)(channel)  # type: ignore[no-untyped-call]
            queue.declare()  # type: ignore[no-untyped-call]  # a channel forgets only the bindings that it knows
            queue.delete()  # type: ignore[no-untyped-call]
            channel.exchange_delete(self._name)
