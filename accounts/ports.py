"""What accounts need from outside: a client's keys, read at the address that it registered."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class KeysUnavailable(Exception):
    """The key set cannot be read there, now or ever; the text says why, for our own log."""


@dataclass(frozen=True)
class FetchedKeys:
    """What was read, and for how long its owner says that it may be kept. None: it does not say."""

    document: bytes
    good_for: timedelta | None


class KeyFetcher(Protocol):
    """Reads key sets, and nothing that is not public."""

    def check(self, url: str) -> None:
        """Raise KeysUnavailable when this address would never be asked."""
        ...

    def fetch(self, url: str) -> FetchedKeys:
        """Read it. Raises KeysUnavailable. Takes seconds: never inside a transaction."""
        ...


def key_fetcher() -> KeyFetcher:
    """The fetcher that settings name."""
    served: KeyFetcher = import_string(settings.KEY_FETCHER)()
    return served
