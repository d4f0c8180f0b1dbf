"""The patient's way through a real browser on a telephone: by finger, by keyboard, without JavaScript, and backwards."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from scripts import outsiders
from scripts.screenshots import NOT_A_CODE, Invitation, follow, give_birth_date, press
from scripts.stack import Stack
from tests.browser.conftest import TakeInvitation, Visit

pytestmark = pytest.mark.browser

TRIES = 5
PRESSED = 4
MOST_STOPS_TO_CHOOSE = 17
_CLOSED = "This link cannot be used"


def _heading(page: Page, words: str) -> None:
    expect(page.locator("h1")).to_have_text(words)


def _open(page: Page, invitation: Invitation) -> None:
    page.goto(invitation.link)
    press(page, "Start now")
    give_birth_date(page, invitation.birth_date)


def _choose_and_join(page: Page, *boxes: str, offer: str = "#offer-1") -> None:
    page.locator(offer).check()
    press(page, "Continue")
    for box in boxes:
        page.locator(f"#{box}").check()
    press(page, "Join")


def _join(page: Page, invitation: Invitation) -> None:
    _open(page, invitation)
    press(page, "Continue")
    _choose_and_join(page, "tell_community")


def _cookies(page: Page) -> dict[str, tuple[bool, str]]:
    found = page.context.cookies()
    return {each["name"]: (each["httpOnly"], each["sameSite"]) for each in found}


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_link_to_a_community_and_out_again(
    visit: Visit, invitation: Invitation, has_scripts: bool
) -> None:
    page = visit(has_scripts=has_scripts)

    page.goto(invitation.link)
    _heading(page, "Your surgery has sent you a suggestion")
    assert page.url.endswith("/r/start")
    press(page, "Start now")
    give_birth_date(page, invitation.birth_date + timedelta(days=1))
    expect(page.locator("#error")).to_contain_text("These details do not match")
    give_birth_date(page, invitation.birth_date)
    _heading(page, "Support from people who understand")
    press(page, "Continue")
    _heading(page, "Choose a community")
    _choose_and_join(page, "tell_practice")
    expect(page.locator("#error")).to_contain_text("Tick the first box to join")
    expect(page.locator("#tell_practice")).to_be_checked()
    page.locator("#tell_community").check()
    press(page, "Join")
    _heading(page, "Your place is ready")
    way_in = page.get_by_role("link", name="Go to Example Steady Days")
    assert "?member=psn_" in str(way_in.get_attribute("href"))
    assert "noreferrer" in str(way_in.get_attribute("rel"))

    follow(page, "See or change your choices")
    expect(page.get_by_text("My surgery has been told that I joined")).to_be_visible()
    follow(page, "Change to another community")
    expect(page.locator("#offer-1")).to_be_checked()
    _choose_and_join(page, offer="#offer-2")
    _heading(page, "Your place is ready")
    follow(page, "See or change your choices")
    expect(page.locator(".nhsuk-tag--green")).to_have_text("Joined")
    follow(page, "Leave this community")
    page.get_by_label("It made me feel worse").check()
    press(page, "Leave")
    _heading(page, "You have left the community")
    press(page, "Look at other communities")
    _heading(page, "Choose a community")


def test_saying_no_is_final_until_the_surgery_asks_again(
    visit: Visit, invitation: Invitation
) -> None:
    page = visit()
    _open(page, invitation)
    press(page, "Continue")
    page.get_by_label("None of these feel right").check()
    press(page, "Continue")
    _heading(page, "That is fine")
    follow(page, "Say no to this suggestion")
    page.get_by_label("I worry about who sees what").check()
    press(page, "Say no")
    _heading(page, "Thank you for telling us")

    _open(page, invitation)

    _heading(page, "Your choices")
    expect(page.locator("main")).to_contain_text("You said no")
    expect(page.locator("main")).to_contain_text("ask your surgery to suggest it again")
    page.goto("/r/choose")
    _heading(page, "Your choices")


def test_thinking_about_it_changes_nothing(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    _open(page, invitation)
    press(page, "Continue")
    page.get_by_label("I want to think about it").check()
    press(page, "Continue")
    _heading(page, "Take your time")

    _open(page, invitation)

    _heading(page, "Support from people who understand")


def test_a_typed_code_opens_like_a_link(visit: Visit, invitation: Invitation) -> None:
    page, code = visit(), invitation.code.upper()
    page.goto("/")
    press(page, "Type your code")
    page.locator("#code").fill(" ".join(code[at : at + 4] for at in range(0, len(code), 4)))
    press(page, "Continue")
    press(page, "Start now")

    give_birth_date(page, invitation.birth_date)

    _heading(page, "Support from people who understand")


def test_a_locked_link_looks_like_one_that_never_was(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    page.goto(invitation.link)
    press(page, "Start now")
    for days in range(1, TRIES + 1):
        expect(page.locator("h1")).to_contain_text("What is your date of birth?")
        give_birth_date(page, invitation.birth_date + timedelta(days=days))
    page.goto("/r/check")
    give_birth_date(page, invitation.birth_date)
    _heading(page, _CLOSED)
    locked = page.locator("body").inner_text()

    page.goto(f"/r/{NOT_A_CODE}")
    press(page, "Start now")
    give_birth_date(page, date(1980, 3, 31))

    assert page.locator("body").inner_text() == locked


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(
    visit: Visit, invitation: Invitation
) -> None:
    page = visit()
    page.goto(invitation.link)
    assert _cookies(page) == {"link": (True, "Lax")}
    press(page, "Start now")
    assert _cookies(page) == {"link": (True, "Lax"), "csrftoken": (True, "Lax")}

    give_birth_date(page, invitation.birth_date)
    assert _cookies(page) == {"patient": (True, "Lax"), "csrftoken": (True, "Lax")}
    assert page.evaluate("document.cookie") == ""

    page.goto("/r/manage")
    press(page, "Sign out of this page")
    assert set(_cookies(page)) == {"csrftoken"}


def test_a_form_without_its_token_does_nothing(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    _open(page, invitation)

    answer = page.context.request.post("/r/decline", form={"reason": "other"})

    assert answer.status == 403
    page.goto("/r/manage")
    expect(page.locator("main")).to_contain_text("Not chosen yet")


def test_going_back_is_harmless(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    _join(page, invitation)
    way_in = page.locator("main .nhsuk-button").first.get_attribute("href")

    page.go_back()
    _heading(page, "What may we share?")
    expect(page.locator("#tell_community")).to_be_checked()
    press(page, "Save")

    _heading(page, "Your place is ready")
    assert page.locator("main .nhsuk-button").first.get_attribute("href") == way_in
    page.goto("/r/leave")
    press(page, "Leave")
    _heading(page, "You have left the community")
    page.go_back()
    _heading(page, "Your choices")


def test_after_signing_out_going_back_shows_nothing(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    _join(page, invitation)
    follow(page, "See or change your choices")
    press(page, "Sign out of this page")
    _heading(page, "You are signed out of this page")

    page.go_back()

    _heading(page, "Type your code")
    expect(page.locator("body")).not_to_contain_text("Steady Days")


def test_the_way_out_leads_away_and_says_nothing(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    page.goto(invitation.link)
    way_out = page.get_by_role("link", name="Leave this page quickly")

    assert way_out.get_attribute("href") == "https://www.bbc.co.uk/weather"
    assert "noreferrer" in str(way_out.get_attribute("rel"))


# What shows where the keyboard is: an outline, a shadow or a colour, on the control or on what stands for it.
_FOCUS = """() => {
  const element = document.activeElement;
  const parts = [[element, null], [element, '::before']];
  for (const label of element.labels || []) parts.push([label, null], [label, '::before']);
  const isShown = parts.some(([part, pseudo]) => {
    const style = getComputedStyle(part, pseudo);
    return parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none'
      || style.boxShadow !== 'none' || style.backgroundColor === 'rgb(255, 235, 59)';
  });
  const box = element.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 12));
  const isFree = element.closest('.nhsuk-skip-link') || box.height < 2 || top === element
    || element.contains(top) || [...(element.labels || [])].some(label => label.contains(top));
  return [element.innerText || element.name || element.id, isShown, !!isFree];
}"""


def _tab_to(page: Page, target: str, *, most: int = MOST_STOPS_TO_CHOOSE) -> int:
    """Press Tab until the target has the focus. Every stop on the way must show it, and nothing may cover it."""
    for stops in range(1, most + 1):
        page.keyboard.press("Tab")
        name, is_shown, is_free = page.evaluate(_FOCUS)
        assert is_shown, f"{page.url}: nothing shows that {name!r} has the focus"
        assert is_free, f"{page.url}: {name!r} has the focus and is covered"
        if page.locator(f"{target}:focus").count():
            return stops
    raise AssertionError(f"{target} was not reached with {most} stops on {page.url}")


def test_the_whole_way_by_keyboard_alone(visit: Visit, invitation: Invitation) -> None:
    page = visit()
    page.goto(invitation.link)
    _tab_to(page, "main a.nhsuk-button")
    page.keyboard.press("Enter")
    _heading(page, "What is your date of birth?")
    for name in ("day", "month", "year"):
        _tab_to(page, f"#{name}")
        page.keyboard.type(str(getattr(invitation.birth_date, name)))
    page.keyboard.press("Enter")
    _heading(page, "Support from people who understand")
    _tab_to(page, "main a.nhsuk-button")
    page.keyboard.press("Enter")
    _heading(page, "Choose a community")
    _tab_to(page, "#offer-1")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#offer-1")).to_be_checked()
    _tab_to(page, "main button")
    page.keyboard.press("Enter")
    _heading(page, "What may we share?")
    _tab_to(page, "#tell_community")
    page.keyboard.press("Space")
    _tab_to(page, "main button")
    page.keyboard.press("Enter")

    _heading(page, "Your place is ready")


def test_choosing_takes_few_stops_and_the_first_skips_to_the_page(
    visit: Visit, take_invitation: TakeInvitation
) -> None:
    page = visit()
    _open(page, take_invitation())
    press(page, "Continue")
    _heading(page, "Choose a community")

    stops = _tab_to(page, "footer a")

    assert stops <= MOST_STOPS_TO_CHOOSE
    page.reload()
    assert _tab_to(page, ".nhsuk-skip-link") == 1
    page.keyboard.press("Enter")
    assert page.url.endswith("#maincontent")


def _places(stack: Stack) -> int:
    database = f"file:{stack.folder / 'peer.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(database, uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM referrals_placement").fetchone()[0])


def test_pressing_join_many_times_at_once_takes_one_place(
    stack: Stack, invitation: Invitation
) -> None:
    before, browser, born = _places(stack), outsiders.Browser(stack.base_url), invitation.birth_date
    browser.get(invitation.link)
    browser.get("/r/check")
    browser.submit("/r/check", day=born.day, month=born.month, year=born.year)
    browser.get("/r/choose")
    browser.submit("/r/choose", offer=browser.values_of("offer")[0])
    browser.get("/r/share")

    with ThreadPoolExecutor(PRESSED) as fingers:
        presses = [
            fingers.submit(browser.submit, "/r/share", tell_community="yes") for _ in range(PRESSED)
        ]
        answers = [press.result() for press in presses]

    assert [(answer.status, answer.place) for answer in answers] == [(302, "/r/done")] * PRESSED
    assert _places(stack) == before + 1
