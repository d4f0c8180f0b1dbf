"""The patient's pages by HTTP: looking changes nothing, dead links look alike, and nothing is told too early."""

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.test import Client
from django.utils.html import strip_tags

from communities.models import Community, Condition
from config.fictional import Person
from referrals.models import Link, Placement, Referral, StatusChange
from tests import cast

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

STATIC = Path(__file__).parents[2] / "web" / "static" / "web"
HEAVIEST = 25 * 1024
PUBLIC = ("/", "/help/now", "/r/", "/r/start", "/r/check")
OPENED = ("about", "choose", "share", "done", "manage", "leave", "decline")

Rows = dict[str, list[tuple[object, ...]]]


def every_row() -> Rows:
    """The whole database."""
    return {
        model._meta.label: sorted(model._default_manager.values_list(), key=str)
        for model in apps.get_models()
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
    answer = cast.open_link(patient_browser, path, person)
    assert answer["Location"] == "/r/about"
    return patient_browser


def text_of(answer: "Answer") -> str:
    return answer.content.decode()


def choose(browser: Client, *, place: int = 0) -> None:
    offers = re.findall(
        r'name="offer" type="radio" value="([^"]+)"', text_of(browser.get("/r/choose"))
    )
    assert browser.post("/r/choose", {"offer": offers[place]})["Location"] == "/r/share"


def join(browser: Client) -> "Answer":
    return browser.post("/r/share", {"tell_community": "yes"})


# Looking


@pytest.mark.parametrize("has_joined", [False, True])
def test_looking_at_an_opened_link_changes_nothing(opened: Client, *, has_joined: bool) -> None:
    if has_joined:
        choose(opened)
        join(opened)
    before = every_row()

    for page in OPENED:
        for look in (opened.get, opened.head, opened.options):
            assert look(f"/r/{page}").status_code in {200, 302, 405}

    assert every_row() == before


def test_the_code_leaves_the_address_and_is_in_no_page(
    patient_browser: Client, path: str, person: Person
) -> None:
    answer = patient_browser.get(path)

    assert answer["Location"] == "/r/start"
    code = path.removeprefix("/r/")
    cast.open_link(patient_browser, path, person)
    for page in ("start", *OPENED):
        assert code not in text_of(patient_browser.get(f"/r/{page}"))


# The right person


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"day": "", "month": "", "year": ""},
        {"day": "31", "month": "2", "year": "1980"},
        {"day": "1", "month": "1", "year": "80"},
        {"day": "٣", "month": "1", "year": "1980"},
        {"day": "1" * 400, "month": "1", "year": "1980"},
        {"day": "\x00", "month": "-1", "year": "1e3"},
    ],
)
def test_what_is_no_date_is_asked_again_and_not_counted(
    patient_browser: Client, path: str, typed: dict[str, str]
) -> None:
    patient_browser.get(path)

    answer = patient_browser.post("/r/check", typed)

    assert answer.status_code == 422
    assert "There is a problem" in text_of(answer)
    assert Link.objects.get().failed_checks == 0


# Doing it twice, or too late


def test_joining_twice_is_joining_once(opened: Client) -> None:
    choose(opened)

    answers = [join(opened), join(opened)]

    assert [answer["Location"] for answer in answers] == ["/r/done", "/r/done"]
    assert Placement.objects.count() == 1


def test_a_form_from_before_leaving_leads_to_one_place_at_most(opened: Client) -> None:
    choose(opened)
    join(opened)
    assert "You have left" in text_of(opened.post("/r/leave", {"reason": "other"}))
    assert opened.post("/r/leave", {"reason": "other"})["Location"] == "/r/manage"
    assert Placement.objects.filter(left_at__isnull=False).count() == 1

    assert join(opened)["Location"] == "/r/done"

    assert Placement.objects.filter(left_at__isnull=True).count() == 1


def test_leaving_without_having_joined_is_not_said_to_have_happened(opened: Client) -> None:
    for answer in (opened.get("/r/leave"), opened.post("/r/leave", {"reason": "other"})):
        assert answer["Location"] == "/r/manage"


def test_what_is_shared_can_be_seen_and_changed_later(opened: Client) -> None:
    choose(opened)
    opened.post("/r/share", {"tell_community": "yes", "count_visits": "yes"})

    assert "/r/share" in text_of(opened.get("/r/manage"))
    assert text_of(opened.get("/r/share")).count(" checked") == 2
    join(opened)

    assert text_of(opened.get("/r/share")).count(" checked") == 1
    assert not Placement.objects.get().counts_visits
    assert Placement.objects.count() == 1


