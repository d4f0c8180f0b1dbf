"""Where clients keep their key sets: a stand-in for everything outside, which settings name as the KeyFetcher."""

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.db import connection
from joserfc.jwk import Key

from accounts.ports import FetchedKeys, KeysUnavailable


class KeySite:
    """Answers what it was last given to say, and writes down that it was asked."""

    document: ClassVar[bytes] = b"{}"
    good_for: ClassVar[timedelta | None] = None
    is_away: ClassVar[bool] = False
    asked: ClassVar[list[str]] = []
    savepoints: ClassVar[list[object]] = []

    @classmethod
    def holds(cls, *keys: Key | dict[str, Any], good_for: timedelta | None = None) -> None:
        """Publish these keys; of a pair only the public half."""
        entries = [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]
        cls.document, cls.good_for = json.dumps({"keys": entries}).encode(), good_for

    def check(self, url: str) -> None:
        """Every address will do here."""

    def fetch(self, url: str) -> FetchedKeys:
        """What is published, or nothing while the site is away."""
        type(self).asked.append(url)
        type(self).savepoints = list(connection.savepoint_ids)
        if self.is_away:
            raise KeysUnavailable("It is away.")
        return FetchedKeys(self.document, self.good_for)
