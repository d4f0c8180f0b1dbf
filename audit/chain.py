"""The chain: what a seal covers, in a form that only one entry can have, and how one seal follows from the last."""

import hmac
from dataclasses import dataclass

from django.db import connection

_PLACE_BYTES = 8

# Every column of an entry as one JSON array, made by the database: exact, and the same whenever it is asked for. On
# SQLite the stored texts themselves go in, so that not even a blank can change unseen.
_CANONICAL = {
    "postgresql": (
        "json_build_array(entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.action, entry.actor,"
        " entry.organisation_id, entry.target, entry.detail, entry.tenant_id)::text"
    ),
    "sqlite": (
        "json_array(entry.id, entry.at, entry.action, entry.actor,"
        " entry.organisation_id, entry.target, entry.detail, entry.tenant_id)"
    ),
}


@dataclass(frozen=True)
class Head:
    """Where a chain has come to."""

    position: int
    mac: bytes


BEGINNING = Head(position=0, mac=bytes(32))


def canonical() -> str:
    """The SQL expression of what is sealed of a row ``entry``."""
    return _CANONICAL[connection.vendor]


def following(head: Head, *, key: bytes, text: str) -> Head:
    """The head after one more entry, whose canonical text this is."""
    position = head.position + 1
    message = head.mac + position.to_bytes(_PLACE_BYTES) + text.encode()
    return Head(position, hmac.digest(key, message, "sha256"))
