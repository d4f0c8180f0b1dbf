"""Which addresses may be asked at all: those of the public internet, and in a demonstration this very machine."""

import queue
import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}
# IANA's special-purpose registries, beyond what ipaddress calls global in one Python and not in another.
_CLOSED = [
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # carriers' own (CGNAT)
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/3",  # multicast and reserved
        "2001::/23",  # Teredo and other protocols' own
        "2001:db8::/32",  # documentation, as the next
        "3fff::/20",
        "2002::/16",  # 6to4: wraps an IPv4 address
    )
]
# All that is in use of IPv6. Mapped IPv4, NAT64, link-local, unique local and multicast lie outside.
_IPV6_IN_USE = ip_network("2000::/3")


class OutboundRefused(Exception):
    """This is not asked, or not taken, now or later; the text says why."""


class OutboundUnavailable(Exception):
    """No answer came; later there may be one."""


@dataclass(frozen=True)
class Target:
    """An address taken apart. ``is_own`` is this very machine, which only a demonstration may ask."""

    scheme: str
    host: str
    port: int
    netloc: str
    path: str
    is_own: bool


def target_of(url: str) -> Target:
    """The address taken apart, when it may be asked for all that can be told without looking its name up."""
    if not url.isascii() or not url.isprintable() or not set(url).isdisjoint(' \\"<>^`{|}'):
        raise OutboundRefused("The address holds characters that must be percent-encoded.")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise OutboundRefused("The address is not understood.") from error
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or "@" in parts.netloc or "#" in url:
        raise OutboundRefused("The address must be a host and a path, without user or fragment.")
    is_own = host in _THIS_MACHINE and (settings.DEMO or settings.DEBUG)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_own):
        raise OutboundRefused("The address must begin with https://.")
    if ":" in host or host.replace(".", "").isdecimal():
        _check([_numeric(host)], is_own=is_own)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, parts.netloc, path, is_own)


def addresses_of(target: Target, *, seconds: float) -> list[Address]:
    """Where the name leads, looked up once. Raises OutboundRefused if any of it is not for us to ask."""
    found = [_numeric(str(entry[4][0])) for entry in _looked_up(target, seconds=seconds)]
    _check(found, is_own=target.is_own)
    return list(dict.fromkeys(found))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and wraps no other."""
    if isinstance(address, IPv6Address) and address not in _IPV6_IN_USE:
        return False
    return address.is_global and not any(address in network for network in _CLOSED)


def _check(addresses: list[Address], *, is_own: bool) -> None:
    if not all(address.is_loopback if is_own else is_public(address) for address in addresses):
        raise OutboundRefused("The name leads to an address that is not public.")


def _numeric(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise OutboundRefused("The address is not understood.") from error


_Entries = list[tuple[int, int, int, str, tuple[str | int | bytes, ...]]]


def _looked_up(target: Target, *, seconds: float) -> _Entries:
    """In a thread, because a name server that keeps silent would hold us up for as long as it likes."""
    answers: queue.SimpleQueue[_Entries | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise OutboundUnavailable("The name could not be looked up in time.") from None
    if isinstance(answer, Exception) or not answer:
        raise OutboundUnavailable("The name cannot be found.")
    return answer
