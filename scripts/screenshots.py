"""Pictures of every page at the width of a telephone and of a desk, into ``var/screenshots``; two for the README.

    python -m scripts.screenshots

The walks through the pages are generators that stop at each page by name, so that the browser tests look at
exactly the pages that the pictures show.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from joserfc.jwk import ECKey
from playwright.sync_api import Page, sync_playwright

from config.fictional import people, referral_of
from scripts.processes import PROJECT
from scripts.signing import ASSERTION_TYPE, signed_assertion
from scripts.stack import Stack

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDTHS = (360, 1280)
PICTURES = PROJECT / "var" / "screenshots"
FOR_README = {
    ("patient-choose", 360): PROJECT / "docs" / "pictures" / "patient-choose.png",
    ("commissioner", 1280): PROJECT / "docs" / "pictures" / "commissioner.png",
}
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


def invitations(stack: Stack, number: int, *, seed: int = 1) -> list[Invitation]:
    """Refer so many fictional people, as a clinical system does, and wait until each has a message."""
    token = _token(stack)
    born: dict[str, date] = {}
    for person in islice(people(seed), number):
        resource = referral_of(
            person, base_url=stack.base_url, identifier=f"{seed}-{person.nhs_number}"
        )
        address = f"{stack.base_url}/fhir/R4/ServiceRequest"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        _post(address, json.dumps(resource).encode(), headers)
        born[person.phone] = person.birth_date
    deadline = time.monotonic() + _INVITED_WITHIN
    while time.monotonic() < deadline:
        found = [message for message in stack.messages() if message["to"] in born]
        if len(found) >= number:
            return [Invitation(_link_in(each["body"]), born[each["to"]]) for each in found]
        time.sleep(0.1)
    raise TimeoutError(f"Not every message came within {_INVITED_WITHIN:.0f} seconds.")


def _token(stack: Stack) -> str:
    key = ECKey.import_key(json.loads(stack.logins["client_key"]))
    address, client = f"{stack.base_url}/oauth2/token", stack.logins["client_id"]
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed_assertion(
            key, client_id=client, audience=address, at=datetime.now(UTC)
        ),
        "scope": "system/ServiceRequest.crus",
    }
    return str(json.loads(_post(address, urlencode(form).encode(), {}))["access_token"])


def _post(address: str, body: bytes, headers: dict[str, str]) -> bytes:
    with urlopen(Request(address, body, headers), timeout=30) as answer:  # noqa: S310  (our own http address)
        return bytes(answer.read())


def _link_in(text: str) -> str:
    return next(word for word in text.split() if urlsplit(word).path.startswith("/r/"))


def give_birth_date(page: Page, born: date | None) -> None:
    """Fill in the three boxes, or leave them empty, and go on."""
    for name in ("day", "month", "year"):
        page.locator(f"#{name}").fill(str(getattr(born, name)) if born else "")
    press(page, "Continue")


def press(page: Page, name: str) -> None:
    """Press a button, or follow the link that looks like one."""
    page.locator("main .nhsuk-button", has_text=name).first.click()


def follow(page: Page, name: str) -> None:
    """Follow a link of the page's own part."""
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
    for name in ("password/change", "2fa", "email", "reauthenticate", "password/reset", "signup"):
        page.goto(f"{stack.base_url}/accounts/{name}/")
        yield f"account-{name.replace('/', '-')}"
    page.goto(f"{stack.base_url}/accounts/logout/")
    yield "sign-out"
    press(page, "Sign out")


def sign_in(page: Page, email: str, password: str) -> None:
    """Give address and password."""
    page.locator("#id_login").fill(email)
    page.locator("#id_password").fill(password)
    press(page, "Sign in")


def main() -> None:
    """Take the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with Stack() as stack, sync_playwright() as playwright:
        stack.manage("load_demo", "--logins", str(stack.folder / "logins.json"))
        going, declining = invitations(stack, 2)
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = chromium.new_context(device_scale_factor=2, reduced_motion="reduce").new_page()
        walks = (
            public_pages(page, stack.base_url),
            patient_pages(page, going),
            declining_pages(page, declining),
            staff_pages(page, stack),
        )
        for walk in walks:
            for name in walk:
                _take(page, name)
        chromium.close()


def _take(page: Page, name: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 780})
        picture = page.screenshot(full_page=True, path=PICTURES / f"{name}-{width}.png")
        if kept := FOR_README.get((name, width)):
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(picture)
    sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
