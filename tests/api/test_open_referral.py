"""The directory as an Open Referral UK feed: what is listed and nothing else, valid, and readable by our own import."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from django.conf import settings as project
from django.test import Client
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
from pytest_django import Settings

from accounts.models import Organisation
from communities.facts import stated
from communities.models import Community, FeedRow, Listing, Revision
from communities.models.tier_column import UNNAMED_HOST
from communities.value_sets import Access
from tests.integrations.directory.feeds import ABOUT, counts, run

pytestmark = pytest.mark.django_db

FEED = "/api/openreferral"
LISTS = ("services", "service_at_locations", "organizations", "taxonomies", "taxonomy_terms")
PROFILE = Path(project.BASE_DIR).parent / "shared/data/samples/openreferral-uk/uk-profile/schema"
SCHEMAS = {
    "services": ("compiled/service_list.json", "compiled/service.json"),
    "service_at_locations": ("compiled/service_at_location_list.json",),
    "organizations": ("compiled/organization_list.json", "compiled/organization.json"),
    "taxonomies": (),
    "taxonomy_terms": ("taxonomy_term.json",),
}
ABSENT = "0190a000-0000-4000-8000-000000000000"


def get(path: str = "/", status: int = 200) -> dict[str, Any]:
    answer = Client().get(f"{FEED}{path}")
    assert answer.status_code == status, answer.content
    found: dict[str, Any] = answer.json()
    return found


def everything(name: str, per_page: int = 100) -> list[dict[str, Any]]:
    """Every row of a list, page by page, as its counts say."""
    rows: list[dict[str, Any]] = []
    first = get(f"/{name}?per_page={per_page}")
    for number in range(1, first["total_pages"] + 1):
        rows += get(f"/{name}?per_page={per_page}&page={number}")["contents"]
    assert len(rows) == first["total_items"]
    return rows


def services() -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in everything("services")}


@pytest.fixture
def rich() -> Community:
    """A listed community of which every kind of fact is stated."""
    community = Community.objects.get(key="f001")
    more = {
        "radius_km": 30,
        "centre_latitude": 51.55,
        "centre_longitude": 0.07,
        "can_look_first": False,
        "has_in_person": True,
        "readiness": ["action"],
        "accessibility": ["captions", "low_data"],
        "languages": ["en", "bn"],
        "max_age": 65,
        "cost": "£3 a month",
        "moderator_hours": [[1, "22:00", "06:00"], [6, "00:00", "00:00"]],
        "time_zone": "Europe/Dublin",
        "data_country": "GB",
        "evidence_on": "2024-02-29",
        "supervision": "Made up: each week\nand after each incident",
    }
    Community.objects.filter(pk=community.pk).update(**more)
    community.practices.set(Organisation.objects.filter(kind="practice").order_by("pk")[:2])
    community.refresh_from_db()
    return community


def known(community: Community) -> dict[str, Any]:
    """What is stated of a community, without what is not; a clock matters where there are hours."""
    facts = {
        name: value
        for name, value in stated(community).items()
        if value not in ("", [], None, "unknown")
    }
    if "moderator_hours" not in facts:
        del facts["time_zone"]
    return facts


def test_the_root_says_what_it_is(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://peer.example"

    root = get()

    assert root["version"] == "HSDS-UK-3.0"
    assert root["openapi_url"] == "https://peer.example/api/schema/"
    assert root["profile"].startswith("https://")


@pytest.mark.parametrize("name", LISTS)
def test_pages_count_themselves(name: str) -> None:
    whole = everything(name, per_page=100)
    some = get(f"/{name}?per_page=3&page=2")
    beyond = get(f"/{name}?per_page=100&page=1000000")

    assert some["contents"] == whole[3:6]
    assert (some["size"], some["page_number"], some["empty"]) == (3, 2, False)
    assert (some["first_page"], some["last_page"]) == (False, len(whole) <= 6)
    assert some["total_pages"] == -(-len(whole) // 3)
    assert (beyond["contents"], beyond["empty"], beyond["last_page"]) == ([], True, True)
    assert get(f"/{name}?per_page=1")["first_page"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "asked",
    ["page=0", "page=-1", "page=x", "page=", "page=1e3", "page=%D9%A1", f"page={10**30}"]
    + ["per_page=0", "per_page=101", "per_page=%20"],
)
def test_a_page_that_cannot_be_is_refused(name: str, asked: str) -> None:
    said = get(f"/{name}?{asked}", status=400)

    assert "is a whole number from 1 to" in json.dumps(said)


@pytest.mark.parametrize(
    ("name", "one"),
    [(name, name) for name in ("services", "organizations", "taxonomies", "taxonomy_terms")],
)
def test_each_row_can_be_asked_for_alone(name: str, one: str) -> None:
    row = everything(name)[0]

    assert get(f"/{one}/{row['id']}") == row
    get(f"/{one}/{ABSENT}", status=404)
    get(f"/{one}/nonsense", status=404)


@pytest.mark.parametrize("listing", [Listing.DRAFT, Listing.SUSPENDED, Listing.CLOSED])
def test_only_what_is_listed_is_there(listing: Listing) -> None:
    community = Community.objects.get(key="f001")
    assert str(community.pk) in services()

    Community.objects.filter(pk=community.pk).update(listing=listing)

    assert str(community.pk) not in services()
    shown = everything("service_at_locations")
    assert str(community.pk) not in {row["service"]["id"] for row in shown}
    get(f"/services/{community.pk}", status=404)


def test_hosts_are_those_of_listed_communities_that_are_named() -> None:
    shown = {row["name"] for row in everything("organizations")}

    hosts = {community.host.name for community in Community.objects.select_related("host")}
    assert shown == hosts - {UNNAMED_HOST}
    Community.objects.filter(host__name=min(shown)).update(listing=Listing.SUSPENDED)
    assert {row["name"] for row in everything("organizations")} == shown - {min(shown)}


def test_a_search_narrows_the_services() -> None:
    found = get("/services?search=bipolar+common")["contents"]

    assert found
    assert all("bipolar" in json.dumps(row).lower() for row in found)


def test_anybody_may_keep_it_for_a_while_and_nobody_may_write() -> None:
    assert Client().get(f"{FEED}/services")["Cache-Control"] == "public, max-age=300"
    assert "public" not in Client().get(f"{FEED}/services/{ABSENT}")["Cache-Control"]
    assert Client().post(f"{FEED}/services", {}).status_code == 405


def test_whoever_asks_too_often_has_to_wait(settings: Settings) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"nobody": 1}
    client = Client()

    assert client.get(f"{FEED}/services").status_code == 200
    assert client.get(f"{FEED}/services").status_code == 429


def test_a_page_costs_the_same_however_long_it_is(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(9):
        assert len(get("/services?per_page=60")["contents"]) == 60


def test_moderation_and_hours_are_stated(rich: Community) -> None:
    row = services()[str(rich.pk)]

    said = {
        (each["taxonomy_term"]["taxonomy"], each["taxonomy_term"]["term"]): each.get("value")
        for each in row["attributes"]
    }
    assert ("Moderation tier", rich.tier_by_facts) in said
    assert said["Statement", "time_zone"] == "Europe/Dublin"
    assert said["Statement", "crisis_policy"] == rich.crisis_policy
    assert [(each["byday"], each["opens_at"], each["closes_at"]) for each in row["schedules"]] == [
        ("MO", "22:00", "06:00"),
        ("SA", "00:00", "00:00"),
    ]
    assert row["alert"].startswith("This community is fictional.")
    assert {"id", "term_uri"} <= set(row["attributes"][0]["taxonomy_term"])
    terms = {each["id"] for each in everything("taxonomy_terms")}
    assert {each["taxonomy_term_id"] for each in row["attributes"]} <= terms


@pytest.mark.skipif(not PROFILE.exists(), reason="the profile of HSDS-UK is not here")
@pytest.mark.parametrize("name", LISTS)
def test_all_of_it_is_valid_against_the_profile(name: str, rich: Community) -> None:
    checker = Draft202012Validator.FORMAT_CHECKER
    for file in SCHEMAS[name]:
        schema = json.loads((PROFILE / file).read_text())
        validator = Draft202012Validator(schema, format_checker=checker)
        for row in everything(name):
            assert [error.message for error in validator.iter_errors(row)] == []
            assert set(row) - set(schema["properties"]) <= MORE_IN_LISTS[file]
            assert list(_dates(row)) == []


# What our lists hold beyond the profile's short rows: they show each service in full.
_FULL = {"schedules", "service_areas", "service_at_locations", "languages", "cost_options"}
MORE_IN_LISTS: dict[str, set[str]] = {
    "compiled/service_list.json": _FULL | {"attributes"},
    "compiled/service.json": set(),
    "compiled/service_at_location_list.json": set(),
    "compiled/organization_list.json": set(),
    "compiled/organization.json": set(),
    "taxonomy_term.json": set(),
}


def _dates(row: dict[str, Any]) -> Iterator[str]:
    if "assured_date" in row and len(row["assured_date"]) != len("2026-11-23"):
        yield row["assured_date"]


def test_our_own_feed_changes_nothing_here(rich: Community, tmp_path: Path) -> None:
    rows = everything("services")
    open_ones = sum(row["status"] == "active" for row in rows)
    folder = _saved(tmp_path, rows)
    before = list(Community.objects.order_by("pk").values())

    said, ends = run(folder)

    assert (ends, counts(said)) == (
        "",
        {
            "services read": len(rows),
            "already here, not from this feed": open_ones,
            "left out: not active": len(rows) - open_ones,
        },
    )
    assert open_ones > 50
    assert "differs here" not in said
    assert (list(Community.objects.order_by("pk").values()), Revision.objects.count()) == (
        before,
        0,
    )


def test_another_directory_reads_from_our_feed_all_that_is_stated(
    rich: Community, tmp_path: Path
) -> None:
    rows = everything("services")
    ids = {row["id"]: str(uuid5(UUID(ABSENT), row["id"])) for row in rows}
    # A feed does not speak for hosts that are known here from elsewhere.
    for row in rows:
        if "organization" in row:
            row["organization"]["name"] += " of another directory"
    folder = _saved(tmp_path, [row | {"id": ids[row["id"]]} for row in rows])

    said, ends = run(folder)

    read = {str(row.service_id): row.facts for row in FeedRow.objects.all()}
    listed = Community.objects.filter(listing=Listing.LISTED)
    online = [each for each in listed if ids[str(each.pk)] in read]
    for community in online:
        facts, mine = read[ids[str(community.pk)]], known(community)
        if mine.get("access") not in set(Access):
            mine.pop("access", None)  # demonstration rows have words there, which are no code
        if not community.url.startswith("https://"):
            mine.pop("url", None)  # no community is listed anew with such an address
        assert {**facts, "audience": set(facts["audience"])} == {
            **mine,
            "audience": set(mine["audience"]),
        }, community
    assert read[ids[str(rich.pk)]] == known(rich)
    assert len(online) > 50
    draft = FeedRow.objects.get(service_id=ids[str(rich.pk)]).community
    assert draft
    assert draft.listing == Listing.DRAFT
    assert draft.revisions.get().facts == known(rich)
    assert counts(said)["new: a draft with a proposal"] >= 14
    assert ends == "", said


def _saved(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "api_details.json").write_text(json.dumps(ABOUT))
    (folder / "service_list.json").write_text(json.dumps({"contents": rows}))
    return folder
