"""A PostgreSQL cluster and a Redis of one's own, on free ports, that may be hurt without hurting anybody else's."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import psycopg
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from scripts.processes import HOST, take_port

_SERVER_USER = "postgres"  # PostgreSQL refuses to run as root
_START_SECONDS = 30.0
_PROGRAMS = Path("/usr/lib/postgresql")  # where Debian and Ubuntu keep them, off the path


def missing() -> str:
    """What this machine lacks for these servers, as a sentence; "" when nothing."""
    if _postgres_program("initdb") is None:
        return "There is no PostgreSQL server to start: install postgresql."
    if shutil.which("redis-server") is None:
        return "There is no Redis server to start: install redis-server."
    if os.geteuid() == 0 and not _has_server_user():
        return f"PostgreSQL does not run as root, and there is no user {_SERVER_USER} to run it."
    return ""


def _has_server_user() -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(_SERVER_USER))
    return False


def _postgres_program(name: str) -> str | None:
    folders = sorted(_PROGRAMS.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    path = os.pathsep.join(str(folder) for folder in reversed(folders))
    return shutil.which(name, path=path) or shutil.which(name)


def _free_port() -> int:
    with take_port(0) as taken:
        return int(taken.getsockname()[1])


class PostgresCluster:
    """A PostgreSQL server with its own data, as safe against crashes as it comes: fsync and commits are not loosened."""

    def __init__(self) -> None:
        self._port = _free_port()
        self.address = f"postgres://postgres@{HOST}:{self._port}/postgres"
        self._folder = Path(tempfile.mkdtemp(prefix="peer_cluster_"))
        self._data = self._folder / "data"

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, _SERVER_USER, _SERVER_USER)
        try:
            self._run("initdb", "--auth", "trust", "--username", "postgres", "--encoding", "UTF8")
            self._run("pg_ctl", "start", *self._options())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        with suppress(subprocess.CalledProcessError):  # it may not have come up at all
            self._run("pg_ctl", "stop", "--mode", "immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def restart_at_once(self) -> None:
        """Every server process quits where it stands; then the server recovers from its log, as after a power cut."""
        self._run("pg_ctl", "restart", "--mode", "immediate", *self._options())

    def _options(self) -> list[str]:
        server = f"-c listen_addresses={HOST} -c port={self._port}"
        server += f" -c unix_socket_directories={self._folder} -c max_connections=60"
        log = str(self._folder / "server.log")
        return ["--wait", "--timeout", f"{_START_SECONDS:.0f}", "--log", log, "--options", server]

    def _run(self, program: str, *arguments: str) -> None:
        is_root = os.geteuid() == 0
        subprocess.run(
            [_postgres_program(program) or program, "--pgdata", str(self._data), *arguments],
            cwd=self._folder,
            user=_SERVER_USER if is_root else None,
            group=_SERVER_USER if is_root else None,
            extra_groups=[] if is_root else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server keeps what it is given: a pipe would never end
            stderr=subprocess.DEVNULL,
            check=True,
        )

    def rows(self, database: str, question: str) -> list[tuple[object, ...]]:
        """The answer to a question, asked as the superuser, to whom row-level security shows everything."""
        address = f"postgres://postgres@{HOST}:{self._port}/{database}"
        with psycopg.connect(address) as connection:
            return connection.execute(question.encode()).fetchall()


class RedisServer:
    """A Redis that keeps everything in memory only: whoever stops it wipes it."""

    def __init__(self) -> None:
        self._port = _free_port()
        self.address = f"redis://{HOST}:{self._port}/0"
        self._folder = Path(tempfile.mkdtemp(prefix="peer_redis_"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop_and_wipe()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, empty. Raises TimeoutError."""
        command = ["redis-server", "--bind", HOST, "--port", str(self._port), "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--appendonly", "no"],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError("The Redis server did not answer.")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with suppress(RedisAway), Redis(host=HOST, port=self._port) as client:
            return bool(client.ping())
        return False

    def stop_and_wipe(self) -> None:
        """End it at once. Nothing of what it held is kept."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
