"""The directory as FHIR: listed communities, the areas they serve, the organisations behind them."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.timezone import localdate
from pytest_django import Settings

from accounts.models import Organisation
from communities.candidates import as_candidate
from communities.loading import DATA, load_directory, load_reference
from communities.models import Area, Community, Listing
from integrations.fhir.checking import check
from tests import cast
from tests.api.answers import Answer, issues

pytestmark = pytest.mark.django_db

BASE = "http://127.0.0.1:8000/fhir/R4"
SERVICES = "/fhir/R4/HealthcareService"


def body(answer: Answer) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def found(answer: Answer, mode: str = "match") -> list[dict[str, Any]]:
    entries = body(answer).get("entry", [])
    return [entry["resource"] for entry in entries if entry["search"]["mode"] == mode]


def names(answer: Answer, mode: str = "match") -> set[str]:
    return {resource["name"] for resource in found(answer, mode)}


def pages(system: cast.ClinicalSystem, path: str) -> list[dict[str, Any]]:
    """What all pages of a search hold."""
    shown: list[dict[str, Any]] = []
    while path:
        answer = system.get(path)
        shown += found(answer)
        links = {link["relation"]: link["url"] for link in body(answer)["link"]}
        path = links.get("next", "").removeprefix("http://127.0.0.1:8000")
    return shown


def own(name: str) -> str:
    return f"{BASE}/CodeSystem/{name}"


def codes(resource: dict[str, Any], system: str) -> set[str]:
    return {
        coding["code"]
        for concept in resource["characteristic"]
        for coding in concept["coding"]
        if coding["system"] == system
    }


@pytest.fixture
def listed() -> Community:
    """A fictional community of which everything is stated."""
    return Community.objects.select_related("host").get(key="f001")


def test_a_listed_community_is_shown_with_what_is_stated_of_it(
    gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    service = body(gp_system.get(f"{SERVICES}/{listed.pk}"))

    assert service["name"] == "Example Steady Days (fictional)"
    assert service["active"] is True
    assert service["comment"] == listed.summary
    assert service["providedBy"]["reference"] == f"Organization/{listed.host_id}"
    assert service["telecom"] == [{"system": "url", "value": "https://steady-days.example/"}]
    assert codes(service, own("condition")) == {"depression", "anxiety"}
    assert "35489007" in codes(service, "http://snomed.info/sct")
    assert codes(service, own("moderation-tier")) == {"A"}
    assert codes(service, own("moderator-cover")) == {"24_7"}
    assert service["communication"] == [{"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}]
    [ages] = service["eligibility"]
    assert ages["comment"] == "Aged 18 or over."
    assert ages["extension"][0]["valueRange"]["low"]["value"] == 18
    [area] = service["coverageArea"]
    assert body(gp_system.get(f"/fhir/R4/{area['reference']}"))["name"] == "UK"


def parts(resource: dict[str, Any], extension: str) -> list[dict[str, Any]]:
    """The parts of each extension of this name, by theirs."""
    return [
        {
            part["url"]: value
            for part in one["extension"]
            for name, value in part.items()
            if name != "url"
        }
        for one in resource["extension"]
        if one["url"] == f"{BASE}/StructureDefinition/{extension}"
    ]


def test_the_evidence_of_moderation_is_shown(
    gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    Community.objects.filter(pk=listed.pk).update(
        moderator_hours=[[5, "22:00", "06:00"]], readiness=["action"], device_need="A phone"
    )

    service = body(gp_system.get(f"{SERVICES}/{listed.pk}"))

    assert "availableTime" not in service
    assert parts(service, "moderator-span") == [
        {"dayOfWeek": "fri", "from": "22:00:00", "to": "06:00:00", "timeZone": "Europe/London"}
    ]
    [evidence] = parts(service, "moderation-evidence")
    assert evidence["medianFirstResponse"] == 15
    assert evidence["crisisPolicy"] == listed.crisis_policy
    assert evidence["onlineSafetyActAssessedOn"] == "2026-03-02"
    assert "fidelityProtocol" not in evidence
    assert parts(service, "taking-part") == [
        {"canLookFirst": False, "hasInPerson": False, "deviceNeed": "A phone"}
    ]
    assert parts(service, "research-evidence") == [{"citation": "No evidence supplied."}]
    assert parts(service, "data-protection")[0]["country"] == "GB"
    assert codes(service, own("readiness")) == {"action"}
    assert codes(service, own("accessibility")) == {"screen_reader"}
    assert codes(service, own("staffed-by")) == {"people"}


def test_what_nobody_has_stated_is_not_shown_as_a_characteristic(
    gp_system: cast.ClinicalSystem,
) -> None:
    bipolar_uk = Community.objects.get(key="c001")

    service = body(gp_system.get(f"{SERVICES}/{bipolar_uk.pk}"))

    assert codes(service, own("moderator-cover")) == set()
    assert "unknown" not in json.dumps(service)
    assert service["eligibility"][0]["comment"].startswith("The lowest age is not stated")


def test_a_fictional_community_and_a_demonstration_say_so(
    gp_system: cast.ClinicalSystem, listed: Community, settings: Settings
) -> None:
    settings.DEMO = True
    real = Community.objects.get(key="c001")

    fictional = body(gp_system.get(f"{SERVICES}/{listed.pk}"))
    unchecked = body(gp_system.get(f"{SERVICES}/{real.pk}"))

    assert [label["code"] for label in fictional["meta"]["security"]] == ["HTEST"]
    assert fictional["extraDetails"].startswith("This community is fictional.")
    assert "unchecked. Do not use it for real care." in unchecked["extraDetails"]
    assert "security" not in unchecked["meta"]


def test_the_review_of_a_listing_is_shown(
    gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    service = body(gp_system.get(f"{SERVICES}/{listed.pk}"))

    [review] = [e for e in service["extension"] if e["url"].endswith("/listing-review")]
    assert {
        part["url"]: next(v for k, v in part.items() if k != "url") for part in review["extension"]
    } == {
        "reviewedOn": "2020-01-01",
        "reviewDue": str(listed.review_due),
        "reviewedBy": "The tests",
    }


@pytest.mark.parametrize("path", [SERVICES, "/fhir/R4/Organization", "/fhir/R4/Location"])
def test_every_resource_of_the_directory_is_valid_r4(
    gp_system: cast.ClinicalSystem, path: str
) -> None:
    shown = pages(gp_system, f"{path}?_count=100")

    assert len(shown) > 40
    kind = path.rpartition("/")[2]
    # check asks the R4B model of fhir.resources, too
    assert [f for one in shown for f in check(one, resource_type=kind, is_strict=True)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"listing": Listing.DRAFT},
        {"listing": Listing.SUSPENDED},
        {"listing": Listing.CLOSED},
        {"review_due": localdate() - timedelta(days=1)},
    ],
)
def test_what_may_not_be_offered_now_is_as_good_as_absent(
    gp_system: cast.ClinicalSystem, listed: Community, change: dict[str, Any]
) -> None:
    before = body(gp_system.get(f"{SERVICES}?_summary=count"))["total"]
    Community.objects.filter(pk=listed.pk).update(**change)

    answer = gp_system.get(f"{SERVICES}/{listed.pk}")

    assert issues(answer, 404) == issues(gp_system.get(f"{SERVICES}/{uuid4()}"), 404)
    assert body(gp_system.get(f"{SERVICES}?_summary=count"))["total"] == before - 1
    assert found(gp_system.get(f"{SERVICES}?_id={listed.pk}")) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=example steady", {"f001"}),
        ("name:exact=Example Steady Days (fictional)", {"f001"}),
        ("name:exact=example steady days (fictional)", set()),
        ("name:contains=steady", {"f001"}),
        ("identifier=http://127.0.0.1:8000/fhir/Id/community|f001", {"f001"}),
        ("identifier=http://127.0.0.1:8000/fhir/Id/area|f001", set()),
        ("name=Example&active=false", set()),
        ("name=Example Steady&active=true", {"f001"}),
        (f"name=Example&characteristic={BASE}/CodeSystem/condition|bipolar", {"f004"}),
        ("name=Example&characteristic=370143000", {"f001"}),
        ("name=Example&characteristic=http://snomed.info/sct|bipolar", set()),
        ("name=Example Steady&specialty=x", set()),
        ("name=Example Steady&specialty:missing=true", {"f001"}),
        ("name=Example Steady&service-category=peer-support", {"f001"}),
        ("name=Example Steady&service-type=moderated_forum", {"f001"}),
        ("name=Example Steady&service-type:not=moderated_forum", set()),
        ("service-type=unknown", set()),
        ("name=Example&service-type:missing=true", set()),
        ("name=Example&organization.name=example peer&characteristic=chronic-pain", {"f003"}),
    ],
)
def test_communities_are_found_by(
    gp_system: cast.ClinicalSystem, query: str, expected: set[str]
) -> None:
    shown = pages(gp_system, f"{SERVICES}?{query.replace(' ', '%20').replace('|', '%7C')}")

    assert {service["identifier"][0]["value"] for service in shown} == expected


@pytest.mark.parametrize("tier", ["A", "C", "D", "U"])
def test_communities_are_found_by_the_tier_that_their_facts_lead_to(
    gp_system: cast.ClinicalSystem, tier: str
) -> None:
    query = f"characteristic={own('moderation-tier')}%7C{tier}&_count=100"

    shown = pages(gp_system, f"{SERVICES}?{query}")

    rows = Community.objects.select_related("host").prefetch_related("conditions")
    expected = {str(row.pk) for row in rows if as_candidate(row, on=localdate()).tier == tier}
    assert {service["id"] for service in shown} == expected != set()


def test_a_characteristic_finds_exactly_those_that_show_it(gp_system: cast.ClinicalSystem) -> None:
    every = pages(gp_system, f"{SERVICES}?_count=100")
    tokens = {
        (coding["system"], coding["code"])
        for service in every
        for concept in service["characteristic"]
        for coding in concept["coding"]
        if coding["system"] != "http://snomed.info/sct"
    }
    for system, code in sorted(tokens):
        shown = pages(gp_system, f"{SERVICES}?_count=100&characteristic={system}%7C{code}")

        expected = {service["id"] for service in every if code in codes(service, system)}
        assert {service["id"] for service in shown} == expected, (system, code)


def test_the_host_of_a_community_is_included(
    gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    answer = gp_system.get(f"{SERVICES}?_id={listed.pk}&_include=HealthcareService:organization")

    assert names(answer, "include") == {listed.host.name}


def test_all_areas_of_a_community_are_included(gp_system: cast.ClinicalSystem) -> None:
    boroughs = Community.objects.get(areas__place="lad:E09000030")

    answer = gp_system.get(f"{SERVICES}?_id={boroughs.pk}&_include=HealthcareService:coverage-area")

    assert {area["identifier"][0]["value"] for area in found(answer, "include")} == {
        "lad:E09000030",
        "lad:E09000025",
        "lad:E09000026",
    }


def test_communities_are_found_by_area_once_each(gp_system: cast.ClinicalSystem) -> None:
    boroughs = Community.objects.get(areas__place="lad:E09000030")
    areas = ",".join(str(area.pk) for area in boroughs.areas.all())

    by_reference = gp_system.get(f"{SERVICES}?coverage-area={areas}")
    by_code = gp_system.get(f"{SERVICES}?coverage-area.identifier=lad:E09000030")
    not_there = gp_system.get(f"{SERVICES}?coverage-area:missing=true")

    assert [service["id"] for service in found(by_reference)] == [str(boroughs.pk)]
    assert body(by_reference)["total"] == 1
    assert [service["id"] for service in found(by_code)] == [str(boroughs.pk)]
    assert {service["id"] for service in found(not_there)} == {
        str(row.pk) for row in Community.objects.filter(areas=None)
    }


def test_the_communities_of_an_area_come_along_with_it(gp_system: cast.ClinicalSystem) -> None:
    scottish = Community.objects.get(areas__place="nation:Scotland")

    answer = gp_system.get(
        "/fhir/R4/Location?name=Scotland&_revinclude=HealthcareService:coverage-area"
    )

    assert names(answer) == {"Scotland"}
    assert {service["id"] for service in found(answer, "include")} == {str(scottish.pk)}


def test_an_area_is_found_by_what_serves_it(gp_system: cast.ClinicalSystem) -> None:
    scottish = Community.objects.get(areas__place="nation:Scotland")
    key = scottish.conditions.all()[0].key
    has = "_has:HealthcareService:coverage-area:characteristic"

    answer = gp_system.get(f"/fhir/R4/Location?{has}={key}&type=nation")

    serving = Community.objects.filter(conditions=key).values("areas__name")
    nations = {"UK", "England", "Scotland", "Wales", "Northern Ireland"}
    assert names(answer) == {row["areas__name"] for row in serving} & nations
    assert "Scotland" in names(answer)


@pytest.mark.parametrize("kind", ["HealthcareService", "Location", "Organization"])
def test_a_search_for_what_cannot_be_stored_finds_nothing_or_is_refused(
    gp_system: cast.ClinicalSystem, kind: str
) -> None:
    answer = gp_system.get(f"/fhir/R4/{kind}?name=%00&identifier=%00")

    assert answer.status_code in {200, 400}
    assert answer.status_code == 400 or found(answer) == []


def test_areas_are_found_by_code_name_and_kind(gp_system: cast.ClinicalSystem) -> None:
    ods = "https://fhir.nhs.uk/Id/ods-organization-code%7CQMF"
    place = "http://127.0.0.1:8000/fhir/Id/area%7Cicb:QMF"

    by_ods = gp_system.get(f"/fhir/R4/Location?identifier={ods}")
    by_place = gp_system.get(f"/fhir/R4/Location?identifier={place}")
    nations = gp_system.get("/fhir/R4/Location?type=nation")

    assert found(by_ods) == found(by_place)
    [board] = found(by_ods)
    assert board["physicalType"]["coding"][0]["code"] == "jdn"
    assert names(nations) == {"UK", "England", "Scotland", "Wales", "Northern Ireland"}


def test_a_board_that_has_ended_is_an_inactive_area(gp_system: cast.ClinicalSystem) -> None:
    ended = Organisation.objects.filter(kind="icb", valid_to__isnull=False)[0]

    [area] = found(gp_system.get(f"/fhir/R4/Location?identifier=icb:{ended.ods_code}"))

    assert area["status"] == "inactive"


def test_a_practice_sees_itself_its_board_and_the_hosts_and_no_other_practice(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    shown = pages(gp_system, "/fhir/R4/Organization?_count=100")

    kinds = [organisation["type"][0]["coding"][0]["code"] for organisation in shown]
    ods_codes = {i["value"] for one in shown for i in one.get("identifier", [])}
    assert ods_codes == {cast.PRACTICE, cast.ICB}
    assert set(kinds) == {"practice", "icb", "host"}
    assert "unknown" not in {organisation["name"] for organisation in shown}
    foreign = gp_system.get(f"/fhir/R4/Organization/{other_gp_system.organisation.pk}")
    assert issues(foreign, 404) == issues(gp_system.get(f"/fhir/R4/Organization/{uuid4()}"), 404)


def test_organisations_are_found_by_ods_code_name_kind_and_board(
    gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    practice = gp_system.organisation
    path = "/fhir/R4/Organization"
    ods = f"https://fhir.nhs.uk/Id/ods-organization-code%7C{cast.PRACTICE.lower()}"

    by_code = gp_system.get(f"{path}?identifier={ods}")
    by_board = gp_system.get(f"{path}?partof={practice.icb_id}")
    by_name = gp_system.get(f"{path}?name={listed.host.name}")
    boards = gp_system.get(f"{path}?type=icb&_revinclude=Organization:partof")

    assert names(by_code) == names(by_board) == {practice.name}
    assert names(by_name) == {listed.host.name}
    assert names(boards, "include") == {practice.name}


def test_nobody_answers_for_a_community_whose_host_is_not_named(
    gp_system: cast.ClinicalSystem,
) -> None:
    nameless = Community.objects.filter(host__name="unknown")[0]

    service = body(gp_system.get(f"{SERVICES}/{nameless.pk}"))
    without = pages(gp_system, f"{SERVICES}?organization:missing=true&_count=100")

    assert "providedBy" not in service
    assert service["id"] in {one["id"] for one in without}
    assert all("providedBy" not in one for one in without)


def test_a_change_of_a_listing_is_seen_and_no_change_is_not(
    gp_system: cast.ClinicalSystem, listed: Community
) -> None:
    first = gp_system.get(f"{SERVICES}/{listed.pk}")
    at = timezone.now() + timedelta(minutes=5)
    facts = {
        "is_fictional": True,
        "reviewed_on": listed.reviewed_on,
        "review_due": listed.review_due,
        "reviewed_by": listed.reviewed_by,
    }

    load_directory(DATA / "demo" / "fictional.csv", at=at, **facts)  # type: ignore[arg-type]
    load_reference(at=at)
    unchanged = gp_system.get(f"{SERVICES}/{listed.pk}", If_None_Match=first["ETag"])
    load_directory(
        DATA / "demo" / "fictional.csv",
        at=at,
        **facts | {"reviewed_by": "Somebody else"},  # type: ignore[arg-type]
    )
    changed = gp_system.get(f"{SERVICES}/{listed.pk}", If_None_Match=first["ETag"])
    since = gp_system.get(f"{SERVICES}?_id={listed.pk}&_lastUpdated=ge{at:%Y-%m-%dT%H:%M:%S.%fZ}")

    assert unchanged.status_code == 304
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]
    assert len(found(since)) == 1


def test_loading_the_reference_facts_again_changes_only_what_differs(
    gp_system: cast.ClinicalSystem,
) -> None:
    Area.objects.filter(place="lad:E06000001").update(name="Somewhere")
    Organisation.objects.filter(ods_code=cast.PRACTICE).update(name="Another name")
    at = timezone.now() + timedelta(minutes=5)

    load_reference(at=at)

    assert [area.place for area in Area.objects.filter(updated_at=at)] == ["lad:E06000001"]
    assert [o.ods_code for o in Organisation.objects.filter(updated_at=at)] == [cast.PRACTICE]


@pytest.mark.parametrize("kind", ["HealthcareService", "Location", "Organization"])
def test_the_directory_is_closed_to_those_without_its_scope(
    gp_system: cast.ClinicalSystem, stranger: Client, kind: str
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Task.rs")

    assert issues(stranger.get(f"/fhir/R4/{kind}"), 401)
    assert issues(narrow.get(f"/fhir/R4/{kind}"), 403)


@pytest.mark.parametrize("kind", ["HealthcareService", "Location", "Organization"])
def test_the_directory_is_read_only(gp_system: cast.ClinicalSystem, kind: str) -> None:
    answer = gp_system.post(f"/fhir/R4/{kind}", {"resourceType": kind})

    assert answer.status_code in {403, 405}


def test_an_endpoint_is_not_served(gp_system: cast.ClinicalSystem) -> None:
    [issue] = issues(gp_system.get("/fhir/R4/Endpoint"), 404)

    assert issue["code"] == "not-supported"


def test_a_page_of_communities_costs_few_queries(
    gp_system: cast.ClinicalSystem, django_assert_max_num_queries: Any
) -> None:
    gp_system.sign_in()

    with django_assert_max_num_queries(22):
        answer = gp_system.get(f"{SERVICES}?_count=100&_include=HealthcareService:organization")

    assert len(found(answer)) > 50
