"""A real browser before the real processes: one of each for all the tests here."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

from scripts.screenshots import HEIGHT, Invitation, invitations, launch
from scripts.services import CHROMIUM
from scripts.stack import Stack

_IN_HAND = 20  # as many as it takes for a practice to have figures and percentages
_CODE = re.compile(r"/r/[a-z2-7]{20,}")

Visit = Callable[..., Page]
TakeInvitation = Callable[[], Invitation]


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The product."""
    if not CHROMIUM.answers():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"{CHROMIUM.without}, and REQUIRE_SERVICES=1 asks for it")
        pytest.skip(CHROMIUM.without)
    with Stack() as stack:
        yield stack


@pytest.fixture(scope="package")
def chromium(stack: Stack) -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def in_hand(stack: Stack) -> list[Invitation]:
    """The messages that a practice's patients have received."""
    return invitations(stack, _IN_HAND)


@pytest.fixture
def take_invitation(in_hand: list[Invitation]) -> TakeInvitation:
    """Each call is somebody else's message with a link that nobody has opened."""
    return in_hand.pop


@pytest.fixture
def invitation(take_invitation: TakeInvitation) -> Invitation:
    """Somebody's message."""
    return take_invitation()


@dataclass
class Watch:
    """Everything that must not happen in a browser, whatever the test is about."""

    host: str
    faults: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Begin to watch."""
        context.on("console", self._heard)
        context.on("request", self._asked)
        context.on("weberror", lambda error: self.faults.append(f"script error: {error.error}"))
        context.on("page", lambda page: page.on("framenavigated", self._shown))

    def _heard(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Refused" in message.text:
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host:
            self.faults.append(f"another host was asked: {request.url}")
        if _CODE.search(request.headers.get("referer", "")):
            self.faults.append(f"the code was sent on to {request.url}")

    def _shown(self, frame: object) -> None:
        address = str(getattr(frame, "url", ""))
        if _CODE.search(address):
            self.faults.append(f"the code stayed in the address bar: {address}")


@pytest.fixture
def visit(stack: Stack, chromium: Browser) -> Iterator[Visit]:
    """Opens a browser window of its own; ``has_scripts=False`` switches JavaScript off."""
    watch, contexts = Watch(urlsplit(stack.base_url).netloc), list[BrowserContext]()

    def visit(*, width: int = 360, has_scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=stack.base_url,
            viewport={"width": width, "height": HEIGHT},
            java_script_enabled=has_scripts,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        watch.over(context)
        return context.new_page()

    yield visit
    for context in contexts:
        context.close()
    if watch.faults:
        pytest.fail("\n".join(watch.faults))
