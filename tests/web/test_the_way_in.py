"""The way in by HTTP: scanners change nothing, dead links look alike, signing out holds wherever the cookie went."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.apps import apps
from django.http.cookie import SimpleCookie
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.actors import SYSTEM
from audit.models import Action, Entry
from config.fictional import Person
from referrals import sessions
from referrals.models import Link, PatientSession, Referral
from referrals.renewing import renew_link
from referrals.responding import MOST_FAILED_CHECKS
from tests import cast

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

OPENED = ("about", "choose", "share", "done", "manage", "leave", "decline")
ADDRESSES = ("", "start", "check", "close", *OPENED, "x", "a" * 200, "7KQX-M2PD-R9WA")
# What looks at links in mail, chats and on the way to them, as it calls itself.
SCANNERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) SafeLinks",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0) Microsoft Office/16.0 Outlook",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (Macintosh) MicrosoftPreview/2.0 +https://aka.ms/MicrosoftPreview",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "BingPreview/1.0b",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)",
    "GoogleImageProxy (via ggpht.com)",
    "Mozilla/5.0 (compatible; GoogleMessages) LinkPreview",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "meta-externalagent/1.1",
    "WhatsApp/2.24.8.85 A",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Viber/13.3.0",
    "Signal-Android/7.0.0",
    "snapchat; link preview",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 Applebot/0.1",
    "Proofpoint URL Defense",
    "ProofpointEssentials/1.0",
    "Mimecast URL Protect",
    "Barracuda Sentinel (EE)",
    "BarracudaCentral/1.0 LinkProtect",
    "Symantec Messaging Gateway ClickTime",
    "TrendMicro URL Scan/1.0",
    "Cisco-IronPort/14 URLScan",
    "Sophos-TimeOfClick/1.0",
    "FortiMail/7 URI Click",
    "Zscaler/6.2",
    "Egress Defend/1.0",
    "urlscan.io/1.0",
    "VirusTotal Cloud; virustotalcloud",
    "PhishTank/1.0",
    "AhrefsBot/7.0",
    "YahooMailProxy; https://help.yahoo.com",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Embedly/0.2 (+http://support.embed.ly/)",
    "curl/8.5.0",
    "Wget/1.21",
    "python-requests/2.32",
    "Go-http-client/2.0",
    "Java/17.0.9",
    "",
)

Rows = dict[str, list[tuple[object, ...]]]


def every_row() -> Rows:
    """The whole database, sessions and audit included."""
    return {
        model._meta.label: sorted(model._default_manager.values_list(), key=str)
        for model in apps.get_models(include_auto_created=True)
    }


@pytest.fixture
def path(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> str:
    """The link that a patient has been sent."""
    assert gp_system.refer(person).status_code == 201
    run_jobs()
    return cast.link_in(messages()[-1])


@pytest.fixture
def opened(patient_browser: Client, path: str, person: Person) -> Client:
    """The patient's browser after the date of birth."""
    assert cast.open_link(patient_browser, path, person)["Location"] == "/r/about"
    return patient_browser


def give_wrong_date(browser: Client, path: str) -> "Answer":
    browser.get(path)
    return browser.post("/r/check", {"day": 1, "month": 1, "year": 1900})


