"""How often in a minute one sender may ask. Counted before anything of the request is read, and nowhere for longer.

The counts live in Django's cache: each process counts for itself, or all together in Redis (``CACHE_URL``).
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger(__name__)

_SECONDS = 60


class Limit(StrEnum):
    """What is counted; ``settings.RATE_LIMITS`` says how many of each one sender has in a minute."""

    CLIENT = "client"
    TOKEN = "token"  # noqa: S105  (the name of a limit)
    NOBODY = "nobody"
    EVENTS = "events"
    PATIENT = "patient"
    KEY_SET = "key-set"
    UNKNOWN_KEY = "unknown-key"


def seconds_to_wait(*, limit: Limit, who: str, at: datetime) -> int:
    """Count one more of ``who`` and say in how many seconds there is room for it: 0 when there is room now."""
    minute, second = divmod(int(at.timestamp()), _SECONDS)
    key = f"rate:{limit}:{minute}:{sha256(who.encode()).hexdigest()[:32]}"
    try:
        cache.add(key, 0, timeout=2 * _SECONDS)
        count = cache.incr(key)
    except Exception as error:
        # Whatever a cache raises when it is away: a count that is lost must not stop a referral.
        logger.warning("requests are not counted", extra={"error": type(error).__name__})
        return 0
    return _SECONDS - second if count > settings.RATE_LIMITS[limit] else 0


def sender_of(environ: Mapping[str, Any]) -> str:
    """The network that a request (its ``META``) came from: an IPv4 address, or the half of an IPv6 one that is one line."""
    address = str(environ.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        # The last one is what our proxy saw; those before it are whatever the sender wrote.
        address = str(environ.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))
    return str(parsed)
