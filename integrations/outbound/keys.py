"""Reads clients' key sets at the addresses that they registered."""

import re
from datetime import timedelta

from accounts.ports import FetchedKeys, KeysUnavailable
from integrations.outbound.addresses import OutboundRefused, OutboundUnavailable, target_of
from integrations.outbound.client import get

_SECONDS = 5.0
_LARGEST = 65_536
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age\s*=\s*"?([0-9]{1,9})(?![0-9])')
_NOT_KEPT = re.compile(r"(?:^|[,\s])no-(?:store|cache)(?=$|[,\s=])")


class GuardedKeyFetcher:
    """The KeyFetcher that asks public addresses by HTTPS."""

    def check(self, url: str) -> None:
        """Raise KeysUnavailable when this address would never be asked."""
        try:
            target_of(url)
        except OutboundRefused as error:
            raise KeysUnavailable(str(error)) from error

    def fetch(self, url: str) -> FetchedKeys:
        """Read it. Raises KeysUnavailable."""
        try:
            answer = get(url, timeout=_SECONDS, largest=_LARGEST)
        except (OutboundRefused, OutboundUnavailable) as error:
            raise KeysUnavailable(str(error)) from error
        if answer.status != 200:
            raise KeysUnavailable(f"The answer had the status {answer.status}.")
        return FetchedKeys(answer.body, good_for(answer.headers.get("cache-control", "")))


def good_for(cache_control: str) -> timedelta | None:
    """For how long ``Cache-Control`` lets an answer be kept; None when it does not say."""
    text = cache_control.lower()
    if _NOT_KEPT.search(text):
        return timedelta()
    found = _MAX_AGE.search(text)
    if found:
        return timedelta(seconds=int(found[1]))
    return timedelta() if "max-age" in text else None
