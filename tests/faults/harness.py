"""A database, a broker and real workers and schedulers, to be stopped, killed and cut off."""

import base64
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from scripts.processes import PROJECT, manage
from scripts.stack import FILES
from tests.faults.counted import EFFECT

LONGEST = 30.0


def settings_for(folder: Path, *, broker: str) -> dict[str, str]:
    """The environment of processes that have this folder and this broker to themselves."""
    return {
        **os.environ,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "DEMO": "1",
        "DATABASE_URL": f"sqlite:///{folder / 'jobs.sqlite3'}",
        "CELERY_BROKER_URL": broker,
        "CELERY_TASK_DEFAULT_QUEUE": f"peer_{secrets.token_hex(6)}",
        "BROKER_FOLDER": str(folder / "broker"),
        "MESSAGES_FOLDER": str(folder),
        "BEAT_SCHEDULE_FILE": str(folder / "beat-schedule"),
        "AUDIT_HEADS_FILE": str(folder / "audit-heads.jsonl"),
    }


def empty_database(folder: Path) -> Path:
    """A migrated database, to be copied."""
    manage("migrate", "--verbosity", "0", environment=settings_for(folder, broker=FILES))
    return folder / "jobs.sqlite3"


class Harness:
    """Everything of one test. Leaving it ends all processes and removes the queue."""

    def __init__(self, folder: Path, *, database: Path, broker: str) -> None:
        self._folder = folder
        self._broker = broker
        self.environment = settings_for(folder, broker=broker)
        self._running: list[subprocess.Popen[bytes]] = []
        shutil.copy(database, folder / "jobs.sqlite3")

    def __enter__(self) -> "Harness":
        return self

    def __exit__(self, *_error: object) -> None:
        for process in self._running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with self._queue() as queue:
            queue.delete()
            queue.channel.exchange_delete(queue.name)

    def _start(self, name: str, *command: str, **more: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, *command],
                cwd=PROJECT,
                env=self.environment | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def worker(self, name: str = "first") -> subprocess.Popen[bytes]:
        """Start a worker that counts."""
        quiet = ["-W", "ignore::UserWarning:celery.platforms", "-m", "tests.faults.counted"]
        return self._start(name, *quiet, "worker", name)

    def scheduler(self, name: str = "scheduler") -> subprocess.Popen[bytes]:
        """Start a scheduler with a memory of its own, as on another machine."""
        beat = ["-m", "celery", "-A", "config", "--quiet", "beat", "--pidfile=", "-l", "WARNING"]
        return self._start(name, *beat, BEAT_SCHEDULE_FILE=str(self._folder / name))

    def write(self, count: int, **settings: str) -> None:
        """Write so many jobs of either kind down, as a web process does."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "tests.faults.counted", "write", str(count)],
            cwd=PROJECT,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def wipe_queue(self) -> int:
        """Empty the queue and say how many wake-ups were in it."""
        with self._queue() as queue:
            wiped: int = queue.purge()
        return wiped

    @contextmanager
    def _queue(self) -> Iterator[Any]:
        name = self.environment["CELERY_TASK_DEFAULT_QUEUE"]
        options: dict[str, Any] = {}
        if self._broker == FILES:
            folder = {"folder": self.environment["BROKER_FOLDER"]}
            options = {"transport": "jobs.broker:Transport", "transport_options": folder}
        connection: Any = Connection(self._broker, **options)  # type: ignore[no-untyped-call]
        with connection, connection.channel() as channel:
            exchange = Exchange(name)  # type: ignore[no-untyped-call]
            queue = Queue(name, exchange, routing_key=name)(channel)  # type: ignore[no-untyped-call]
            queue.declare()  # type: ignore[no-untyped-call]  # a channel forgets only the bindings that it knows
            yield queue

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self._folder / "jobs.sqlite3", timeout=10) as connection:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows

    def states(self) -> Counter[str]:
        """How many jobs stand where."""
        return Counter(dict(self._rows("SELECT state, count(*) FROM jobs_job GROUP BY state")))

    def effects(self) -> list[int]:
        """The numbers that left a row, sorted."""
        names = self._rows(f"SELECT name FROM accounts_organisation WHERE name LIKE '{EFFECT}%'")  # noqa: S608
        return sorted(int(name.removeprefix(EFFECT)) for (name,) in names)

    def handed_over(self) -> list[int]:
        """The numbers that the carrier got, sorted."""
        file = self._folder / "handed-over"
        return sorted(map(int, file.read_text().split())) if file.exists() else []

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so; fail with what the processes said when it takes too long."""
        deadline = time.monotonic() + LONGEST
        while not is_so():
            if time.monotonic() > deadline:
                logs = [file.read_text(errors="replace") for file in self._folder.glob("*.log")]
                raise AssertionError(f"{self.states()}\n" + "\n".join(logs))
            time.sleep(0.05)

    def wait_until_done(self, count: int) -> None:
        """Return when so many jobs are done."""
        self.wait_until(lambda: self.states() == {"done": count})
