"""Keeps every FHIR body that passes through the test client, for the independent checkers.

A plugin of pytest: ``BODIES_FOLDER=… pytest -p tests.eyes.recorder``. What a test obtains in another way, such as a
notification, it hands in with ``keep``.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from scripts.suite import BODIES

_LINES = "application/fhir+ndjson"


class _Keeper:
    """One file of JSON lines for this process; each distinct body once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{os.getpid()}.ndjson"
        self._known: set[bytes] = set()

    def keep(self, text: str, *, origin: str) -> None:
        digest = hashlib.sha256(text.encode()).digest()
        if digest in self._known:
            return
        self._known.add(digest)
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"origin": origin, "test": test, "body": text}) + "\n")


_keepers: list[_Keeper] = []  # none, or the one of this process


def pytest_configure() -> None:
    """Stand around everything else, so that answers of our own middleware are seen too."""
    _keepers.append(_Keeper(Path(os.environ[BODIES])))
    settings.MIDDLEWARE = [f"{__name__}.{Recorder.__name__}", *settings.MIDDLEWARE]


def keep(text: str, *, origin: str) -> None:
    """Keep a body when it is a FHIR resource; ``origin`` says where it was seen."""
    for keeper in _keepers:
        if _is_resource(text):
            keeper.keep(text, origin=origin)


class Recorder:
    """Middleware that keeps what is answered, and what was sent when it was accepted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, unchanged."""
        answer = self._get_response(request)
        origin = f"{request.method} {request.path} {answer.status_code}"
        for text in _bodies(answer):
            keep(text, origin=f"answer to {origin}")
        # What is only validated is answered with 200, sound or not; and so is a batch, whatever its entries are.
        is_judged_whole = not request.path.endswith(("/$validate", "/fhir/R4", "/fhir/R4/"))
        is_taken = answer.status_code < 300 and is_judged_whole
        if is_taken and "json" in (request.content_type or ""):
            keep(_sent(request), origin=f"sent with {origin}")
        return answer


def _bodies(answer: HttpResponseBase) -> list[str]:
    content = getattr(answer, "content", b"")
    if "json" not in answer.get("Content-Type", ""):
        return []
    text = content.decode("utf-8")
    # Not splitlines: a resource may hold other characters that end a line.
    return text.split("\n") if answer["Content-Type"].startswith(_LINES) else [text]


def _sent(request: HttpRequest) -> str:
    # Read by the view already; of a request whose body nobody read there is nothing to check.
    return request.body.decode("utf-8") if hasattr(request, "_body") else ""


def _is_resource(text: str) -> bool:
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return isinstance(body, dict) and "resourceType" in body
