"""A feed at its address: page after page, whatever the pages say of themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from communities.models import Feed, FeedRow
from integrations.directory import sources
from tests.integrations.directory.feeds import ABOUT, counts, identity, page, run, service, site

pytestmark = pytest.mark.django_db
ASKED = "per_page=100"


@pytest.fixture(autouse=True)
def _may_ask_this_machine(settings: Settings) -> None:
    """As in a demonstration; nowhere else may this machine be asked."""
    settings.DEMO = True


def pages(*contents: list[Any], **more: Any) -> dict[str, Any]:
    """A site of these pages."""
    found: dict[str, Any] = {"/": ABOUT, "/services": page()}
    for number, rows in enumerate(contents, 1):
        is_last = number == len(contents)
        found[f"/services?page={number}&{ASKED}"] = page(
            *rows, total_items=sum(map(len, contents)), last_page=is_last, **more
        )
    return found


def test_every_page_is_asked_for_until_one_is_empty() -> None:
    with site(pages([service(1), service(2)], [service(3)])) as (address, asked):
        said, ends = run(f"{address}/")

    assert (ends, counts(said)["services read"]) == ("", 3)
    assert asked == ["/", *(f"/services?page={number}&{ASKED}" for number in (1, 2, 3))]
    assert Feed.objects.get().source == address


def test_what_a_page_says_of_being_the_last_is_not_relied_on() -> None:
    answers = pages([service(1)], [service(2)])
    for answer in answers.values():
        answer |= {"last_page": True} if "contents" in answer else {}

    with site(answers) as (address, _asked):
        said, _ends = run(address)

    assert counts(said)["services read"] == 2


def test_a_last_page_may_be_followed_by_nothing_or_by_itself() -> None:
    alone = pages([service()])
    del alone["/services"]
    same = {"/": ABOUT, "/services": page(service())}

    for answers in (alone, same):
        with site(answers) as (address, _asked):
            said, ends = run(address, feed="one")

        assert (ends, counts(said)["services read"]) == ("", 1)


def test_pages_that_go_in_circles_are_refused_whole() -> None:
    with site({"/": ABOUT, "/services": page(service(), last_page=False)}) as (address, asked):
        said, ends = run(address)

    assert (said, "they go in circles" in ends, len(asked)) == ("", True, 3)
    assert not Feed.objects.exists()


def test_more_pages_than_anybody_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_PAGES", 2)

    with site(pages([service(1)], [service(2)], [service(3)])) as (address, _asked):
        _said, ends = run(address)

    assert "has more than 2 pages" in ends


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"/": None}, "answers with the status 404"),
        ({"/": b"<html>"}, "is not JSON in UTF-8"),
        ({f"/services?page=2&{ASKED}": b"{"}, "is not JSON in UTF-8"),
        ({f"/services?page=2&{ASKED}": {}}, "has no list of services"),
    ],
)
def test_a_feed_of_which_a_page_cannot_be_read_is_refused_whole(
    change: dict[str, Any], says: str
) -> None:
    with site(pages([service(1)], [service(2)]) | change) as (address, _asked):
        _said, ends = run(address)

    assert says in ends
    assert not FeedRow.objects.exists()


def test_a_service_is_asked_for_in_full_when_the_list_is_short() -> None:
    short = {name: service()[name] for name in ("id", "name", "status")}
    lost = {**short, "id": service(2)["id"]}
    answers = pages([short, lost]) | {f"/services/{short['id']}": service()}

    with site(answers) as (address, asked):
        said, ends = run(address)

    assert f"/services/{short['id']}" in asked
    assert FeedRow.objects.get().service_id == identity()
    assert "answers with the status 404" in said
    assert ends.startswith("1 problems")


def test_only_public_addresses_are_asked(settings: Settings) -> None:
    settings.DEMO = settings.DEBUG = False

    with site(pages([service()])) as (address, asked):
        _said, ends = run(address)

    assert ("cannot be read" in ends, asked) == (True, [])
    assert "cannot be read" in run("https://169.254.169.254/feed")[1]


def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LARGEST_ANSWER", 1000)

    with site(pages([service(number) for number in range(9)])) as (address, _asked):
        assert "It is larger than 1000 bytes." in run(address)[1]


def test_one_page_of_several_in_a_file_says_nothing_of_the_others(tmp_path: Path) -> None:
    with site(pages([service(1), service(2)])) as (address, _asked):
        run(address, feed="one")
    first = json.dumps(page(service(2), last_page=False))
    (tmp_path / "page.json").write_text(first)

    said, _ends = run(tmp_path / "page.json", feed="one")

    assert "This is not all of the feed" in said
    assert not FeedRow.objects.filter(missing_since__isnull=False).exists()