def page_of(answer: "Answer") -> str:
    """The page without the token against forged forms, which is another every time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())


# Scanners


def test_there_are_enough_kinds_of_scanner() -> None:
    assert len(set(SCANNERS)) >= 30


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_scanners_and_previews_change_nothing_and_open_nothing(path: str, method: str) -> None:
    before = every_row()
    looks = (path, path.upper(), *(f"/r/{address}" for address in ADDRESSES))

    for scanner in SCANNERS:
        browser = Client(
            headers={"User-Agent": scanner}
        )  # follows what it was given, with its cookies
        for address in looks:
            answer = getattr(browser, method)(address)
            assert answer.status_code in {200, 302, 404, 405}, (scanner, address)

    assert every_row() == before
    assert Link.objects.get().opened_at is None
    assert Referral.objects.get().opened_at is None


# Dead links


def _expire(link: Link) -> None:
    link.expires_at = timezone.now() - timedelta(seconds=1)


def _revoke(link: Link) -> None:
    link.revoked_at = timezone.now()


def _lock(link: Link) -> None:
    link.locked_at = timezone.now()


DEAD: dict[str, Callable[[Link], None]] = {"expired": _expire, "revoked": _revoke, "locked": _lock}
NEVER = {
    "unknown": "/r/" + "a" * 32,
    "unknown, for paper": "/r/7KQX-M2PD-R9WA",
    "of the wrong form": "/r/hello",
    "far too long": "/r/" + "a" * 4000,
}


def seen_of(path: str, person: Person) -> list[tuple[int, str, dict[str, str], set[str]]]:
    """Each step of trying a link as its holder sees it: status, page, headers, names of cookies."""
    browser = Client()
    born = {name: getattr(person.birth_date, name) for name in ("day", "month", "year")}
    steps = [
        browser.get(path),
        browser.get("/r/start"),
        browser.get("/r/check"),
        browser.post("/r/check", {"day": 31, "month": 2, "year": 1980}),
        browser.post("/r/check", born),
        browser.post("/r/check", {"day": 1, "month": 1, "year": 1900}),
    ]
    return [
        (step.status_code, page_of(step), dict(step.headers), set(step.cookies)) for step in steps
    ]


@pytest.mark.parametrize("end", DEAD)
@pytest.mark.parametrize("other", NEVER)
def test_dead_links_and_unknown_ones_answer_alike_at_every_step(
    path: str, person: Person, end: str, other: str
) -> None:
    link = Link.objects.get()
    DEAD[end](link)
    link.save()
    before = every_row()

    with time_machine.travel(timezone.now(), tick=False):  # the headers hold the time
        dead, never = seen_of(path, person), seen_of(NEVER[other], person)

    assert dead == never
    assert [status for status, *_rest in dead] == [302, 200, 200, 422, 404, 404]
    assert "This link cannot be used" in dead[-1][1]
    assert every_row() == before


def test_five_wrong_dates_lock_the_link_whatever_browser_they_come_from(
    path: str, person: Person
) -> None:
    for _ in range(MOST_FAILED_CHECKS):
        assert give_wrong_date(Client(), path).status_code == 422

    answer = cast.open_link(Client(), path, person)

    assert answer.status_code == 404
    assert "This link cannot be used" in page_of(answer)
    assert Link.objects.get().opened_at is None


# Sessions


def test_a_copied_cookie_is_worth_nothing_after_signing_out(opened: Client) -> None:
    thief = Client()
    thief.cookies = SimpleCookie(opened.cookies.output(header="", sep=";"))
    assert thief.get("/r/manage").status_code == 200

    assert "You are signed out" in page_of(opened.post("/r/close"))

    for page in OPENED:
        assert thief.get(f"/r/{page}").status_code == 302
        assert opened.get(f"/r/{page}")["Location"] == "/r/"


def test_signing_out_by_a_get_does_not_work(opened: Client) -> None:
    assert opened.get("/r/close").status_code == 405

    assert opened.get("/r/manage").status_code == 200


def test_typing_another_code_ends_the_session_before(opened: Client) -> None:
    opened.post("/r/", {"code": "7KQX-M2PD-R9WA"})

    assert PatientSession.objects.get().ended_at is not None


def test_the_database_holds_no_token(opened: Client) -> None:
    token = opened.cookies["patient"].value

    assert len(token) >= 21  # 128 bits in base64
    assert token not in str(every_row())


def test_whoever_makes_a_cookie_up_is_a_stranger(opened: Client, stranger: Client) -> None:
    assert opened
    for value in ("", "x", str(Referral.objects.get().pk), PatientSession.objects.get().token_hash):
        stranger.cookies = SimpleCookie({"patient": value})
        assert stranger.get("/r/manage")["Location"] == "/r/"


def test_twenty_minutes_without_use_end_it(opened: Client) -> None:
    with time_machine.travel(timezone.now() + sessions.IDLE + timedelta(seconds=1), tick=False):
        assert opened.get("/r/manage").status_code == 302


def test_the_date_of_birth_is_asked_again_after_two_hours_however_busy_somebody_is(
    opened: Client,
) -> None:
    begin = timezone.now()
    seen = []
    for minutes in range(15, 136, 15):
        with time_machine.travel(begin + timedelta(minutes=minutes), tick=False):
            seen.append(opened.get("/r/manage").status_code)

    assert seen[:7] == [200] * 7
    assert seen[-1] == 302


def test_looking_is_written_down_once_a_minute_at_most(opened: Client) -> None:
    begin = PatientSession.objects.get().last_used_at
    noted = set()
    for seconds in range(0, 130, 10):
        with time_machine.travel(begin + timedelta(seconds=seconds), tick=False):
            opened.get("/r/manage")
        noted.add(PatientSession.objects.get().last_used_at)

    assert len(noted) == 3


def test_a_new_link_signs_everybody_out_who_came_by_the_old_one(opened: Client) -> None:
    reference = Referral.objects.get().reference

    renew_link(reference=reference, by=SYSTEM, at=timezone.now())

    assert opened.get("/r/manage").status_code == 302


def test_a_stranger_who_locks_the_link_does_not_sign_the_patient_out(
    opened: Client, path: str
) -> None:
    for _ in range(MOST_FAILED_CHECKS):
        give_wrong_date(Client(), path)

    assert opened.get("/r/manage").status_code == 200


def test_sessions_are_forgotten_when_they_are_long_over(opened: Client) -> None:
    sessions.forget_sessions(at=timezone.now() + timedelta(hours=12))
    assert PatientSession.objects.count() == 1

    sessions.forget_sessions(at=timezone.now() + sessions.KEPT + timedelta(seconds=1))

    assert opened.get("/r/manage").status_code == 302
    assert PatientSession.objects.count() == 0


def test_opening_is_on_record_once(
    opened: Client, path: str, person: Person, stranger: Client
) -> None:
    assert opened
    cast.open_link(stranger, path, person)

    assert Entry.objects.filter(action=Action.LINK_OPENED).count() == 1
    assert PatientSession.objects.count() == 2


@pytest.mark.parametrize("address", ["/r/", "/r/check"])
def test_whoever_guesses_too_fast_waits_and_the_link_does_not_suffer(
    address: str, path: str, patient_browser: Client, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "patient": 3}
    patient_browser.get(path)
    wrong = {"code": "7KQX-M2PD-R9WA", "day": "1", "month": "1", "year": "1901"}

    with time_machine.travel("2026-11-22T10:00:30Z", tick=False):
        answers = [patient_browser.post(address, wrong) for _ in range(5)]

    assert [answer.status_code == 429 for answer in answers] == [False] * 3 + [True] * 2
    assert answers[-1]["Retry-After"] == "30"
    assert "Samaritans" in answers[-1].content.decode()
