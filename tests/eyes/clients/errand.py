"""What a client is sent to do, and how it says how far it came. Only the standard library: every client imports it."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Found = TypeVar("Found")
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Errand:
    """The server, the right to ask it, and whom to refer: as many ``patients`` as ``referrals``, which lack a subject.

    ``key`` is the client's private key as a JWK, ``assertion`` a JWT signed with it, ``token`` an access token.
    """

    fhir: str
    client_id: str
    scope: str
    key: dict[str, Any]
    assertion: str
    token: str
    patients: list[dict[str, Any]]
    referrals: list[dict[str, Any]]


def given() -> Errand:
    """The errand on standard input."""
    return Errand(**json.load(sys.stdin))


def say(done: str) -> None:
    """Tell that a step is done."""
    print(f"done: {done}", flush=True)  # noqa: T201


def refused(error: type[Exception], request: Callable[[], object]) -> Any:
    """The error with which the client says that the request was refused."""
    try:
        request()
    except error as refusal:
        return refusal
    raise AssertionError("It was let through.")


def wait_for(what: str, look: Callable[[], Found | None]) -> Found:
    """What ``look`` finds within half a minute. Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not come.")
