"""When the database is gone, help is still there, and so is the way to it (hazard H21)."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scripts.screenshots import NOT_A_CODE, give_birth_date, press
from scripts.stack import Stack
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def no_database(stack: Stack) -> Iterator[None]:
    """Its file is away, and what stands in its place cannot be opened."""
    database = stack.folder / "peer.sqlite3"
    away = Path(f"{database}.away")
    database.rename(away)
    database.mkdir()
    yield
    database.rmdir()
    away.rename(database)


@pytest.mark.usefixtures("no_database")
def test_help_is_there_without_a_database(visit: Visit) -> None:
    page = visit()
    assert page.context.request.get("/health/ready").status == 503

    answer = page.goto("/help/now")

    assert answer is not None
    assert answer.status == 200
    expect(page.locator("h1")).to_have_text("Get help now")
    expect(page.get_by_role("link", name="116 123")).to_be_visible()
    background = page.locator(".nhsuk-header").evaluate(
        "it => getComputedStyle(it).backgroundColor"
    )
    assert background == "rgb(0, 94, 184)", "the page has no style"


@pytest.mark.usefixtures("no_database")
def test_whoever_runs_into_it_is_told_so_and_shown_the_way_to_help(visit: Visit) -> None:
    page = visit()
    page.goto(f"/r/{NOT_A_CODE}")
    press(page, "Start now")

    give_birth_date(page, date(1980, 3, 31))

    expect(page.locator("h1")).to_have_text("Sorry, something went wrong on our side")
    page.get_by_role("link", name="Get help now").last.click()
    expect(page.locator("h1")).to_have_text("Get help now")


def test_the_service_is_back_when_the_database_is(visit: Visit) -> None:
    page = visit()

    assert page.context.request.get("/health/ready").status == 200
