"""What the tests of the job table share: no handlers but their own, and what those did."""

from typing import Any

import pytest
from celery import current_app

from jobs import running
from jobs.models import JobKind
from jobs.running import handles


@pytest.fixture
def done() -> list[dict[str, Any]]:
    """What the handlers of this test did."""
    return []


@pytest.fixture(autouse=True)
def _handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No handlers but those of the test."""
    monkeypatch.setattr(running, "_HANDLERS", {})


@pytest.fixture
def _matching(done: list[dict[str, Any]]) -> None:
    """A handler that notes what it was given."""
    handles(JobKind.MATCH)(lambda **given: done.append(given))


@pytest.fixture
def nudges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The wake-ups that were sent; the broker of the tests is nobody's."""
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: sent.append(name))
    return sent
