"""Pictures of every page at the width of a telephone and of a desk, into ``var/screenshots``; two for the README.

    python -m scripts.screenshots

The walks through the pages are generators that stop at each page by name, so that the browser tests look at
exactly the pages that the pictures show.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from itertools import islice
from urllib.parse import urlsplit

from playwright.sync_api import Browser, FloatRect, Page, Playwright, sync_playwright

from config.fictional import people, referral_of
from scripts.outsiders import ClinicalSystem
from scripts.processes import PROJECT
from scripts.services import CHROMIUM
from scripts.signing import new_key, public_keys
from scripts.stack import Stack

QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
HEIGHT = 780
WIDTHS = (360, 1280)
PICTURES = PROJECT / "var" / "screenshots"
PICTURES_OF_README = PROJECT / "docs" / "pictures"
FOR_README = {  # and how much of the page, from the top
    ("patient-choose", 360): ("patient-choose.png", 2600),
    ("commissioner", 1280): ("commissioner.png", 1050),
}
PRACTICE = "F84003"
NOT_A_CODE = "AAAA-BBBB-CCCC-DDDD"
_INVITED_WITHIN = 30.0


@dataclass(frozen=True)
class Invitation:
    """What a patient has in hand: the link of the message, and their own date of birth."""

    link: str
    birth_date: date

    @property
    def code(self) -> str:
        """The code at the end of the link."""
        return self.link.rsplit("/", 1)[1]


def launch(playwright: Playwright) -> Browser:
    """Start this machine's Chromium."""
    programs = (shutil.which(program) for program in CHROMIUM.address.split())
    return playwright.chromium.launch(executable_path=next(filter(None, programs)), args=QUIET)


def invitations(stack: Stack, number: int, *, seed: int = 1) -> list[Invitation]:
    """Refer so many fictional people, as a clinical system does, and wait until each has a message."""
    system = _clinical_system(stack)
    born: dict[str, date] = {}
    for person in islice(people(seed), number):
        resource = referral_of(
            person, base_url=stack.base_url, identifier=f"{seed}-{person.nhs_number}"
        )
        answer = system.post("ServiceRequest", resource)
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(f"The referral was answered {answer.status}: {answer.text}")
        born[answer.json()["identifier"][-1]["value"]] = person.birth_date
    deadline = time.monotonic() + _INVITED_WITHIN
    while time.monotonic() < deadline:
        found = [message for message in stack.messages() if message["referral"] in born]
        if len(found) >= number:
            return [Invitation(_link_in(each["body"]), born[each["referral"]]) for each in found]
        time.sleep(0.1)
    raise TimeoutError(f"Not every message came within {_INVITED_WITHIN:.0f} seconds.")


def _clinical_system(stack: Stack) -> ClinicalSystem:
    key, keys = new_key(), stack.folder / "pictures-keys.json"
    keys.write_text(json.dumps(public_keys(key)), encoding="utf-8")
    registered = json.loads(
        stack.manage("register_client", "Pictures", "--ods", PRACTICE, "--jwks-file", str(keys))
    )
    system = ClinicalSystem(
        stack.base_url, client_id=registered["client_id"], key=key, scope=registered["scope"]
    )
    system.sign_in()
    return system


def _link_in(text: str) -> str:
    return next(word for word in text.split() if urlsplit(word).path.startswith("/r/"))


def give_birth_date(page: Page, born: date | None) -> None:
    """Fill in the three boxes, or leave them empty, and go on."""
    for name in ("day", "month", "year"):
        page.locator(f"#{name}").fill(str(getattr(born, name)) if born else "")
    press(page, "Continue")


def press(page: Page, name: str) -> None:
    """Press a button, or follow the link that looks like one, and wait for the page that comes."""
    with page.expect_navigation():
        page.locator("main .nhsuk-button", has_text=name).first.click()


def follow(page: Page, name: str) -> None:
    """Follow a link of the page's own part and wait for the page that comes."""
    with page.expect_navigation():
        page.locator("main a", has_text=name).first.click()


