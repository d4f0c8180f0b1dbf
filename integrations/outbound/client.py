"""One HTTPS request to an address that somebody else named, without a way into our own network.

The name is looked up once, every address it has is checked, and the connection goes to a checked one, so that a name
that changes its mind in between gains nothing. Redirects are not followed, proxies of the environment not asked,
compressed answers not asked for, and one deadline covers everything from the look-up to the last byte.
"""

import io
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import cast

from django.conf import settings

from integrations.outbound.addresses import (
    OutboundRefused,
    OutboundUnavailable,
    Target,
    addresses_of,
    target_of,
)


@dataclass(frozen=True)
class Answer:
    """What came back. Names of headers are in small letters; ``body`` is whole."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(url: str, *, timeout: float, largest: int) -> Answer:
    """GET within ``timeout`` seconds in all and ``largest`` bytes. Raises OutboundRefused or OutboundUnavailable."""
    target, deadline = target_of(url), time.monotonic() + timeout
    request = _head("GET", target, ["Accept: application/json"])
    with _asked(target, request, deadline) as response:
        body = response.read(largest + 1)
        if len(body) > largest:
            raise OutboundRefused(f"It is larger than {largest} bytes.")
        if response.length:
            raise OutboundUnavailable("The answer broke off.")
        headers = {
            name.lower(): ", ".join(response.headers.get_all(name, [])) for name in response.headers
        }
        return Answer(response.status, headers, body)


def post(url: str, *, body: bytes, headers: Sequence[str], timeout: float) -> int:
    """POST within ``timeout`` seconds in all and give the status; what else is answered is not read.

    ``headers`` are whole lines. Raises OutboundRefused or OutboundUnavailable.
    """
    target, deadline = target_of(url), time.monotonic() + timeout
    head = _head("POST", target, [*headers, f"Content-Length: {len(body)}"])
    with _asked(target, head + body, deadline) as response:
        return response.status


@contextmanager
def _asked(target: Target, request: bytes, deadline: float) -> Iterator[HTTPResponse]:
    """The answer to a request, as far as its headers."""
    try:
        with _connected(target, deadline) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            # Of a socket HTTPResponse uses makefile() alone.
            wire = cast("socket.socket", _Wire(connection, deadline))
            with HTTPResponse(wire, method=request.split(b" ", 1)[0].decode()) as response:
                response.begin()
                if 300 <= response.status < 400:
                    raise OutboundRefused("It leads elsewhere; redirects are not followed.")
                yield response
    except (OSError, HTTPException, ValueError) as error:
        raise OutboundUnavailable(f"No good answer came: {type(error).__name__}.") from error


class _Wire(io.RawIOBase):
    """What http.client reads from: a socket whose every read must end by the one deadline."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands in
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        """As a socket would."""
        del mode
        return io.BufferedReader(self)


def _connected(target: Target, deadline: float) -> socket.socket:
    plain = _plain(target, deadline)
    if target.scheme == "http":
        return plain
    try:
        plain.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise


def _plain(target: Target, deadline: float) -> socket.socket:
    last: OSError = OSError("there is no address")
    for address in addresses_of(target, seconds=_left(deadline)):
        try:
            return socket.create_connection((str(address), target.port), timeout=_left(deadline))
        except OSError as error:
            last = error
    raise last


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _head(method: str, target: Target, headers: Sequence[str]) -> bytes:
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {target.netloc}",
        f"User-Agent: peer-referrals/{settings.VERSION}",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
