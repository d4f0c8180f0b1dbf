"""Celery's broker without a server: each message a file in a folder.

It takes the place of kombu's own ``filesystem://``, whose readers meet half-written files and then end the worker.
"""

import shutil
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import quote

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

_TRIES = 5


class Channel(virtual.Channel):
    """Puts a message under its name whole or not at all; whoever removes it has it."""

    def _folder(self, queue: str) -> Path:
        return Path(self.connection.client.transport_options["folder"], quote(queue, safe=""))

    def _messages(self, queue: str) -> list[Path]:
        try:
            return sorted(file for file in self._folder(queue).iterdir() if file.suffix == ".json")
        except FileNotFoundError:
            return []

    def _put(self, queue: str, message: dict[str, Any], **_options: Any) -> None:
        folder = self._folder(queue)
        name = f"{time.time_ns()}-{uuid.uuid4().hex}"
        unfinished, finished = folder / f"{name}.part", folder / f"{name}.json"
        for left in reversed(range(_TRIES)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                unfinished.write_text(dumps(message), encoding="utf-8")  # type: ignore[no-untyped-call]
                unfinished.replace(finished)
            except (FileNotFoundError, FileExistsError):  # the folder is being removed right now
                if not left:
                    raise
            else:
                return

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        for file in self._messages(queue):
            try:
                text = file.read_text(encoding="utf-8", errors="replace")
                file.unlink()
            except FileNotFoundError:  # another consumer was faster
                continue
            if message := _read(text):
                return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._messages(queue))

    def _purge(self, queue: str) -> int:
        files = self._messages(queue)
        for file in files:
            file.unlink(missing_ok=True)
        return len(files)

    def _delete(self, queue: str, *_rest: Any, **_options: Any) -> None:
        shutil.rmtree(self._folder(queue), ignore_errors=True)


def _read(text: str) -> dict[str, Any] | None:
    """The message, or nothing when the text is none."""
    try:
        message: dict[str, Any] = loads(text)  # type: ignore[no-untyped-call]
        message["properties"]["delivery_tag"], message["properties"]["delivery_info"]
    except (ValueError, LookupError, TypeError):
        return None
    return message


class Transport(virtual.Transport):
    """What ``CELERY_BROKER_TRANSPORT`` names for ``filesystem://``; ``folder`` is its one option of its own."""

    Channel = Channel
    driver_type = "filesystem"
    driver_name = "files"
    # A full disk or a folder that may not be read: the worker says so and connects again, and does not end.
    connection_errors = (OSError,)

    def driver_version(self) -> str:
        """Kombu asks every transport."""
        return "1"
