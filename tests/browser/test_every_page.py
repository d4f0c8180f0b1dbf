"""Every page and every error state: nothing for axe to find, and room on the narrowest screen."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from scripts.screenshots import (
    HEIGHT,
    WIDTHS,
    admin_pages,
    declining_pages,
    directory_pages,
    host_pages,
    patient_pages,
    public_pages,
    review_pages,
    staff_pages,
)
from scripts.stack import Stack
from tests.browser.conftest import TakeInvitation, Visit

pytestmark = pytest.mark.browser

NARROWEST = 320
_RULES = {
    "resultTypes": ["violations"],
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
        "best-practice",
    ],
}
_WIDTH_NEEDED = "document.documentElement.scrollWidth"
# WCAG 1.4.12: readers may set text this wide, and nothing may be cut off.
_SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important; } p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
_USUAL_SPACING = "() => { document.adoptedStyleSheets = []; }"


def _look(page: Page, name: str) -> Iterator[str]:
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found: dict[str, list[dict[str, Any]]] = page.evaluate("rules => axe.run(rules)", _RULES)
        for fault in found["violations"]:
            targets = [node["target"] for node in fault["nodes"]]
            yield f"{name} at {width}: {fault['id']} {targets}"
    page.set_viewport_size({"width": NARROWEST, "height": HEIGHT})
    if (needed := page.evaluate(_WIDTH_NEEDED)) > NARROWEST:
        yield f"{name} needs {needed} px"
    page.evaluate(_SPACING)
    if (needed := page.evaluate(_WIDTH_NEEDED)) > NARROWEST:
        yield f"{name} with wide text needs {needed} px"
    page.evaluate(_USUAL_SPACING)
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})


def _faults(page: Page, walk: Iterator[str]) -> list[str]:
    seen: list[str] = []
    faults: list[str] = []
    for name in walk:
        seen.append(name)
        faults += _look(page, name)
        if page.get_by_role("link", name="Get help now").count() == 0:
            faults.append(f"{name} does not say where to get help")
        if not page.title().endswith(" – Peer support"):
            faults.append(f"{name} has the title {page.title()!r}")
    assert seen
    return faults


def test_pages_for_everybody_are_usable_by_everybody(visit: Visit, stack: Stack) -> None:
    page = visit()

    assert _faults(page, public_pages(page, stack.base_url)) == []


def test_a_patients_pages_are_usable_by_everybody(
    visit: Visit, take_invitation: TakeInvitation
) -> None:
    page = visit()

    assert _faults(page, patient_pages(page, take_invitation())) == []


def test_the_pages_for_saying_no_are_usable_by_everybody(
    visit: Visit, take_invitation: TakeInvitation
) -> None:
    page = visit()

    assert _faults(page, declining_pages(page, take_invitation())) == []


def test_staff_pages_are_usable_by_everybody(visit: Visit, stack: Stack) -> None:
    page = visit()

    assert _faults(page, staff_pages(page, stack)) == []


def test_the_directory_is_usable_by_everybody(visit: Visit, stack: Stack) -> None:
    page = visit()

    assert _faults(page, directory_pages(page, stack.base_url)) == []


def test_the_directory_works_without_scripts(visit: Visit, stack: Stack) -> None:
    page = visit(has_scripts=False)

    assert list(directory_pages(page, stack.base_url))
    assert list(host_pages(page, stack))


def test_the_pages_of_hosts_and_reviewers_are_usable_by_everybody(
    visit: Visit, stack: Stack
) -> None:
    page = visit()

    assert _faults(page, host_pages(page, stack)) == []
    assert _faults(page, review_pages(page, stack)) == []


def test_the_admin_keeps_to_its_policy(visit: Visit, stack: Stack) -> None:
    """What it may not load, its own watch of the browser would find."""
    page = visit(width=1280)

    assert list(admin_pages(page, stack)) == ["admin", "admin-communities"]