def public_pages(page: Page, base_url: str) -> Iterator[str]:
    """What everybody can open, and what somebody with a wrong code sees."""
    for name, path in (("home", "/"), ("help-now", "/help/now"), ("not-found", "/nowhere")):
        page.goto(base_url + path)
        yield name
    page.goto(f"{base_url}/r/")
    yield "patient-code"
    press(page, "Continue")
    yield "patient-code-empty"
    page.locator("#code").fill(NOT_A_CODE)
    press(page, "Continue")
    press(page, "Start now")
    give_birth_date(page, date(1980, 3, 31))
    yield "patient-closed"
    page.goto(f"{base_url}/r/")
    page.locator("#code").fill(NOT_A_CODE)
    page.context.clear_cookies()
    press(page, "Continue")
    yield "form-out-of-date"


def directory_pages(page: Page, base_url: str) -> Iterator[str]:
    """Looking through the directory: what is found, what is not, and communities of two tiers."""
    page.goto(f"{base_url}/communities/")
    yield "directory"
    page.locator("#condition").select_option("depression")
    page.locator("#place").fill("E8 1DY")
    press(page, "Search")
    yield "directory-found"
    page.locator("main summary").first.click()
    yield "directory-more-choices"
    page.locator("#text").fill("nothing has these words")
    press(page, "Search")
    yield "directory-nothing-fits"
    page.locator("#place").fill("Atlantis")
    press(page, "Search")
    yield "directory-place-unknown"
    for key in ("f001", "f002", "c001", "c060"):
        page.goto(f"{base_url}/communities/{key}/")
        yield f"directory-{key}"


def host_pages(page: Page, stack: Stack) -> Iterator[str]:
    """A community's host: what it has, states, gets wrong, sends, takes back and pauses."""
    page.goto(f"{stack.base_url}/community/")
    sign_in(page, stack.logins["coordinator_email"], stack.logins["coordinator_password"])
    yield "host-communities"
    address = f"{stack.base_url}/community/f001/"
    page.goto(f"{address}places")
    yield "host-places"
    page.locator("#total").fill("many")
    press(page, "Save")
    yield "host-places-wrong"
    page.goto(f"{address}edit")
    yield "host-edit"
    page.locator("#hours-6").fill("nine to five")
    press(page, "Send")
    yield "host-edit-wrong"
    page.locator("#hours-6").fill("09:00-17:00")
    page.locator("#summary").fill("A made-up forum for people with depression or anxiety.")
    press(page, "Send")
    yield "host-community"
    for step in ("attest", "withdraw", "pause", "resume"):
        page.goto(f"{address}{step}")
        yield f"host-{step}"
    page.goto(f"{stack.base_url}/community/add")
    yield "host-add"


def review_pages(page: Page, stack: Stack) -> Iterator[str]:
    """The reviewers, after a host has sent something."""
    page.context.clear_cookies()
    page.goto(f"{stack.base_url}/reviews/")
    sign_in(
        page, stack.logins["clinical_reviewer_email"], stack.logins["clinical_reviewer_password"]
    )
    yield "reviews"
    follow(page, "Example Steady Days")
    yield "review"
    press(page, "Reject")
    yield "review-without-a-reason"
    press(page, "Sign as")
    yield "reviews-signed"
    page.goto(f"{stack.base_url}/reviews/?name=example")
    yield "reviews-found"
    page.goto(f"{stack.base_url}/reviews/f002/suspend")
    yield "review-suspend"
    press(page, "Suspend it now")
    yield "review-suspend-without-a-reason"
    page.goto(f"{stack.base_url}/community/")
    yield "forbidden"


def admin_pages(page: Page, stack: Stack) -> Iterator[str]:
    """Django's own pages for operators: to look at, not ours to design."""
    page.context.clear_cookies()
    page.goto(f"{stack.base_url}/admin/")
    sign_in(page, stack.logins["operator_email"], stack.logins["operator_password"])
    yield "admin"
    page.goto(f"{stack.base_url}/admin/communities/community/")
    yield "admin-communities"


def patient_pages(page: Page, invitation: Invitation) -> Iterator[str]:
    """From the link to a community and out of it again, with every mistake on the way."""
    page.goto(invitation.link)
    yield "patient-start"
    press(page, "Start now")
    yield "patient-check"
    give_birth_date(page, None)
    yield "patient-check-empty"
    give_birth_date(page, date(1900, 1, 1))
    yield "patient-check-wrong"
    give_birth_date(page, invitation.birth_date)
    yield "patient-about"
    press(page, "Continue")
    yield "patient-choose"
    press(page, "Continue")
    yield "patient-choose-empty"
    yield from _undecided_pages(page)
    page.locator("#offer-1").check()
    press(page, "Continue")
    yield "patient-share"
    press(page, "Join")
    yield "patient-share-empty"
    for box in page.get_by_role("checkbox").all():
        box.check()
    press(page, "Join")
    yield "patient-done"
    yield from _later_pages(page)


