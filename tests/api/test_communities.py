"""``/api/communities/``: the directory for machines says what the page says, and of nothing else."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.timezone import localdate

from communities.directory import PAGE_SIZE
from communities.models import Community
from tests import cast

pytestmark = pytest.mark.django_db

ADDRESS = "/api/communities/"


def keys(answer: Any) -> list[str]:
    return [each["key"] for each in answer.json()["communities"]]


def test_the_pages_follow_one_another_to_the_end(stranger: Client) -> None:
    address, seen = ADDRESS, list[str]()
    while address:
        answer = stranger.get(address)
        assert answer.status_code == 200
        assert len(keys(answer)) <= PAGE_SIZE
        seen += keys(answer)
        address = answer.json()["next"]

    listed = Community.objects.filter(listing="listed").order_by("name", "pk")
    assert seen == list(listed.values_list("key", flat=True))


@pytest.mark.parametrize(
    "asked",
    [
        {"condition": "depression", "place": "E8"},
        {"tier": "A"},
        {"cover": "daily", "made_up_name": "1", "members_only": "1"},
        {"free": "1", "language": "en", "audience": "carers"},
        {"text": "together", "place": "nation:Wales"},
        {"place": "nation:UK", "condition": "type-2-diabetes"},
    ],
)
def test_machines_find_what_people_find(stranger: Client, asked: dict[str, str]) -> None:
    page = stranger.get("/communities/", asked).content.decode()

    found = keys(stranger.get(ADDRESS, asked))

    assert found
    assert all(f'href="/communities/{key}/' in page for key in found)
    assert page.count('class="app-result"') == len(found)


def test_several_of_a_kind_widen_the_search(stranger: Client) -> None:
    one, other = (keys(stranger.get(ADDRESS, {"tier": tier})) for tier in "AB")

    both = keys(stranger.get(ADDRESS, {"tier": ["A", "B"]}))

    assert one
    assert other
    assert set(both) == {*one, *other}


@pytest.mark.parametrize(
    "asked",
    [
        {"place": "E8 1DY"},
        {"place": "e81dy"},
        {"place": "ZZ99"},
        {"condition": "no-such"},
        {"page": "000000001" + "9" * 30},
        {"page": "00000000110000"},
        {"text": "near E8 1DY"},
        {"tier": "Z"},
        {"cover": "always"},
        {"audience": ["carers", "family"]},
        {"page": "x"},
        {"postcode": "E8"},
        {"x" * 500: "1"},
    ],
)
def test_what_cannot_be_understood_is_refused(stranger: Client, asked: dict[str, Any]) -> None:
    answer = stranger.get(ADDRESS, asked)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"]
    assert "1dy" not in answer.content.decode().lower()


def test_a_community_with_all_that_is_known_of_it(
    stranger: Client, community: cast.Community
) -> None:
    community.state("f001", {"total": 5, "used": 5})

    answer = stranger.get(f"{ADDRESS}f001/").json()

    stored = Community.objects.select_related("host").get(key="f001")
    assert answer["host"] == stored.host.name
    assert answer["moderation"]["tier"] == "A"
    assert answer["moderation"]["is_somebody_there"] is True
    assert answer["moderation"]["hours"][0] == {"weekday": 1, "begin": "00:00", "end": "00:00"}
    assert answer["moderation"]["crisis_policy"] == stored.crisis_policy
    assert answer["capacity"]["state"] == "no-capacity"
    assert answer["capacity"]["stated_on"] == str(localdate(timezone.now()))
    assert answer["review"]["reviewed_by"] == stored.reviewed_by
    assert answer["areas"] == [{"place": "nation:UK", "name": "UK"}]


def test_what_is_not_listed_is_not_there(stranger: Client) -> None:
    Community.objects.filter(key="f001").update(listing="draft")

    hidden, absent = stranger.get(f"{ADDRESS}f001/"), stranger.get(f"{ADDRESS}nothing/")

    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert "f001" not in keys(stranger.get(ADDRESS, {"condition": "depression"}))


def test_the_directory_is_only_read(stranger: Client) -> None:
    for address in (ADDRESS, f"{ADDRESS}f001/"):
        for method in (stranger.post, stranger.put, stranger.patch, stranger.delete):
            assert method(address).status_code == 405


def test_whoever_asks_too_often_waits(stranger: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "nobody": 2}

    statuses = [stranger.get(f"{ADDRESS}f001/").status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
