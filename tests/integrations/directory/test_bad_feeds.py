"""Feeds that cannot be read are refused whole; services with faults are left out and named; nothing breaks the import."""

import json
from pathlib import Path
from typing import Any

import pytest

from communities.models import Community, Feed, FeedRow
from integrations.directory import sources
from tests.integrations.directory.feeds import (
    ABOUT,
    ID,
    attribute,
    counts,
    page,
    run,
    schedule,
    written,
)
from tests.integrations.directory.feeds import service as good

pytestmark = pytest.mark.django_db

SERVICE = json.dumps(good()).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is not JSON in UTF-8"),
        (b'{"contents": [' + SERVICE[:-20], "is not JSON in UTF-8"),
        (b'{"contents": ["\xe9"]}', "is not JSON in UTF-8"),
        (b'{"contents": [], "size": NaN}', "is not JSON in UTF-8"),
        (b'{"contents": ["\\ud800"]}', "is not JSON in UTF-8"),
        (b'{"contents": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not JSON in UTF-8"),
        (b"[]", "is not a JSON object"),
        (b"{}", "has no list of services at $.contents"),
        (b'{"contents": {}}', "has no list of services at $.contents"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_whole(
    tmp_path: Path, body: bytes, says: str
) -> None:
    (tmp_path / "service_list.json").write_bytes(body)

    for place in (tmp_path, tmp_path / "service_list.json"):
        said, ends = run(place)

        assert (said, says in ends, ends.endswith("Nothing was changed.")) == ("", True, True)
    assert not Feed.objects.exists()


@pytest.mark.parametrize("about", [{}, {"version": "HSDS-UK-1.0"}, {"version": 3}])
def test_a_feed_of_another_version_is_refused_whole(tmp_path: Path, about: Any) -> None:
    _said, ends = run(written(tmp_path, good(), about=about))

    assert "what is read is HSDS-UK-3.0" in ends
    assert not Feed.objects.exists()


def test_a_file_that_is_not_there_or_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be read" in run(tmp_path / "none.json")[1]
    assert "cannot be read" in run(tmp_path)[1]

    monkeypatch.setattr(sources, "LARGEST_FILE", 100)

    assert "is larger than" in run(written(tmp_path, good(), about=ABOUT))[1]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(page(good())).encode())

    assert run(tmp_path / "list.json")[1] == ""


def test_an_openapi_address_without_a_scheme_keeps_nothing_from_being_read(tmp_path: Path) -> None:
    said, ends = run(written(tmp_path, good(), about=ABOUT | {"openapi_url": "feed/openapi"}))

    assert "$.openapi_url  'feed/openapi' is not an address" in said
    assert ends.startswith("1 problems")
    assert FeedRow.objects.count() == 1


WRONG: list[tuple[Any, str, str]] = [
    ("text", "$.contents[0]", "A service is an object."),
    (None, "$.contents[0]", "A service is an object."),
    (good(id=None), "$.contents[0].id", "This is needed."),
    (good(id=5), "$.contents[0].id", "Text is expected, not the number 5."),
    (good(id="../../etc/passwd"), "$.contents[0].id", "is not a UUID."),
    (good(name=None), "$.contents[0].name", "This is needed."),
    (good(name="  "), "$.contents[0].name", "This is needed."),
    (good(name=["a"]), "$.contents[0].name", "Text is expected, not a list."),
    (good(name="a\x00b"), "$.contents[0].name", "control characters"),
    (good(name="x" * 20_000), "$.contents[0].name", "longer than 10000 characters"),
    (good(name="x" * 121), "$.contents[0].name", "at most 120 characters"),
    (good(status=None), "$.contents[0].status", "This is needed."),
    (good(status="open"), "$.contents[0].status", "not 'open'."),
    (good(url="harbour"), "$.contents[0].url", "is not an address"),
    (good(url="https://[::1"), "$.contents[0].url", "is not an address"),
    (good(url="javascript:alert(1)"), "$.contents[0].url", "is not an address"),
    (good(minimum_age="18"), "$.contents[0].minimum_age", "not text."),
    (good(minimum_age=12.5), "$.contents[0].minimum_age", "not the number 12.5."),
    (good(minimum_age=True), "$.contents[0].minimum_age", "not a truth value."),
    (good(minimum_age=10**30), "$.contents[0].minimum_age", "A whole number"),
    (good(maximum_age=17), "$.contents[0].maximum_age", "less than where it begins"),
    (good(languages="en"), "$.contents[0].languages", "A list is expected, not text."),
    (good(languages=["en"]), "$.contents[0].languages[0]", "An object is expected, not text."),
    (good(languages=[{"code": "English"}]), "$.contents[0].languages", "language tags"),
    (good(organization=[]), "$.contents[0].organization", "An object is expected, not a list."),
    (good(organization={"name": 1}), "$.contents[0].organization.name", "Text is expected"),
    (good(organization={"name": "x" * 201}), "$.contents[0].organization.name", "At most 200"),
    (good(fees=None, cost_options=[{"amount": "5"}]), "$.contents[0].cost_options[0].amount", ""),
    (good(attributes={}), "$.contents[0].attributes", "A list is expected, not an object."),
    (good(schedules=[schedule("MO,XX")]), "$.contents[0].schedules[0].byday", "Days of the week"),
    (good(schedules=[schedule(begin="9am")]), "$.contents[0].schedules[0].opens_at", "09:30"),
    (good(schedules=[schedule(begin="09:00Z")]), "$.contents[0].schedules[0].opens_at", "09:30"),
    (
        good(schedules=[schedule() | {"freq": "MONTHLY"}]),
        "$.contents[0].schedules[0].freq",
        "every week",
    ),
    (
        good(schedules=[schedule() | {"closes_at": None}]),
        "$.contents[0].schedules[0].closes_at",
        "This is needed.",
    ),
]


def with_attribute(*more: Any) -> dict[str, Any]:
    return good(attributes=[*good()["attributes"], *more])


IN_ATTRIBUTES: list[tuple[Any, str, str]] = [
    (with_attribute("x"), "$.contents[0].attributes[7]", "An object is expected, not text."),
    (
        with_attribute(attribute("format", "video_meeting")),
        "$.contents[0].attributes[7]",
        "another code of this taxonomy stands here already",
    ),
    (
        with_attribute(attribute("statement", "supervision")),
        "$.contents[0].attributes[7].value",
        "This is needed.",
    ),
    (
        with_attribute(attribute("statement", "supervision", 5)),
        "$.contents[0].attributes[7].value",
        "Text is expected, not the number 5.",
    ),
    (
        with_attribute(attribute("statement", "radius_km", "far")),
        "$.contents[0].attributes[7].value",
        "'far' cannot be read as radius km.",
    ),
    (
        with_attribute(attribute("statement", "can_look_first", "perhaps")),
        "$.contents[0].attributes[7].value",
        "cannot be read as can look first",
    ),
    (
        with_attribute(attribute("statement", "practices", "NOWHERE")),
        "$.contents[0].attributes",
        "practices: Not known: NOWHERE.",
    ),
    (
        with_attribute(attribute("statement", "evidence_on", "2999-01-01")),
        "$.contents[0].attributes",
        "evidence_on: This day is still to come.",
    ),
]


@pytest.mark.parametrize(("row", "path", "says"), [*WRONG, *IN_ATTRIBUTES])
def test_a_fault_is_named_with_its_place_and_the_service_makes_no_draft(
    tmp_path: Path, row: Any, path: str, says: str
) -> None:
    before = Community.objects.count()

    said, ends = run(written(tmp_path, row))

    [problem] = [line for line in said.splitlines() if "  $." in line]
    place, _service, where, sentence = problem.split("  ", 3)
    assert (place, where, says in sentence) == ("service_list.json", path, True), problem
    assert ends == "1 problems; services without faults are taken."
    assert Community.objects.count() == before


def test_a_fault_in_what_is_not_read_is_named_and_the_service_taken(tmp_path: Path) -> None:
    said, ends = run(written(tmp_path, good(email="nobody", last_modified=5)))

    assert "$.contents[0].email  'nobody' is not an e-mail address." in said
    assert "$.contents[0].last_modified  Text is expected, not the number 5." in said
    assert ends.startswith("2 problems")
    assert FeedRow.objects.get().community


def test_null_and_terms_of_others_are_no_faults(tmp_path: Path) -> None:
    foreign = [
        {"id": "attr-1", "label": "x"},
        {"id": ID, "taxonomy_term": None},
        {"id": ID, "taxonomy_term": {"id": 5, "term_uri": 6}},
        {"id": ID, "taxonomy_term": {"id": ID, "name": "theirs", "description": "theirs"}},
    ]
    row = with_attribute(*foreign) | {"email": None, "maximum_age": None, "contacts": None}

    said, ends = run(written(tmp_path, row))

    assert ends == "", said


def test_the_second_of_two_with_the_same_id_is_left_out(tmp_path: Path) -> None:
    again = good(name="The second (fictional)", id=good()["id"].upper())

    said, _ends = run(written(tmp_path, good(), again, good()))

    assert said.count("The same id stands before in this feed") == 2
    assert FeedRow.objects.get().facts["name"] == "Example Harbour Talk 1 (fictional)"


def test_counts_that_are_not_true_are_named(tmp_path: Path) -> None:
    said, ends = run(written(tmp_path, good(), good(2), total_items=1, size=7))

    assert "$.total_items  It says 1, there are 2." in said
    assert "$.size  It says 7, there are 2." in said
    assert (FeedRow.objects.count(), ends[:10]) == (2, "2 problems")


def test_a_service_in_full_that_cannot_be_read_is_left_out_alone(tmp_path: Path) -> None:
    short = good(attributes=None)
    written(tmp_path, short, good(2))
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / f"{short['id']}.json").write_text("{")

    said, _ends = run(tmp_path)

    assert "is not JSON in UTF-8" in said
    assert counts(said)["new: a draft with a proposal"] == 1

    (tmp_path / "services" / f"{short['id']}.json").write_text(json.dumps(good(3)))

    assert "This is another service than the one asked for." in run(tmp_path)[0]

    (tmp_path / "services" / f"{short['id']}.json").write_text(json.dumps(good()))

    assert counts(run(tmp_path)[0]) == {
        "services read": 2,
        "new: a draft with a proposal": 1,
        "unchanged": 1,
    }


def test_a_hundred_thousand_services_are_read_with_a_handful_of_queries(
    tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    other = {"name": "Invented lunch club", "status": "active", "attributes": []}
    rows = [{"id": f"0190b000-0000-4000-8000-{number:012}", **other} for number in range(100_000)]
    written(tmp_path, *rows)

    with django_assert_max_num_queries(20):
        said, ends = run(tmp_path)

    rule = "left out: no online community: neither our format nor virtual locations only"
    assert (ends, counts(said)) == ("", {"services read": 100_000, rule: 100_000})
