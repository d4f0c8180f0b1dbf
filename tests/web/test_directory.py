"""The public directory: what is found, what one community's page says, and what never stands in an address."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.test import Client
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries, Settings

from communities.listing import NOT_CHECKED
from communities.models import Community
from communities.safety import TEXTS

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

PAGE = "/communities/"
MOST_QUERIES = 8


def found(answer: "Answer") -> set[str]:
    """The keys of the communities on a page of results."""
    return set(re.findall(r'href="/communities/(\w+)/["?]', answer.content.decode()))


def words_of(answer: "Answer") -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


def every_page(browser: Client, **given: str) -> set[str]:
    keys: set[str] = set()
    for number in range(1, 20):
        here = found(browser.get(PAGE, {**given, "page": str(number)}))
        if not here:
            return keys
        keys |= here
    raise AssertionError("the pages do not end")


def test_all_that_is_listed_is_found_page_by_page_and_nothing_else(stranger: Client) -> None:
    Community.objects.filter(key="f001").update(listing="suspended", listing_reason="host-asked")

    listed = set(Community.objects.filter(listing="listed").values_list("key", flat=True))

    assert every_page(stranger) == listed
    assert "f001" not in listed
    assert stranger.get(f"{PAGE}f001/").status_code == 404
    assert stranger.get(f"{PAGE}nothing/").status_code == 404


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"condition": "depression", "tier": "A"}, {"f001"}),
        (
            {"cover": "24_7", "made_up_name": "1", "members_only": "1", "free": "1"},
            {"f001", "f004", "f008"},
        ),
        ({"text": "steady days"}, {"f001"}),
        ({"language": "ur", "condition": "type-2-diabetes", "place": "E8"}, {"f002"}),
        ({"text": "zzz-nothing"}, set()),
    ],
)
def test_a_search_narrows(stranger: Client, asked: dict[str, str], expected: set[str]) -> None:
    answer = stranger.get(PAGE, asked)

    assert answer.status_code == 200
    assert found(answer) == expected
    assert ("Nothing in this directory fits" in words_of(answer)) is (expected == set())


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("E8 1DY", "E8"),
        ("e81dy", "E8"),
        ("SW1A 1AA", "SW1A"),
        ("e8", "E8"),
        ("hackney", "lad%3AE09000012"),
        ("Wales", "nation%3AWales"),
        ("", ""),
    ],
)
def test_of_a_postcode_only_the_first_half_goes_into_the_address(
    stranger: Client, typed: str, kept: str
) -> None:
    answer = stranger.post(PAGE, {"place": typed, "condition": "depression"})

    assert answer.status_code == 302
    assert answer["Location"] == f"{PAGE}?condition=depression" + (kept and f"&place={kept}")
    assert stranger.get(answer["Location"]).status_code == 200


def test_a_whole_postcode_in_an_address_does_not_stay_there(stranger: Client) -> None:
    assert stranger.get(PAGE, {"place": "E8 1DY"})["Location"] == f"{PAGE}?place=E8"


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("post", {"place": "nowhere at all"}),
        ("post", {"place": "north"}),
        ("post", {"place": "%"}),
        ("get", {"place": "ZZ99"}),
        ("get", {"place": "lad:E0"}),
        ("get", {"place": "nation:"}),
        ("get", {"condition": "no-such"}),
        ("get", {"tier": "Z"}),
        ("get", {"cover": "x" * 5000}),
        ("get", {"audience": "everybody"}),
        ("get", {"page": "0"}),
        ("get", {"page": "-1"}),
        ("get", {"page": "9" * 40}),
        ("get", {"page": "000000001" + "9" * 30}),
        ("get", {"page": "00000000110000"}),
        ("get", {"text": "near E8 1DY"}),
        ("get", {"text": "e81dy"}),
        ("post", {"text": "SW1A 1AA"}),
        ("get", {"page": "٣"}),
    ],
)
def test_what_cannot_be_understood_is_said_at_its_field(
    stranger: Client, method: str, asked: dict[str, str]
) -> None:
    answer = getattr(stranger, method)(PAGE, asked)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "There is a problem" in page
    assert all(f'id="{target}"' in page for target in re.findall(r'<a href="#(\w+)"', page))
    assert found(answer) == set()


def test_what_is_typed_is_written_as_text(stranger: Client) -> None:
    script = "<script>alert(1)</script>"

    for answer in (stranger.post(PAGE, {"place": script}), stranger.get(PAGE, {"text": script})):
        assert script not in answer.content.decode()


def test_nothing_of_it_is_kept_and_nobody_needs_a_cookie(stranger: Client) -> None:
    for answer in (stranger.get(PAGE), stranger.get(f"{PAGE}f001/"), stranger.post(PAGE)):
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
        assert not answer.cookies


@pytest.mark.parametrize("key", ["f001", "c001"])
def test_a_communitys_page_says_what_is_known_and_what_is_not(stranger: Client, key: str) -> None:
    community = Community.objects.select_related("host").get(key=key)

    text = words_of(stranger.get(f"{PAGE}{key}/"))

    assert community.name in text
    assert community.host.name in text
    assert community.summary in text
    assert "What we do not know" in text
    assert (
        "How long a first answer usually takes" in text.partition("What we do not know")[2]
    ) is (community.first_response_minutes is None)
    assert community.reviewed_by in text


def test_the_crisis_texts_on_a_communitys_page_are_those_of_the_one_source(
    stranger: Client,
) -> None:
    for key in ("f001", "f002", "c001"):
        page = stranger.get(f"{PAGE}{key}/").content.decode()

        assert page.count('id="urgent-heading"') == 1
        assert all(f'href="{contact.href}"' in page for contact in TEXTS.urgent)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), "A moderator is there now"),
        (datetime(2026, 11, 23, 23, tzinfo=UTC), "A moderator is there again tomorrow at 08:00"),
        (datetime(2026, 11, 23, 6, tzinfo=UTC), "A moderator is there again today at 08:00"),
        (
            datetime(2026, 7, 1, 7, 30, tzinfo=UTC),
            "A moderator is there now",
        ),  # British summer time
    ],
)
def test_the_page_says_whether_a_moderator_is_there(
    stranger: Client, at: datetime, said: str
) -> None:
    with time_machine.travel(at, tick=False):
        answer = stranger.get(f"{PAGE}f002/")

    assert said in words_of(answer)
    page = answer.content.decode()
    is_urgent_first = page.index("urgent-heading") < page.index("Who runs it")
    assert is_urgent_first is ("Nobody is there now" in page)


def test_where_nobody_is_referred_to_the_page_says_so(stranger: Client) -> None:
    Community.objects.filter(key="f002").update(moderated_by="none")

    text = words_of(stranger.get(f"{PAGE}f002/"))

    assert "Signpost only" in text
    assert "Nobody is referred there" in text
    assert "Signpost only" not in words_of(stranger.get(f"{PAGE}f001/"))


def test_the_page_does_not_ask_more_with_more_communities(
    stranger: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(found(stranger.get(PAGE))) == 20


def test_whoever_asks_too_often_waits(stranger: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "nobody": 2}

    answers = [stranger.get(address) for address in (PAGE, f"{PAGE}f001/", PAGE)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"]


def test_where_hours_are_words_nobody_can_tell_who_is_there_now(stranger: Client) -> None:
    Community.objects.filter(key="f002").update(moderator_hours=[])

    answer = stranger.get(f"{PAGE}f002/")

    assert "We cannot tell whether a moderator is there now" in words_of(answer)
    page = answer.content.decode()
    assert page.index("urgent-heading") < page.index("Who runs it")


@pytest.mark.parametrize(
    ("asked", "is_first"),
    [
        ({"condition": "self-harm"}, True),
        ({"text": "I self-harm"}, True),
        ({"text": "SUICIDAL"}, True),
        ({"text": "diabetes"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_for_what_belongs_to_a_crisis_the_contacts_come_first(
    stranger: Client, asked: dict[str, str], is_first: bool
) -> None:
    page = stranger.get(PAGE, asked).content.decode()

    assert page.count('id="urgent-heading"') == 1
    assert (page.index("urgent-heading") < page.index("<form")) is is_first
    assert is_first or page.index("/help/now") < page.index("<form")


def test_words_are_looked_for_in_what_a_community_is_for(stranger: Client) -> None:
    Community.objects.filter(key="f002").update(name="A circle", summary="For you.")

    assert "f002" in found(stranger.get(PAGE, {"text": "type 2"}))


def test_the_number_found_is_said_and_the_way_back_keeps_the_search(stranger: Client) -> None:
    asked = {"condition": "depression", "tier": "A"}

    answer = stranger.get(PAGE, asked)
    address = re.findall(r'href="(/communities/f001/[^"]*)"', answer.content.decode())[0]

    assert "1 community" in words_of(answer)
    back = stranger.get(address.replace("&amp;", "&")).content.decode()
    assert 'href="/communities/?condition=depression&amp;tier=A"' in back
    assert "//evil" not in stranger.get(f"{PAGE}f001/?place=//evil").content.decode()
    assert '<optgroup label="Long-term conditions">' in answer.content.decode()


def test_only_the_two_best_tiers_are_green(stranger: Client) -> None:
    assert "nhsuk-tag--green" in stranger.get(f"{PAGE}f002/").content.decode()
    Community.objects.filter(key="f002").update(crisis_policy="")

    answer = stranger.get(f"{PAGE}f002/")

    assert "Somebody moderates" in words_of(answer)
    assert "nhsuk-tag--green" not in answer.content.decode()


def test_a_community_whose_area_is_not_recorded_says_so(stranger: Client) -> None:
    said = "Nobody is referred there yet: its area is not recorded"
    assert said not in words_of(stranger.get(f"{PAGE}f002/"))

    Community.objects.get(key="f002").areas.clear()

    assert said in words_of(stranger.get(f"{PAGE}f002/"))
    assert said in words_of(stranger.get(PAGE, {"text": "type 2 diabetes"}))


def test_what_is_suspended_and_what_never_was_get_the_same_page(stranger: Client) -> None:
    Community.objects.filter(key="f001").update(listing="suspended", listing_reason="host-asked")

    suspended, unknown = stranger.get(f"{PAGE}f001/"), stranger.get(f"{PAGE}nothing/")

    assert suspended.status_code == unknown.status_code == 404
    assert words_of(suspended) == words_of(unknown)
    assert "not listed at the moment" in words_of(suspended)
    assert all(contact.href in suspended.content.decode() for contact in TEXTS.urgent)


def test_a_listing_for_demonstration_does_not_say_that_somebody_checked_it(
    stranger: Client,
) -> None:
    Community.objects.filter(key="f002").update(reviewed_by=NOT_CHECKED)

    text = words_of(stranger.get(f"{PAGE}f002/"))

    assert NOT_CHECKED in text
    assert "Checked on" not in text
