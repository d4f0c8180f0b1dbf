"""The pages of hosts: a coordinator's own communities, what can be stated of them, and nobody else's."""

import re
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.actors import Actor
from accounts.models import User
from communities.facts import FACTS, stated
from communities.models import Capacity, Community, Listing, Revision, RevisionState
from tests.communities import people
from web import fact_words

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

OWN = "/community/f002/"


@pytest.fixture
def own(db: None) -> Community:
    return Community.objects.select_related("host").get(key="f002")


@pytest.fixture
def coordinator(own: Community) -> Actor:
    return people.coordinator(own.host)


@pytest.fixture
def browser(coordinator: Actor) -> Client:
    return people.browser_of(coordinator)


def words_of(answer: "Answer") -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


def form_in(answer: "Answer") -> dict[str, list[str]]:
    """What a browser would send of the form as it stands."""
    page = answer.content.decode()
    sent: dict[str, list[str]] = {}
    for control in re.findall(r"<input[^>]*>", page):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', control))
        if found.get("type") in ("checkbox", "radio") and " checked" not in control:
            continue
        sent.setdefault(found["name"], []).append(found.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', page, re.S):
        sent[name] = [text]
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        sent[name] = re.findall(r'value="([^"]*)" selected', options)
    return sent


def test_a_coordinator_sees_the_own_communities(browser: Client, own: Community) -> None:
    page = browser.get("/community/").content.decode()

    mine = set(Community.objects.filter(host=own.host).values_list("key", flat=True))
    assert set(re.findall(r'href="/community/(\w+)/"', page)) == mine


def test_whoever_signs_in_comes_to_their_work(own: Community) -> None:
    actor = people.coordinator(own.host, "signs-in")
    user = User.objects.get(pk=actor.id)
    user.set_password("a long password")
    user.save()

    answer = Client().post("/accounts/login/", {"login": user.email, "password": "a long password"})

    assert answer["Location"] == "/community/"


def test_the_page_says_how_it_stands_and_what_is_missing(browser: Client) -> None:
    text = words_of(browser.get(OWN))

    assert "Trained people, every day" in text
    assert "For “Professionals, day and night” these are still to be stated" in text
    assert "professional moderators" in text
    assert "The next review is due by" in text


def test_every_fact_that_a_host_states_can_be_stated_here() -> None:
    assert set(fact_words.FACTS) == set(FACTS)


@pytest.mark.parametrize("key", ["f001", "f002", "f008", "c001", "c002"])
def test_a_form_that_is_sent_as_it_stands_changes_nothing(key: str) -> None:
    Community.objects.filter(key="f002").update(audience=["family", "carers", "patients"])
    community = Community.objects.select_related("host").get(key=key)
    browser = people.browser_of(people.coordinator(community.host, "as-it-stands"))
    address = f"/community/{key}/edit"

    answer = browser.post(address, form_in(browser.get(address)), follow=True)

    assert "Nothing has been changed" in words_of(answer)
    assert not Revision.objects.exists()


def test_what_is_changed_goes_to_the_reviewers(browser: Client, own: Community) -> None:
    form = form_in(browser.get(f"{OWN}edit"))

    answer = browser.post(
        f"{OWN}edit",
        {**form, "summary": "Something new.", "areas": "Hackney\nWales", "can_look_first": "no"},
    )

    assert answer["Location"] == OWN
    revision = Revision.objects.get()
    assert revision.facts == {
        "summary": "Something new.",
        "areas": ["lad:E09000012", "nation:Wales"],
        "can_look_first": False,
    }
    text = words_of(browser.get(OWN))
    assert "Something new." in text
    assert "Nobody has signed yet" in text
    own.refresh_from_db()
    assert own.summary != "Something new."


def test_fewer_hours_count_at_once(browser: Client, own: Community) -> None:
    form = form_in(browser.get(f"{OWN}edit"))

    answer = browser.post(
        f"{OWN}edit", {**form, "hours-6": "", "hours-7": "10:00-12:00, 14:00 – 16:00"}, follow=True
    )

    assert "counts already" in words_of(answer)
    own.refresh_from_db()
    assert own.hours_text.endswith("Sunday 10:00 to 12:00, 14:00 to 16:00")
    assert "Saturday" not in own.hours_text.replace("Friday", "")


@pytest.mark.parametrize(
    ("wrong", "target"),
    [
        ({"name": ""}, "name"),
        ({"url": "http://plain.example/"}, "url"),
        ({"min_age": "young"}, "min_age"),
        ({"min_age": "9" * 30}, "min_age"),
        ({"centre_latitude": "north"}, "centre_latitude"),
        ({"hours-3": "nine to five"}, "hours-3"),
        ({"hours-3": "09:00-25:00"}, "hours-3"),
        ({"languages": "English please!"}, "languages"),
        ({"areas": "Atlantis"}, "areas"),
        ({"practices": "F84003 NOWHERE"}, "practices"),
        ({"audience": "everybody"}, "audience-1"),
        ({"conditions": "no-such"}, "conditions-1"),
        ({"kind": "a kind"}, "kind"),
        ({"evidence_on": "2999-01-01"}, "evidence_on"),
        ({"valid_to": "tomorrow"}, "valid_to"),
        ({"summary": "x\x00y"}, "summary"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
    ids=str,
)
def test_what_cannot_stand_is_said_at_its_field_and_nothing_is_kept(
    browser: Client, own: Community, wrong: dict[str, str], target: str
) -> None:
    before = stated(own)
    form = form_in(browser.get(f"{OWN}edit"))

    answer = browser.post(f"{OWN}edit", {**form, **wrong})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert f'<a href="#{target}">' in page
    assert f'id="{target}"' in page
    assert form["summary"][0] in page or "summary" in wrong
    assert not Revision.objects.exists()
    assert stated(Community.objects.get(pk=own.pk)) == before


def test_a_new_community_is_a_draft_with_a_proposal(browser: Client, own: Community) -> None:
    form = form_in(browser.get("/community/add"))
    empty = browser.post("/community/add", form)
    assert empty.status_code == 422
    assert '<a href="#name">' in empty.content.decode()

    new = {"name": "Example New", "summary": "Made up.", "url": "https://new.example/"}
    answer = browser.post(
        "/community/add", {**form, **new, "conditions": "depression", "audience": "patients"}
    )

    revision = Revision.objects.select_related("community").get()
    assert answer["Location"] == f"/community/{revision.community.key}/"
    assert revision.community.host == own.host
    assert revision.community.listing == Listing.DRAFT
    assert browser.get(answer["Location"]).status_code == 200
    assert Client().get(f"/communities/{revision.community.key}/").status_code == 404


def test_changes_can_be_taken_back(browser: Client) -> None:
    browser.post(f"{OWN}attest")
    assert Revision.objects.get().state == RevisionState.PROPOSED
    assert browser.get(f"{OWN}withdraw").status_code == 200

    answer = browser.post(f"{OWN}withdraw", follow=True)

    assert Revision.objects.get().state == RevisionState.WITHDRAWN
    assert "Your changes are taken back" in words_of(answer)
    again = browser.post(f"{OWN}withdraw", follow=True)
    assert "not possible any more" in words_of(again)


def test_a_pause_is_asked_for_twice_and_can_be_ended(browser: Client, own: Community) -> None:
    browser.get(f"{OWN}pause")
    own.refresh_from_db()
    assert own.listing == Listing.LISTED

    browser.post(f"{OWN}pause")
    own.refresh_from_db()
    assert (own.listing, own.listing_reason) == (Listing.SUSPENDED, "host-asked")

    browser.post(f"{OWN}resume")
    own.refresh_from_db()
    assert own.listing == Listing.LISTED


def test_a_host_does_not_end_a_suspension_for_safety(browser: Client, own: Community) -> None:
    Community.objects.filter(pk=own.pk).update(listing="suspended", listing_reason="safety-concern")
    page = browser.get(OWN).content.decode()
    assert "There is a safety concern" in page
    assert f"{OWN}resume" not in page

    answer = browser.post(f"{OWN}resume", follow=True)

    assert "not possible any more" in words_of(answer)
    own.refresh_from_db()
    assert own.listing == Listing.SUSPENDED


def test_places_are_stated_with_one_form(browser: Client, own: Community) -> None:
    answer = browser.post(
        f"{OWN}places", {"total": "40", "used": "40", "has_waiting_list": "1"}, follow=True
    )

    stated_now = Capacity.objects.get(community=own)
    assert (stated_now.total, stated_now.used, stated_now.has_waiting_list) == (40, 40, True)
    assert "Full, with a waiting list" in words_of(answer)
    assert "Full, with a waiting list" in words_of(Client().get("/communities/f002/"))


@pytest.mark.parametrize("wrong", [{"total": "many"}, {"total": "-1"}, {"used": "9" * 20}], ids=str)
def test_places_that_are_no_number_are_refused(browser: Client, wrong: dict[str, str]) -> None:
    answer = browser.post(f"{OWN}places", wrong)

    assert answer.status_code == 422
    assert f'<a href="#{next(iter(wrong))}">' in answer.content.decode()
    assert not Capacity.objects.exists()


def test_a_closed_community_is_not_changed_any_more(browser: Client, own: Community) -> None:
    Community.objects.filter(pk=own.pk).update(listing="closed", listing_reason="host-asked")

    assert browser.get(f"{OWN}edit").status_code == 404
    browser.post(f"{OWN}attest")
    assert not Revision.objects.exists()


def test_forms_need_their_token(coordinator: Actor) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(pk=coordinator.id))

    for page in ("edit", "places", "attest", "pause"):
        assert strict.post(f"{OWN}{page}").status_code == 403


def test_these_pages_are_kept_nowhere(browser: Client) -> None:
    for page in ("/community/", OWN, f"{OWN}edit", f"{OWN}places"):
        assert "no-store" in browser.get(page)["Cache-Control"]


def test_more_used_than_there_are_is_refused_at_its_field(browser: Client) -> None:
    answer = browser.post(f"{OWN}places", {"total": "5", "used": "6"})

    assert answer.status_code == 422
    assert '<a href="#used">' in answer.content.decode()
    assert "More are used than there are" in words_of(answer)
    assert not Capacity.objects.exists()


def test_what_is_used_stands_in_the_form_and_is_not_counted_back(
    browser: Client, own: Community
) -> None:
    browser.post(f"{OWN}places", {"total": "40", "used": "30"})
    form = form_in(browser.get(f"{OWN}places"))
    assert (form["total"], form["used"]) == (["40"], ["30"])
    Capacity.objects.filter(community=own).update(used=31)  # somebody has joined meanwhile

    browser.post(f"{OWN}places", {**form, "total": "50"})

    stated_now = Capacity.objects.get(community=own)
    assert (stated_now.total, stated_now.used) == (50, 31)


def test_what_is_attested_and_who_is_paused_for_is_shown(browser: Client, own: Community) -> None:
    assert own.crisis_policy in words_of(browser.get(f"{OWN}attest"))
    assert "nobody waits for one" in words_of(browser.get(f"{OWN}pause"))


def test_only_the_day_that_is_wrong_is_marked(browser: Client) -> None:
    form = form_in(browser.get(f"{OWN}edit"))

    page = browser.post(f"{OWN}edit", {**form, "hours-3": "nine to five"}).content.decode()

    assert "Wednesday:" in page
    assert re.findall(r'id="(hours-.)"[^>]*aria-invalid', page) == ["hours-3"]
