"""Searching: parameters, modifiers, pages, includes; and that nothing untold and nothing of others is found."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from time_machine import travel

from audit.models import Action, Entry
from config.fictional import Person, people
from referrals.models import Referral
from tests import cast
from tests.api.answers import issues
from tests.referrals import steps

pytestmark = pytest.mark.django_db

Find = Callable[..., dict[str, Any]]


@pytest.fixture
def crowd() -> Iterator[Person]:
    """Fictional people, each another one."""
    return people(seed=7)


@pytest.fixture
def find(gp_system: cast.ClinicalSystem, settings: Any) -> Find:
    """Search, and answer with the Bundle."""

    def search(query: str, **headers: str) -> dict[str, Any]:
        answer = gp_system.get(f"/fhir/R4/{query}", **headers)
        assert answer.status_code == 200, answer.content
        bundle: dict[str, Any] = json.loads(answer.content)
        assert bundle["type"] == "searchset"
        assert bundle["link"][0]["relation"] == "self"
        assert bundle["link"][0]["url"].startswith(f"{settings.PUBLIC_BASE_URL}/fhir/R4/")
        return bundle

    return search


def ids(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    """The ids of what was found, in order."""
    entries = bundle.get("entry", [])
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == mode]


def link(bundle: dict[str, Any], relation: str) -> str | None:
    """The link of this relation, as a path."""
    found = [one["url"] for one in bundle["link"] if one["relation"] == relation]
    return found[0].partition("/fhir/R4/")[2] if found else None


@pytest.fixture
def referrals(
    gp_system: cast.ClinicalSystem, crowd: Iterator[Person], run_jobs: cast.RunJobs
) -> list[Referral]:
    """Five referrals, one a day at noon; the last two have not been looked at yet."""
    made = []
    start = datetime(2026, 9, 7, 12, tzinfo=UTC)
    for day in range(5):
        with travel(start + timedelta(days=day), tick=False):
            gp_system.sign_in()
            make = steps.referred(gp_system, next(crowd), identifier=f"R-{day}")
            if day < 3:
                run_jobs()
            make.refresh_from_db()
            made.append(make)
    gp_system.sign_in()
    return made


def _names(referrals: list[Referral]) -> list[str]:
    return [str(referral.pk) for referral in referrals]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ServiceRequest", [4, 3, 2, 1, 0]),
        ("ServiceRequest?_sort=_lastUpdated", [0, 1, 2, 3, 4]),
        ("ServiceRequest?status=active", [4, 3, 2, 1, 0]),
        ("ServiceRequest?status=http://hl7.org/fhir/request-status|active", [4, 3, 2, 1, 0]),
        ("ServiceRequest?status=http://hl7.org/fhir/task-status|active", []),
        ("ServiceRequest?status=|active", []),
        ("ServiceRequest?status:not=active", []),
        ("ServiceRequest?status:not=revoked", [4, 3, 2, 1, 0]),
        ("ServiceRequest?status=revoked,active", [4, 3, 2, 1, 0]),
        ("ServiceRequest?status=active&status=revoked", []),
        ("ServiceRequest?intent=order&priority:missing=true", [4, 3, 2, 1, 0]),
        ("ServiceRequest?priority=routine", []),
        ("ServiceRequest?identifier=R-3", [3]),
        ("ServiceRequest?identifier=https://gp.example/referral|R-3", [3]),
        ("ServiceRequest?identifier=https://other.example/referral|R-3", []),
        ("ServiceRequest?identifier=R-1,R-2", [2, 1]),
        ("ServiceRequest?identifier=https://gp.example/referral|", [4, 3, 2, 1, 0]),
        ("ServiceRequest?identifier={own}/fhir/Id/referral|", [4, 3, 2, 1, 0]),
        ("ServiceRequest?identifier=https://other.example/referral|", []),
        ("ServiceRequest?identifier=https://fhir.nhs.uk/Id/nhs-number|", []),
        ("ServiceRequest?patient.identifier=https://fhir.nhs.uk/Id/nhs-number|", [4, 3, 2, 1, 0]),
        ("ServiceRequest?patient.identifier=https://other.example/patient|", []),
        ("ServiceRequest?_lastUpdated=2026-09-08", [1]),
        ("ServiceRequest?_lastUpdated=ne2026-09-08", [4, 3, 2, 0]),
        ("ServiceRequest?_lastUpdated=gt2026-09-08", [4, 3, 2]),
        ("ServiceRequest?_lastUpdated=ge2026-09-08", [4, 3, 2, 1]),
        ("ServiceRequest?_lastUpdated=lt2026-09-08", [0]),
        ("ServiceRequest?_lastUpdated=le2026-09-08", [1, 0]),
        ("ServiceRequest?_lastUpdated=sa2026-09-08&_lastUpdated=eb2026-09-10", [2]),
        ("ServiceRequest?_lastUpdated=2026-09", [4, 3, 2, 1, 0]),
        ("ServiceRequest?_lastUpdated=2025", []),
        ("ServiceRequest?_lastUpdated=gt2026-09-10T12:00:00Z", [4]),
        ("ServiceRequest?_lastUpdated=ge2026-09-10T13:00:00%2B01:00", [4, 3]),
        ("ServiceRequest?_lastUpdated=ge2026-09-10T13:00:00", [4, 3]),
        ("ServiceRequest?_id=nothing", []),
        ("Task?status=requested", [4, 3]),
        ("Task?status:not=requested", [2, 1, 0]),
        ("Task?business-status=invitation-sent", [2, 1, 0]),
        ("Task?business-status={base}/CodeSystem/business-status|received-by-service", [4, 3]),
        ("Task?code=fulfill", [4, 3, 2, 1, 0]),
        ("Task?code=http://hl7.org/fhir/CodeSystem/task-code|approve", []),
        ("Task?intent=order&authored-on=2026-09-09", [2]),
        ("Task?owner:missing=true", []),
        ("Task?owner:missing=false", [4, 3, 2, 1, 0]),
        ("Task?focus.identifier=R-4", [4]),
        ("Task?focus:ServiceRequest.status=active", [4, 3, 2, 1, 0]),
        ("Task?requester:identifier={practice}", [4, 3, 2, 1, 0]),
        ("Task?requester.identifier=https://fhir.nhs.uk/id/ods-organization-code|F00000", []),
        (
            "Task?requester.identifier=https://fhir.nhs.uk/id/ods-organization-code|",
            [4, 3, 2, 1, 0],
        ),
        ("Task?_has:Provenance:target:recorded=2026-09-10", [3]),
        ("ServiceRequest?_has:Provenance:target:recorded=2026-09-11", [4]),
        ("ServiceRequest?_has:Task:focus:status=requested", [4, 3]),
        ("ServiceRequest?_has:Task:focus:business-status=joined", []),
    ],
)
def test_a_search_finds_what_its_parameters_say(
    find: Find,
    referrals: list[Referral],
    gp_system: cast.ClinicalSystem,
    settings: Any,
    query: str,
    found: list[int],
) -> None:
    base = str(settings.PUBLIC_BASE_URL)
    asked = query.replace("{base}", f"{base}/fhir/R4").replace("{own}", base)
    asked = asked.replace("{practice}", str(gp_system.organisation.ods_code))

    bundle = find(asked)

    assert ids(bundle) == [_names(referrals)[place] for place in found]
    assert bundle["total"] == len(found)


def test_a_patient_is_found_by_nhs_number_and_so_are_the_referrals(
    find: Find, referrals: list[Referral]
) -> None:
    patient = referrals[1].patient
    number = f"https://fhir.nhs.uk/Id/nhs-number|{patient.nhs_number}"

    assert ids(find(f"Patient?identifier={number}")) == [str(patient.pk)]
    assert ids(find(f"Patient?identifier={patient.nhs_number}")) == [str(patient.pk)]
    assert ids(find(f"Patient?identifier=urn:other|{patient.nhs_number}")) == []
    assert ids(find(f"ServiceRequest?patient.identifier={number}")) == [str(referrals[1].pk)]
    assert ids(find(f"ServiceRequest?subject:identifier={number}")) == [str(referrals[1].pk)]
    assert ids(find(f"Task?patient=Patient/{patient.pk}")) == [str(referrals[1].pk)]
    assert ids(find(f"Task?patient:Patient={patient.pk}")) == [str(referrals[1].pk)]


def test_a_search_by_post_keeps_its_parameters_out_of_the_address(
    gp_system: cast.ClinicalSystem, referrals: list[Referral]
) -> None:
    number = referrals[1].patient.nhs_number

    answer = gp_system.post(
        "/fhir/R4/Patient/_search",
        f"identifier={number}",
        Content_Type="application/x-www-form-urlencoded",
    )
    wrong = gp_system.post("/fhir/R4/Patient/_search", {})

    assert ids(json.loads(answer.content)) == [str(referrals[1].patient.pk)]
    assert issues(wrong, 415)


def test_pages_go_through_all_and_back_again(find: Find, referrals: list[Referral]) -> None:
    first = find("ServiceRequest?status=active&_count=2&_total=accurate")
    second = find(link(first, "next") or "")
    third = find(link(second, "next") or "")
    again = find(link(third, "previous") or "")

    assert [ids(first), ids(second), ids(third)] == [
        _names(referrals)[::-1][:2],
        _names(referrals)[::-1][2:4],
        _names(referrals)[::-1][4:],
    ]
    assert link(third, "next") is None
    assert link(first, "previous") is None
    assert ids(again) == ids(second)
    assert link(again, "next")
    assert first["total"] == third["total"] == 5


def test_a_page_is_stable_while_new_ones_come(
    find: Find, referrals: list[Referral], gp_system: cast.ClinicalSystem, crowd: Iterator[Person]
) -> None:
    first = find("ServiceRequest?_count=2")
    steps.referred(gp_system, next(crowd))

    second = find(link(first, "next") or "")

    assert ids(second) == _names(referrals)[::-1][2:4]


@pytest.mark.parametrize("damage", ["x", "drop", "other search"])
def test_a_link_that_was_tampered_with_is_refused(
    find: Find, gp_system: cast.ClinicalSystem, referrals: list[Referral], damage: str
) -> None:
    following = link(find("ServiceRequest?_count=2"), "next") or ""
    changed = {
        "x": f"{following}x",
        "drop": following[:-5],
        "other search": following.replace("ServiceRequest?", "ServiceRequest?status=draft&"),
    }[damage]

    answer = gp_system.get(f"/fhir/R4/{changed}")

    [issue] = issues(answer, 400)
    assert issue["expression"] == ["http._cursor"]


def test_a_million_on_a_page_is_a_hundred(find: Find, referrals: list[Referral]) -> None:
    bundle = find("ServiceRequest?_count=1000000")

    assert "_count=100" in bundle["link"][0]["url"]
    assert len(ids(bundle)) == 5


@pytest.mark.parametrize("query", ["_count=0", "_summary=count"])
def test_only_the_number_is_told_when_only_that_is_asked(
    find: Find, referrals: list[Referral], query: str
) -> None:
    bundle = find(f"ServiceRequest?{query}")

    assert (bundle["total"], "entry" in bundle) == (5, False)


def test_a_total_can_be_left_out(find: Find, referrals: list[Referral]) -> None:
    assert "total" not in find("ServiceRequest?_total=none")


def test_rows_are_counted_only_for_those_who_ask(
    gp_system: cast.ClinicalSystem, referrals: list[Referral]
) -> None:
    def asked(query: str) -> tuple[int | None, int]:
        with CaptureQueriesContext(connection) as made:
            bundle = json.loads(gp_system.get(f"/fhir/R4/Task?{query}").content)
        counts = [one for one in made if "COUNT(" in one["sql"]]
        return bundle.get("total"), len(counts)

    assert asked("_count=5") == (5, 0)  # there is no more
    assert asked("_count=2") == (None, 0)
    assert asked("_count=2&_total=none") == (None, 0)
    total, counts = asked("_count=2&_total=accurate")
    assert (total, counts > 0) == (5, True)
    assert asked("_summary=count")[0] == 5


@pytest.mark.parametrize(
    "path",
    [
        "ServiceRequest?_sort=authored",
        "Task?_sort=authored-on",
        "Task?_sort=modified",
        "Provenance?_sort=recorded",
    ],
)
def test_every_order_goes_through_all_in_pages(
    find: Find, referrals: list[Referral], gp_system: cast.ClinicalSystem, path: str
) -> None:
    with travel(datetime(2026, 9, 20, tzinfo=UTC), tick=False):
        gp_system.sign_in()
        for day, referral in zip((3, 1, 1), referrals[3:], strict=False):
            address = f"/fhir/R4/ServiceRequest/{referral.pk}"
            sent = json.loads(gp_system.get(address).content)
            assert (
                gp_system.put(address, sent | {"authoredOn": f"2026-09-0{day}"}).status_code == 200
            )
    gp_system.sign_in()
    for order in (path, path.replace("=", "=-")):
        whole, page, walked = ids(find(f"{order}&_count=100")), find(f"{order}&_count=1"), []
        while True:
            walked += ids(page)
            following = link(page, "next")
            if not following:
                break
            page = find(following)

        assert walked == whole
        assert len(set(whole)) == len(whole) >= 5
    if path.startswith("ServiceRequest"):
        rows = _names(referrals)
        assert ids(find(path)) == [rows[4], rows[3], *rows[:3]]


def test_what_was_done_comes_with_the_task(find: Find, referrals: list[Referral]) -> None:
    task = str(referrals[4].pk)

    with_it = find(f"Task?_id={task}&_revinclude=Provenance:target")
    back = find(f"Provenance?target=Task/{task}&_include=Provenance:target")
    narrow = find(f"Provenance?target:Task={task}&_include=Provenance:target:Task")

    kinds = [e["resource"]["resourceType"] for e in with_it["entry"]]
    assert kinds == ["Task", "Provenance"]
    both = {(e["resource"]["resourceType"], e["resource"]["id"]) for e in back["entry"]}
    assert both >= {("ServiceRequest", task), ("Task", task)}
    included = [e for e in narrow["entry"] if e["search"]["mode"] == "include"]
    assert [one["resource"]["resourceType"] for one in included] == ["Task"]


def test_what_a_task_is_about_comes_with_it(find: Find, referrals: list[Referral]) -> None:
    bundle = find("Task?status=requested&_include=Task:focus&_include=Task:patient")

    assert ids(bundle) == _names(referrals)[:2:-1]
    included = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "include"]
    assert [one["resourceType"] for one in included] == ["ServiceRequest"] * 2 + ["Patient"] * 2
    assert bundle["total"] == 2
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == 6


def test_what_points_to_a_referral_comes_with_it(find: Find, referrals: list[Referral]) -> None:
    bundle = find(
        f"ServiceRequest?_id={referrals[0].pk}&_revinclude=Task:focus&_include:iterate=Task:patient"
    )

    kinds = [(e["search"]["mode"], e["resource"]["resourceType"]) for e in bundle["entry"]]
    assert kinds == [("match", "ServiceRequest"), ("include", "Task"), ("include", "Patient")]


def test_less_than_all_of_a_resource_says_so(find: Find, referrals: list[Referral]) -> None:
    [entry] = find("ServiceRequest?identifier=R-1&_elements=authoredOn,identifier")["entry"]
    resource = entry["resource"]

    assert resource["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert {"id", "status", "intent", "subject", "identifier"} <= resource.keys()
    assert not {"reasonCode", "contained", "code"} & resource.keys()


@pytest.mark.parametrize("summary", ["true", "text", "data"])
def test_a_summary_keeps_what_every_resource_must_have(
    find: Find, referrals: list[Referral], summary: str
) -> None:
    [entry] = find(f"ServiceRequest?identifier=R-1&_summary={summary}")["entry"]

    assert entry["resource"]["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert {"status", "intent", "subject"} <= entry["resource"].keys()


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("colour=blue", "http.colour"),
        ("status:above=active", "http.status"),
        ("_lastUpdated=yesterday", "http._lastUpdated"),
        ("_lastUpdated=2026-13-01", "http._lastUpdated"),
        ("_lastUpdated=0000", "http._lastUpdated"),
        ("_count=-1", "http._count"),
        ("_count=many", "http._count"),
        ("_sort=colour", "http._sort"),
        ("_total=about", "http._total"),
        ("_include=Patient:link", "http._include"),
        ("_include=Binary:securityContext", "http._include"),
        ("_revinclude=AuditEvent:entity", "http._revinclude"),
        ("patient.name=Smith", "http.patient"),
        ("status:missing=perhaps", "http.status"),
        ("_has:Task:focus:colour=blue", "http._has"),
        ("status=", "http.status"),
        ("identifier=|", "http.identifier"),
        ("_elements=*", "http._elements"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(
    gp_system: cast.ClinicalSystem, query: str, place: str
) -> None:
    answer = gp_system.get(f"/fhir/R4/ServiceRequest?{query}")

    [issue] = issues(answer, 400)
    assert issue["expression"] == [place]


def test_all_faults_of_a_search_are_named_at_once(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.get("/fhir/R4/ServiceRequest?colour=blue&_count=x&_sort=size")

    assert len(issues(answer, 400)) == 3


def test_a_lenient_search_leaves_out_what_it_does_not_know_and_says_so(
    find: Find, referrals: list[Referral]
) -> None:
    bundle = find("ServiceRequest?identifier=R-1&colour=blue", Prefer="handling=lenient")

    assert "colour" not in bundle["link"][0]["url"]
    assert ids(bundle) == [str(referrals[1].pk)]
    [outcome] = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert outcome["issue"][0]["severity"] == "warning"


def test_a_search_longer_than_any_question_is_refused(gp_system: cast.ClinicalSystem) -> None:
    many = "&".join(f"status=a{number}" for number in range(40))

    assert issues(gp_system.get(f"/fhir/R4/ServiceRequest?{many}"), 400)
    assert issues(gp_system.get(f"/fhir/R4/ServiceRequest?identifier={'x' * 3000}"), 400)


def test_what_was_not_told_is_not_found(
    find: Find, referrals: list[Referral], crowd: Iterator[Person]
) -> None:
    before = {query: find(query) for query in ("Task", "Task?status=accepted", "ServiceRequest")}

    steps.joined(referrals[0], tells_practice=False)

    assert {query: find(query) for query in before} == before
    assert ids(find("Task?status=in-progress")) == []
    assert ids(find("Task?business-status=joined")) == []


def test_every_patient_that_a_search_shows_is_in_the_audit(
    find: Find, referrals: list[Referral]
) -> None:
    before = Entry.objects.count()

    find("Task?status=requested&_include=Task:patient")

    read = Entry.objects.order_by("pk")[before:]
    assert {(entry.action, entry.target) for entry in read} == {
        *((Action.REFERRAL_READ, f"ServiceRequest/{one.pk}") for one in referrals[3:]),
        *((Action.PATIENT_READ, f"Patient/{one.patient_id}") for one in referrals[3:]),
    }


def test_others_find_nothing_of_ours(
    other_gp_system: cast.ClinicalSystem, referrals: list[Referral]
) -> None:
    for query in (
        "ServiceRequest",
        "Task",
        "Patient",
        "Provenance",
        f"ServiceRequest?_id={referrals[0].pk}",
        f"Task?focus=ServiceRequest/{referrals[0].pk}",
        f"ServiceRequest?patient=Patient/{referrals[0].patient_id}",
        f"Patient?identifier={referrals[0].patient.nhs_number}",
        f"ServiceRequest?_revinclude=Task:focus&identifier={quote('R-1')}",
    ):
        bundle = json.loads(other_gp_system.get(f"/fhir/R4/{query}").content)

        assert (bundle["total"], bundle.get("entry")) == (0, None), query


def test_an_include_needs_its_own_scope(
    gp_system: cast.ClinicalSystem, referrals: list[Referral]
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Task.rs")

    assert narrow.get("/fhir/R4/Task").status_code == 200
    assert issues(narrow.get("/fhir/R4/Task?_include=Task:patient"), 403)
    assert issues(narrow.get("/fhir/R4/Task?patient.identifier=9990000018"), 403)
    other = cast.clinical_system(gp_system.organisation, scope="system/ServiceRequest.rs")
    assert issues(other.get("/fhir/R4/ServiceRequest?_has:Task:focus:status=requested"), 403)
    assert issues(other.get("/fhir/R4/ServiceRequest?_revinclude=Task:focus"), 403)


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T12:00:00-14:00", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:58-14:00"],
)
@pytest.mark.parametrize("query", ["Task?_lastUpdated=ge", "Task/_history?_since="])
def test_a_moment_off_the_calendar_is_refused(
    gp_system: cast.ClinicalSystem, query: str, moment: str
) -> None:
    assert issues(gp_system.get(f"/fhir/R4/{query}{moment}"), 400)


def test_a_link_leads_nowhere_else_and_says_nothing(
    find: Find, gp_system: cast.ClinicalSystem, referrals: list[Referral]
) -> None:
    colleague = cast.clinical_system(gp_system.organisation)
    following = link(find("ServiceRequest?_count=1"), "next") or ""
    cursor = following.partition("_cursor=")[2]

    for system, path in (
        (gp_system, "Task"),
        (gp_system, "Patient"),
        (gp_system, "ServiceRequest/_history"),
        (gp_system, "Provenance"),
        (colleague, "ServiceRequest"),
    ):
        assert issues(system.get(f"/fhir/R4/{path}?_count=1&_cursor={cursor}"), 400), path
    assert str(referrals[4].pk) not in cursor


def test_to_ask_by_a_patients_number_needs_the_patients_scope(
    gp_system: cast.ClinicalSystem, referrals: list[Referral]
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Task.rs")
    number = f"https://fhir.nhs.uk/Id/nhs-number|{referrals[0].patient.nhs_number}"

    assert issues(narrow.get(f"/fhir/R4/Task?patient:identifier={number}"), 403)