def _undecided_pages(page: Page) -> Iterator[str]:
    for summary in page.locator("summary").all():
        summary.click()
    yield "patient-choose-details"
    for choice in ("none", "think"):
        page.locator(f"#offer-{choice}").check()
        press(page, "Continue")
        yield f"patient-choose-{choice}"
        follow(page, "See the communities again")


def _later_pages(page: Page) -> Iterator[str]:
    follow(page, "See or change your choices")
    yield "patient-manage"
    follow(page, "Change to another community")
    yield "patient-change"
    page.go_back()
    follow(page, "Leave this community")
    yield "patient-leave"
    page.locator("#reason-2").check()
    press(page, "Leave")
    yield "patient-left"
    page.goto(page.url.replace("/leave", "/manage"))
    yield "patient-manage-left"
    press(page, "Sign out of this page")
    yield "patient-session-over"


def declining_pages(page: Page, invitation: Invitation) -> Iterator[str]:
    """Saying no."""
    page.goto(invitation.link)
    press(page, "Start now")
    give_birth_date(page, invitation.birth_date)
    follow(page, "No thanks")
    yield "patient-decline"
    press(page, "Say no")
    yield "patient-declined"
    page.goto(page.url.replace("/decline", "/manage"))
    yield "patient-manage-declined"


def staff_pages(page: Page, stack: Stack) -> Iterator[str]:
    """Signing in, with a mistake, the figures, and signing out."""
    page.goto(f"{stack.base_url}/commissioner/")
    yield "sign-in"
    sign_in(page, stack.logins["commissioner_email"], "not the password")
    yield "sign-in-wrong"
    sign_in(page, stack.logins["commissioner_email"], stack.logins["commissioner_password"])
    yield "commissioner"
    page.goto(f"{stack.base_url}/commissioner/fairness/")
    yield "commissioner-fairness"
    for name in ("password/change", "2fa", "2fa/totp/activate"):
        page.goto(f"{stack.base_url}/accounts/{name}/")
        yield f"account-{name.replace('/', '-')}"
    page.locator("#id_password").fill(stack.logins["commissioner_password"])
    press(page, "Confirm")
    yield "account-second-step"
    page.locator("#id_code").fill("000000")
    press(page, "Switch on")
    yield "account-second-step-wrong"
    page.goto(f"{stack.base_url}/accounts/logout/")
    yield "sign-out"
    press(page, "Sign out")
    page.goto(f"{stack.base_url}/accounts/password/reset/")
    yield "password-reset"
    page.locator("#id_email").fill(stack.logins["commissioner_email"])
    press(page, "Reset")
    yield "password-reset-sent"


def sign_in(page: Page, email: str, password: str) -> None:
    """Give address and password."""
    page.locator("#id_login").fill(email)
    page.locator("#id_password").fill(password)
    press(page, "Sign in")


def main() -> None:
    """Take the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with Stack() as stack, sync_playwright() as playwright:
        stack.manage("load_demo", "--logins", str(stack.folder / "logins.json"))
        going, declining = invitations(stack, 2)
        chromium = launch(playwright)
        page = chromium.new_page()
        walks = (
            public_pages(page, stack.base_url),
            patient_pages(page, going),
            declining_pages(page, declining),
            staff_pages(page, stack),
            directory_pages(page, stack.base_url),
            host_pages(page, stack),
            review_pages(page, stack),
            admin_pages(page, stack),
        )
        for walk in walks:
            for name in walk:
                _take(page, name)
        chromium.close()


def _take(page: Page, name: str) -> None:
    page.evaluate("scrollTo(0, 0)")  # or the bar that sticks would cover the middle of the picture
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.screenshot(full_page=True, path=PICTURES / f"{name}-{width}.png")
        if (name, width) in FOR_README:
            file, most = FOR_README[name, width]
            height = min(most, int(page.evaluate("document.documentElement.scrollHeight")))
            part: FloatRect = {"x": 0, "y": 0, "width": width, "height": height}
            page.screenshot(full_page=True, clip=part, path=PICTURES_OF_README / file)
    sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
