"""The load: raw HTTP over connections that are kept, from a process of its own, so that its CPU is not counted."""

import socket
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice

from scripts.processes import HOST

_HUNG_SECONDS = 30.0  # who has no answer by then is counted as hung
NO_ANSWER = 0


@dataclass(frozen=True)
class Load:
    """Requests as bytes for a port, over so many connections, until they or the seconds run out."""

    port: int
    requests: list[bytes]
    connections: int
    seconds: float
    is_repeated: bool


@dataclass(frozen=True)
class Answers:
    """What came back: how often each status, and how long each answer took; ``cpu`` is the client's own, in seconds."""

    seconds: float
    statuses: Counter[int]
    latencies: list[float]
    cpu: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds


def drive(load: Load) -> Answers:
    """Send, wait, send again on every connection; to be called in a process of its own."""
    began, cpu = time.perf_counter(), time.process_time()
    shares = [_share(load, number) for number in range(load.connections)]
    with ThreadPoolExecutor(load.connections) as threads:
        seen = threads.map(lambda share: _ask_all(share, load, began + load.seconds), shares)
        answers = [answer for each in seen for answer in each]
    return Answers(
        seconds=time.perf_counter() - began,
        statuses=Counter(status for status, _ in answers),
        latencies=[latency for _, latency in answers],
        cpu=time.process_time() - cpu,
    )


def _share(load: Load, number: int) -> Iterable[bytes]:
    """What one connection sends: each request is sent once in all, or by every connection, beginning at its own place."""
    if load.is_repeated:
        return islice(cycle(load.requests), number, None)
    return load.requests[number :: load.connections]


def _ask_all(share: Iterable[bytes], load: Load, deadline: float) -> list[tuple[int, float]]:
    connection, seen = _Connection(load.port), []
    for request in share:
        began = time.perf_counter()
        if began >= deadline:
            break
        status = connection.ask(request)
        seen.append((status, time.perf_counter() - began))
    connection.close()
    return seen


class _Connection:
    """One connection, opened again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection((HOST, self._port), timeout=_HUNG_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def ask(self, request: bytes) -> int:
        """The status of the answer, or NO_ANSWER."""
        try:
            self._socket.sendall(request)
            status, length, is_last = self._head()
            self._reader.read(length)
        except (OSError, ValueError):
            status, is_last = NO_ANSWER, True
        if is_last:
            self.close()
            self._open()
        return status

    def _head(self) -> tuple[int, int, bool]:
        """Status, length of the body, and whether the server closes the connection. Raises ValueError for no answer."""
        words = self._reader.readline().split(maxsplit=2)
        if len(words) < 2:
            raise ValueError(words)
        length, is_last = 0, False
        while line := self._reader.readline().rstrip():
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            elif name == b"connection":
                is_last = value.strip() == b"close"
        return int(words[1]), length, is_last

    def close(self) -> None:
        """End it."""
        self._reader.close()
        self._socket.close()
