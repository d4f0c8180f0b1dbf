"""How gunicorn serves: ``gunicorn config.wsgi --config python:config.serving``. Each name is one of its settings."""

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

from gunicorn.workers import gthread  # type: ignore[import-untyped]  # it has no types

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))  # gunicorn's own name for it
# Most of a thread's time is spent waiting: for the database, and for slow clients where no proxy takes them.
threads = 8
preload_app = True
loglevel = "warning"  # and no access log: paths hold the codes of patients' links
control_socket_disable = True

# Nothing but BEHIND_PROXY makes us believe what a sender says of itself.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

_LONGEST_SECONDS = 15
_STALLED_SECONDS = 5
# How long a thread waits for the first byte of a connection, and for the rest of a body that nobody reads, before it
# turns to others. Gunicorn's own five seconds let a few idle connections hold up everybody, and it has no setting.
gthread.DEFAULT_WORKER_DATA_TIMEOUT = 0.2
_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"


class Worker(gthread.ThreadWorker):  # type: ignore[misc]  # it has no types
    """A thread is one connection's for some seconds at most: one that sends a byte now and then loses it, too."""

    def handle(self, conn: Any) -> Any:
        """Read one request, answer it."""
        deadline = Timer(_LONGEST_SECONDS, _hang_up, [conn.sock])
        deadline.daemon = True
        deadline.start()
        try:
            return super().handle(conn)
        finally:
            deadline.cancel()


worker_class = Worker


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _begin_counting(folder: Path) -> None:
    """Every process counts in files of this folder. What those before have left there would be counted again."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    os.environ[_COUNTERS] = str(folder)


def when_ready(server: Any) -> None:
    """A client that stops in the middle of a request lets its thread go after some seconds."""
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            # Connections inherit it from the socket they were accepted on.
            limit = struct.pack("ll", _STALLED_SECONDS, 0)
            listener.sock.setsockopt(socket.SOL_SOCKET, option, limit)


# Here and not in a hook: the application is loaded before the first hook is called, and reads it then.
_begin_counting(Path(os.environ.get(_COUNTERS) or "var/metrics"))
