"""Typed readers for settings in the environment: a missing or malformed value stops the start with a sentence."""

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
_NOT_A_DATABASE = "{name} must be sqlite:///path or postgres://user:password@host:port/name."
_BASE_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_BROKERS = ("filesystem", "redis", "rediss", "amqp", "amqps", "memory")


def read_dotenv(path: Path) -> None:
    """Put ``NAME=value`` lines of a development ``.env`` into the environment; what is set already wins."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.lstrip().startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def text(name: str, default: str | None = None) -> str:
    """The value of ``name``; without a default it must be set."""
    value = os.environ.get(name, "") or default
    if value is None:
        message = f"{name} is not set. Set it in the environment (`make run` writes one for development into var/)."
        raise ImproperlyConfigured(message)
    return value


def flag(name: str, *, default: bool = False) -> bool:
    """A yes/no setting."""
    value = os.environ.get(name, str(default)).strip().lower()
    if value not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be yes or no (got {value!r}).")
    return value in _TRUE


def number(name: str, default: int) -> int:
    """A whole number that is not negative."""
    value = text(name, str(default)).strip()
    if not (value.isascii() and value.isdecimal()):
        raise ImproperlyConfigured(f"{name} must be a whole number (got {value!r}).")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """A comma-separated list of at least one word."""
    found = [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]
    if not found:
        raise ImproperlyConfigured(f"{name} is set but names nothing. Separate names by commas.")
    return found


def base_url(name: str, default: str | None = None) -> str:
    """An absolute http(s) address without a trailing slash."""
    value = text(name, default).rstrip("/")
    if not _BASE_URL.fullmatch(value):
        raise ImproperlyConfigured(
            f"{name} must be an address such as https://peer.example.nhs.uk (got {value!r})."
        )
    return value


def keys(name: str) -> list[bytes]:
    """32-byte keys in URL-safe base64, comma-separated, newest first."""
    result = []
    for word in text(name).split(","):
        try:
            key = base64.urlsafe_b64decode(word.strip())
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise ImproperlyConfigured(
                f"{name} must hold keys of 32 bytes in URL-safe base64, newest first, separated by commas. Make one with:"
                " python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
            )
        result.append(key)
    return result


def broker(name: str, default: str) -> str:
    """Where Celery's messages go. The value is never repeated: it may hold a password."""
    value = text(name, default)
    scheme, separator, _address = value.partition("://")
    if scheme not in _BROKERS or not separator:
        raise ImproperlyConfigured(
            f"{name} must be an address that begins with one of: "
            f"{', '.join(f'{scheme}://' for scheme in _BROKERS)}."
        )
    return value


def cache(name: str) -> dict[str, Any]:
    """Django's CACHES entry: Redis at ``redis://…``, or each process by itself. The value is never repeated."""
    url = os.environ.get(name, "").strip()
    if not url:
        return {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    if not url.startswith(("redis://", "rediss://")):
        raise ImproperlyConfigured(f"{name} must begin with redis:// or rediss://.")
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        # Counting must not keep a request waiting when Redis is away.
        "OPTIONS": {"socket_connect_timeout": 0.25, "socket_timeout": 0.25},
    }


def database(name: str, default: str) -> dict[str, Any]:
    """Django's DATABASES entry from ``sqlite:///path`` or ``postgres://user:password@host:port/name``."""
    url = text(name, default)
    if url.startswith("sqlite:///") and url != "sqlite:///":
        return _sqlite(url.removeprefix("sqlite:///"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Neither the value nor the error, which quotes it, may be shown: it may hold a password.
        raise ImproperlyConfigured(_NOT_A_DATABASE.format(name=name)) from None
    if parts.scheme in {"postgres", "postgresql"} and parts.path.strip("/"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.strip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    raise ImproperlyConfigured(_NOT_A_DATABASE.format(name=name))


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # Writers queue at BEGIN instead of failing half-way with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,  # a sender is told to come back rather than kept waiting
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
    }