def test_opening_another_link_signs_the_one_before_out(opened: Client) -> None:
    opened.get("/r/" + "a" * 32)

    assert opened.get("/r/manage")["Location"] == "/r/check"


def test_a_form_from_before_saying_no_joins_nothing(opened: Client) -> None:
    choose(opened)
    opened.post("/r/decline", {"reason": "privacy"})

    assert join(opened)["Location"] == "/r/manage"

    assert Placement.objects.count() == 0
    assert opened.get("/r/choose")["Location"] == "/r/manage"


def test_whoever_has_joined_leaves_instead_of_saying_no(opened: Client) -> None:
    choose(opened)
    join(opened)

    for answer in (opened.get("/r/decline"), opened.post("/r/decline")):
        assert answer["Location"] == "/r/leave"

    assert Placement.objects.get().left_at is None


def test_an_offer_of_a_community_that_has_gone_is_not_joined(opened: Client) -> None:
    choose(opened)
    Community.objects.update(listing="closed")

    assert join(opened)["Location"] == "/r/choose"
    assert "We have no community to show you yet" in text_of(opened.get("/r/choose"))
    assert Placement.objects.count() == 0


@pytest.mark.parametrize("offer", ["", "x", "0190a000-0000-4000-8000-000000000000"])
def test_what_is_no_offer_is_asked_again(opened: Client, offer: str) -> None:
    answer = opened.post("/r/choose", {"offer": offer})

    assert answer.status_code == 422
    assert "There is a problem" in text_of(answer)


def test_a_reason_that_is_not_on_the_list_is_not_kept(opened: Client) -> None:
    opened.post("/r/decline", {"reason": "<script>"})

    assert StatusChange.objects.latest("pk").reason == ""


# What the pages say


def test_every_reason_stands_once_on_its_card(opened: Client) -> None:
    cards = text_of(opened.get("/r/choose")).split('class="app-offer"')[1:]

    assert cards
    for card in cards:
        said = re.findall(r"<(?:li|dd)>([^<]+)</", card.split("</details>")[0])
        assert len(said) == len(set(said)), said


def test_that_strangers_can_read_along_is_said_on_the_card_itself(opened: Client) -> None:
    offer = Referral.objects.get().offers.order_by("rank")[0]
    offer.reasons = [{"code": "visibility", "fact": "public"}]
    offer.save()

    card = text_of(opened.get("/r/choose")).split("<details")[0]

    assert "Anyone on the internet can read what you write" in card


def test_no_condition_is_named_before_the_date_of_birth_nor_ever_in_a_title(
    patient_browser: Client, path: str, person: Person
) -> None:
    conditions = Condition.objects.values_list("label", "people")
    words = {word.lower() for pair in conditions for word in pair} | {"depress", "anxi", "diabet"}
    patient_browser.get(path)
    for page in ("/r/start", "/r/check", "/r/"):
        shown = strip_tags(text_of(patient_browser.get(page))).lower()
        assert [word for word in words if word in shown] == []

    cast.open_link(patient_browser, path, person)
    choose(patient_browser)
    join(patient_browser)
    for page in OPENED:
        answer = patient_browser.get(f"/r/{page}", follow=True)
        title = re.findall("<title>(.*?)</title>", text_of(answer), re.DOTALL)[0].lower()
        assert [word for word in words if word in title] == []


def test_every_page_points_to_help_and_carries_the_same_headers(opened: Client) -> None:
    choose(opened)
    join(opened)
    addresses = (*PUBLIC, *(f"/r/{page}" for page in OPENED), "/accounts/login/", "/nowhere")

    for address in addresses:
        answer = opened.get(address, follow=True)
        assert 'href="/help/now"' in text_of(answer), address
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "<script" not in text_of(answer)
        assert not re.search(r'\sstyle="|\son[a-z]+="', text_of(answer))
        if address.startswith("/r/"):
            assert "no-store" in answer["Cache-Control"], address


def test_no_page_weighs_more_than_it_may(opened: Client) -> None:
    styles = sum(len(gzip.compress(file.read_bytes())) for file in STATIC.glob("*.css"))

    for address in (*PUBLIC, *(f"/r/{page}" for page in OPENED)):
        answer = opened.get(address, follow=True)
        assert len(gzip.compress(answer.content)) + styles <= HEAVIEST, address


def test_a_suggestion_that_has_ended_offers_nothing_to_press_in_vain(opened: Client) -> None:
    Referral.objects.update(business_status="not-taken-up", status="revoked", task_status="failed")

    page = text_of(opened.get("/r/manage"))

    assert "This suggestion has ended" in page
    assert 'href="/r/choose"' not in page
