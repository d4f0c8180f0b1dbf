"""The commissioner in a real browser: signing in, the figures, and taking them away."""

import csv
import io
import json

import pytest
from playwright.sync_api import Page, expect

from scripts.screenshots import WIDTHS, press, sign_in
from scripts.stack import Stack
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def _sign_in(page: Page, stack: Stack) -> None:
    page.goto("/commissioner/")
    expect(page.locator("h1")).to_have_text("Sign in for staff")
    sign_in(page, stack.logins["commissioner_email"], stack.logins["commissioner_password"])


def _shown_counts(page: Page, table: str) -> list[list[str]]:
    rows = page.locator(f".app-scroll[aria-labelledby={table}] tbody tr").all()
    return [[cell.split()[0] for cell in row.locator("td").all_inner_texts()] for row in rows]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.usefixtures("in_hand")
def test_the_page_the_spreadsheet_and_the_data_say_the_same(
    visit: Visit, stack: Stack, width: int
) -> None:
    page = visit(width=width)
    _sign_in(page, stack)
    expect(page.locator("h1")).to_have_text("From referral to joining")
    by_month = _shown_counts(page, "by-month")
    by_practice = _shown_counts(page, "by-practice")
    assert len(by_month) == 12
    assert by_practice[0][:2] == ["20", "20"]

    with page.expect_download() as download:
        page.get_by_role("link", name="(CSV)").click()
    lines = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    page.get_by_role("link", name="(JSON)").click()
    data = json.loads(page.locator("body").inner_text())

    for table, shown in (("by_month", by_month), ("by_practice", by_practice)):
        counts = [line["count"] for line in lines if line["table"] == table]
        assert counts == [cell.replace(",", "") for row in shown for cell in row]
        values = [cell["value"] for row in data[table] for cell in row["counts"]]
        assert ["[c]" if value is None else str(value) for value in values] == counts


def test_wide_tables_scroll_by_keyboard_inside_themselves(visit: Visit, stack: Stack) -> None:
    page = visit(width=WIDTHS[0])
    _sign_in(page, stack)
    table = page.locator(".app-scroll").first

    table.focus()
    assert table.evaluate("table => table.scrollWidth > table.clientWidth && !table.scrollLeft")
    page.keyboard.press("ArrowRight")

    expect(table).not_to_have_js_property("scrollLeft", 0)


def test_signing_out_is_asked_for_and_then_complete(visit: Visit, stack: Stack) -> None:
    page = visit()
    _sign_in(page, stack)
    page.get_by_role("link", name="Sign out").first.click()
    press(page, "Sign out")

    page.goto("/commissioner/")

    expect(page.locator("h1")).to_have_text("Sign in for staff")
    assert page.context.request.get("/api/measures/funnel").status in {401, 403}


@pytest.mark.parametrize("path", ["signup/", "email/", "confirm-email/", "password/set/"])
def test_nobody_makes_or_moves_an_account_here(visit: Visit, stack: Stack, path: str) -> None:
    page = visit()
    _sign_in(page, stack)

    answer = page.goto(f"/accounts/{path}")

    assert answer is not None
    assert answer.status == 404
    expect(page.locator("h1")).to_have_text("Page not found")
