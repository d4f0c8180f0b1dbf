"""Searching by what stands only in the documents: codes, references, identifiers and times that senders wrote."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Organisation
from config.fictional import Person, people
from referrals.models import PracticeTaskKind, Referral, ReferralTerm
from referrals.practice_tasks import ask_practice
from tests import cast
from tests.api.answers import issues
from tests.referrals import steps

pytestmark = pytest.mark.django_db

Names = Callable[[str], list[str]]

SDS = "https://fhir.nhs.uk/Id/sds-user-id"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
SNOMED = "http://snomed.info/sct"
UUID = "0190a000-0000-4000-8000-00000000000a"

RICH = {
    "authoredOn": "2026-09-07T12:00:00Z",
    "basedOn": [{"reference": "CarePlan/plan-1"}],
    "category": [
        {"coding": [{"system": "http://snomed.info/sct", "code": "410606002"}], "text": "Social"},
        {"coding": [{"system": "https://gp.example/category", "code": "social"}]},
    ],
    "encounter": {"reference": "https://gp.example/fhir/Encounter/visit-1/_history/3"},
    "occurrencePeriod": {"start": "2026-09-10", "end": "2026-09-20"},
    "performer": [{"reference": "HealthcareService/service-1"}],
    "performerType": {"coding": [{"system": "http://snomed.info/sct", "code": "106292003"}]},
    "replaces": [{"reference": "ServiceRequest/older-1"}],
    "requester": {
        "reference": "Practitioner/doctor-1",
        "identifier": {"system": "http://fhir.nhs.uk/id/sds-user-id", "value": "555000111222"},
    },
    "requisition": {"system": "https://gp.example/requisition", "value": "Q-1"},
    "supportingInfo": [
        {"reference": "Consent/consent-1"},
        {"reference": "{base}/Observation/seen-1"},
        {"identifier": {"system": "https://gp.example/letter", "value": "L-1"}},
    ],
}


def sent_by(system: cast.ClinicalSystem, person: Person, base: str, **more: Any) -> str:
    """A referral with these elements; its id."""
    resource = cast.referral_for(person) | json.loads(json.dumps(more).replace("{base}", base))
    return str(body(system.post("/fhir/R4/ServiceRequest", resource), 201)["id"])


def body(answer: Any, status: int = 200) -> dict[str, Any]:
    """The resource in an answer."""
    assert answer.status_code == status, answer.content
    resource: dict[str, Any] = json.loads(answer.content)
    return resource


@pytest.fixture
def base(settings: Any) -> str:
    """This server's address of resources."""
    return f"{settings.PUBLIC_BASE_URL}/fhir/R4"


@pytest.fixture
def crowd() -> Iterator[Person]:
    """Fictional people, each another one."""
    return people(seed=11)


@pytest.fixture
def find(gp_system: cast.ClinicalSystem, base: str) -> Names:
    """The ids of what a search finds."""

    def search(query: str) -> list[str]:
        bundle = body(gp_system.get(f"/fhir/R4/{query.replace('{base}', base)}"))
        found = [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        assert bundle["total"] == len(found)
        return found

    return search


@pytest.fixture
def requests(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    crowd: Iterator[Person],
    base: str,
) -> tuple[str, str]:
    """Two of the practice's referrals, one that says much and one that says little; and another's that says as much."""
    sent_by(other_gp_system, next(crowd), base, **RICH)
    rich = sent_by(gp_system, next(crowd), base, **RICH)
    return rich, sent_by(gp_system, next(crowd), base)


REQUEST_QUERIES = {
    "authored=2026-09-07": "rich",
    "authored=2026-09-08": "",
    "authored=ge2026-09": "rich",
    "authored:missing=true": "plain",
    "based-on=CarePlan/plan-1": "rich",
    "based-on=CarePlan/plan-2": "",
    "based-on:missing=false": "rich",
    "category=410606002": "rich",
    "category=https://snomed.info/sct|410606002": "rich",
    "category=https://gp.example/category|": "rich",
    "category=https://gp.example/category|410606002": "",
    "category=|social": "",
    "category=Social": "",
    "category=social&category=410606002": "rich",
    "category=other,social": "rich",
    "category:not=social": "plain",
    "category:not=other": "rich plain",
    "category:missing=true": "plain",
    "category:missing=false": "rich",
    "code=peer-support": "rich plain",
    "code={base}/CodeSystem/referral-type|peer-support": "rich plain",
    "code=http://snomed.info/sct|peer-support": "",
    "code:not=peer-support": "",
    "encounter=https://gp.example/fhir/Encounter/visit-1": "rich",
    "encounter=Encounter/visit-1": "",
    "performer=HealthcareService/service-1": "rich",
    "performer=service-1": "rich",
    "performer:HealthcareService=service-1": "rich",
    "performer:Organization=service-1": "",
    "performer:Organization=HealthcareService/service-1": "",
    "performer:missing=true": "plain",
    "performer-type=106292003": "rich",
    "replaces=older-1": "rich",
    "requester=Practitioner/doctor-1": "rich",
    "requester={base}/Practitioner/doctor-1": "rich",
    "requester=https://gp.example/fhir/Practitioner/doctor-1": "",
    "requester=Practitioner/doctor": "",
    f"requester:identifier={SDS}|555000111222": "rich",
    "requester:identifier=555000111222": "rich",
    f"requester:identifier={ODS}|555000111222": "",
    f"requester.identifier={SDS}|555000111222": "rich",
    f"requester.identifier={SDS}|": "rich",
    f"requester.identifier={ODS}|": "",
    "requester.identifier:not=555000111222": "plain",
    "supporting-info.identifier=L-1": "rich",
    "requester:missing=true": "plain",
    "requisition=https://gp.example/requisition|Q-1": "rich",
    "requisition=https://gp.example/other|Q-1": "",
    "supporting-info=Consent/consent-1": "rich",
    "supporting-info=seen-1": "rich",
    "supporting-info=Observation/seen-1&supporting-info=Consent/consent-1": "rich",
    "supporting-info:identifier=L-1": "rich",
    "supporting-info=Consent/consent-2": "",
    "supporting-info:missing=false": "rich",
    "_has:Task:focus:code=fulfill&performer=service-1": "rich",
}


def test_a_referral_is_found_by_what_its_document_says(
    find: Names, requests: tuple[str, str]
) -> None:
    name_of = dict(zip(requests, ("rich", "plain"), strict=True))

    found = {query: find(f"ServiceRequest?_sort=_lastUpdated&{query}") for query in REQUEST_QUERIES}

    assert {query: " ".join(name_of[one] for one in ids) for query, ids in found.items()} == (
        REQUEST_QUERIES
    )


# The stretch is 10 to 20 September in the United Kingdom, both days included.
OCCURRENCES = {
    "2026-09": True,
    "2026": True,
    "2026-09-15": False,
    "eq2026-09-10": False,
    "ne2026-09": False,
    "ne2026-09-15": True,
    "gt2026-09-19": True,
    "gt2026-09-20": False,
    "lt2026-09-11": True,
    "lt2026-09-10": False,
    "ge2026-09-20": False,
    "ge2026-09-19": True,
    "ge2026-09": True,
    "le2026-09-10": False,
    "le2026-09": True,
    "sa2026-09-09": True,
    "sa2026-09-10": False,
    "eb2026-09-21": True,
    "eb2026-09-20": False,
    "ap2026-09-15": True,
    "ap1990-01-01": False,
    "gt2026-09-20T22:59:59Z": False,
    "gt2026-09-20T22:59:58Z": True,
}


def test_a_period_is_compared_as_a_whole(find: Names, requests: tuple[str, str]) -> None:
    found = {asked: find(f"ServiceRequest?occurrence={asked}") for asked in OCCURRENCES}

    assert {asked: ids == [requests[0]] for asked, ids in found.items()} == OCCURRENCES
    assert all(ids in ([], [requests[0]]) for ids in found.values())


@pytest.mark.parametrize(
    ("occurrence", "found", "not_found"),
    [
        ({"occurrenceDateTime": "2026-09-10"}, "2026-09-10", "2026-09-11"),
        ({"occurrenceDateTime": "2026-09"}, "2026", "2026-09-10"),
        (
            {"occurrenceDateTime": "2026-09-10T12:00:00.1234567Z"},
            "2026-09-10T12:00:00Z",
            "ne2026-09-10",
        ),
        ({"occurrencePeriod": {"start": "2026-09-10"}}, "gt2050", "lt2026-09-10"),
        ({"occurrencePeriod": {"end": "2026-09-10"}}, "lt1950", "gt2026-09-10"),
        (
            {"occurrenceTiming": {"event": ["2026-09-10", "2026-09-12"]}},
            "2026-09-12",
            "2026-09-11",
        ),
        (
            {"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2026-09-10"}}}},
            "sa2026-09-09",
            "eb2030",
        ),
    ],
)
def test_every_kind_of_occurrence_is_a_stretch_of_time(
    gp_system: cast.ClinicalSystem,
    find: Names,
    person: Person,
    base: str,
    occurrence: dict[str, Any],
    found: str,
    not_found: str,
) -> None:
    referral = sent_by(gp_system, person, base, **occurrence)

    assert find(f"ServiceRequest?occurrence={found}") == [referral]
    assert find(f"ServiceRequest?occurrence={not_found}") == []


def test_what_is_no_time_is_searched_for_in_vain_or_refused(
    gp_system: cast.ClinicalSystem, find: Names, person: Person, base: str
) -> None:
    referral = sent_by(gp_system, person, base, occurrenceTiming={"code": {"text": "Evenings"}})

    assert find("ServiceRequest?occurrence:missing=false") == [referral]
    for query in ("occurrence=soon", "occurrence:not=2026", "performer:Device2=x"):
        assert issues(gp_system.get(f"/fhir/R4/ServiceRequest?{query}"), 400)


def test_after_a_correction_the_old_value_is_no_longer_found(
    gp_system: cast.ClinicalSystem, find: Names, requests: tuple[str, str]
) -> None:
    address = f"/fhir/R4/ServiceRequest/{requests[0]}"
    sent = body(gp_system.get(address))
    sent["performer"] = [{"reference": "HealthcareService/service-2"}]
    del sent["category"]

    body(gp_system.put(address, sent))

    assert find("ServiceRequest?performer=HealthcareService/service-1") == []
    assert find("ServiceRequest?performer=HealthcareService/service-2") == [requests[0]]
    assert find("ServiceRequest?category=social") == []
    assert find("ServiceRequest?requester=doctor-1") == [requests[0]]


def test_the_service_going_on_changes_nothing_that_is_found(
    find: Names, requests: tuple[str, str], run_jobs: cast.RunJobs
) -> None:
    run_jobs()

    assert find("ServiceRequest?performer=service-1") == [requests[0]]


def test_what_identifies_a_patient_and_what_is_too_long_is_not_kept(
    gp_system: cast.ClinicalSystem, find: Names, person: Person, base: str
) -> None:
    number = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}

    referral = sent_by(
        gp_system,
        person,
        base,
        requester={"reference": f"Patient/{UUID}", "identifier": number, "display": "Ann Example"},
        performer=[{"reference": "Patient/9990000018"}, {"reference": "RelatedPerson/9990000018"}],
        category=[{"coding": [{"system": "urn:x", "code": "c" * 201}], "text": "Ann Example"}],
    )

    terms = ReferralTerm.objects.filter(referral_id=referral).exclude(name="code")
    assert set(terms.values_list("name", "value")) == {
        ("requester", f"Patient/{UUID}"),
        ("performer", ""),
        ("category", ""),
    }
    assert find(f"ServiceRequest?requester:Patient={UUID}") == [referral]
    assert find("ServiceRequest?performer:missing=false&category:missing=false") == [referral]


def test_of_very_many_values_the_first_are_found(
    gp_system: cast.ClinicalSystem, find: Names, person: Person, base: str
) -> None:
    many = [{"reference": f"Observation/seen-{number}"} for number in range(80)]

    referral = sent_by(gp_system, person, base, supportingInfo=many)

    assert ReferralTerm.objects.filter(referral_id=referral).count() == 50
    assert find("ServiceRequest?supporting-info=seen-0") == [referral]
    assert find("ServiceRequest?supporting-info=seen-79") == []


# Task


def task_for(referral: str, **more: Any) -> dict[str, Any]:
    """A Task that fulfils a referral."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
        },
        "focus": {"reference": f"ServiceRequest/{referral}"},
        "authoredOn": "2026-09-07T12:00:00Z",
        "requester": {"reference": "PractitionerRole/role-1"},
        **more,
    }


RICH_TASK = {
    "basedOn": [{"reference": "ServiceRequest/first-1"}],
    "encounter": {"reference": "Encounter/visit-1"},
    "executionPeriod": {"start": "2026-09-10"},
    "groupIdentifier": {"system": "https://gp.example/group", "value": "G-1"},
    "identifier": [{"system": "https://gp.example/task", "value": "T-1"}],
    "output": [
        {"type": {"text": "result"}, "valueReference": {"reference": "Procedure/done-1"}},
        {"type": {"text": "note"}, "valueString": "Procedure/done-2"},
    ],
    "owner": {"display": "Peer-support referral service"},
    "partOf": [{"reference": "Task/whole-1"}],
    "performerType": [{"coding": [{"code": "helper"}]}],
}


@pytest.fixture
def tasks(gp_system: cast.ClinicalSystem, requests: tuple[str, str]) -> tuple[str, str]:
    """The Tasks of both referrals: the sender wrote that of the first."""
    body(gp_system.post("/fhir/R4/Task", task_for(requests[0], **RICH_TASK)), 201)
    return requests


TASK_QUERIES = {
    "authored-on=2026-09-07": "rich",
    "authored-on=gt2026-09-07": "plain",
    "based-on=ServiceRequest/first-1": "rich",
    "code=http://hl7.org/fhir/CodeSystem/task-code|fulfill": "plain rich",
    "code=http://hl7.org/fhir/CodeSystem/task-code|approve": "",
    "code:not=fulfill": "",
    "encounter=visit-1": "rich",
    "encounter:missing=true": "plain",
    "group-identifier=https://gp.example/group|G-1": "rich",
    "group-identifier=https://gp.example/other|G-1": "",
    "identifier=T-1": "rich",
    "identifier=https://gp.example/task|T-1": "rich",
    "identifier:not=T-1": "plain",
    "identifier:missing=true": "plain",
    "identifier:missing=false": "rich",
    "output=Procedure/done-1": "rich",
    "output=Procedure/done-2": "",
    "output:missing=true": "plain",
    "owner=Organization/service-1": "",
    "owner:missing=true": "",
    "owner:missing=false": "plain rich",
    "part-of=Task/whole-1": "rich",
    "performer=helper": "rich",
    "performer=|helper": "rich",
    "period=gt2027": "rich",
    "period=lt2026-09-10": "",
    "requester=PractitionerRole/role-1": "rich",
    "requester:PractitionerRole=role-1": "rich",
    "requester={practice}": "plain",
    "requester:Organization={practice}": "plain",
    "requester:Practitioner={practice}": "",
    "requester:identifier={ods}": "plain",
    "requester.identifier={ods}": "plain",
    "requester.identifier:not={ods}": "rich",
    "focus.performer=service-1": "rich",
    "focus.category:not=social": "plain",
}


def test_a_task_is_found_by_what_it_says_whoever_wrote_it(
    gp_system: cast.ClinicalSystem, find: Names, tasks: tuple[str, str]
) -> None:
    name_of = dict(zip(tasks, ("rich", "plain"), strict=True))
    practice = gp_system.organisation
    given = {"practice": str(practice.pk), "ods": str(practice.ods_code)}

    found = {
        query: find(f"Task?_sort=_lastUpdated&{query.format(**given)}") for query in TASK_QUERIES
    }

    assert {query: " ".join(name_of[one] for one in ids) for query, ids in found.items()} == (
        TASK_QUERIES
    )


def test_a_task_that_is_written_again_is_found_by_its_new_values_only(
    gp_system: cast.ClinicalSystem, find: Names, tasks: tuple[str, str]
) -> None:
    address = f"/fhir/R4/Task/{tasks[0]}"
    sent = body(gp_system.get(address))
    sent["identifier"] = [{"system": "https://gp.example/task", "value": "T-2"}]

    body(gp_system.put(address, sent))

    assert find("Task?identifier=T-1") == []
    assert find("Task?identifier=T-2") == [tasks[0]]
    assert find("ServiceRequest?performer=service-1") == [tasks[0]]


def test_a_task_that_brings_its_referral_is_found_by_both(
    gp_system: cast.ClinicalSystem, find: Names, person: Person
) -> None:
    sent = cast.referral_for(person) | {"id": "sr", "performer": RICH["performer"]}
    inside = sent.pop("contained")
    task = task_for("", **RICH_TASK) | {"focus": {"reference": "#sr"}, "contained": [sent, *inside]}

    made = body(gp_system.post("/fhir/R4/Task", task), 201)

    assert find("Task?group-identifier=G-1&focus.performer=service-1") == [made["id"]]
    assert find("ServiceRequest?performer=service-1") == [made["id"]]


def test_a_task_leads_to_the_practice(gp_system: cast.ClinicalSystem, person: Person) -> None:
    referral = steps.referred(gp_system, person)
    ask_practice(referral, PracticeTaskKind.LINK_LOCKED, at=referral.received_at)
    practice = f"Organization/{gp_system.organisation.pk}"

    asked = body(gp_system.get(f"/fhir/R4/Task?owner={practice}&_include=Task:owner"))
    asking = body(gp_system.get(f"/fhir/R4/Task?requester={practice}&_include=Task:requester"))

    [task, organization] = [entry["resource"] for entry in asked["entry"]]
    assert task["owner"]["reference"] == practice
    assert task["code"]["coding"][0]["code"] == "link-locked"
    assert f"Organization/{organization['id']}" == practice
    [task, organization] = [entry["resource"] for entry in asking["entry"]]
    assert task["requester"]["reference"] == practice
    assert task["id"] == str(referral.pk)
    assert body(gp_system.get(f"/fhir/R4/{practice}"))["id"] == organization["id"]


def test_another_practice_finds_nothing(
    other_gp_system: cast.ClinicalSystem,
    gp_system: cast.ClinicalSystem,
    person: Person,
    base: str,
) -> None:
    sent_by(gp_system, person, base, **RICH)
    practice = Organisation.objects.get(pk=gp_system.organisation.pk)

    for query in (
        "ServiceRequest?performer=service-1",
        "ServiceRequest?category=social",
        "ServiceRequest?category:missing=false",
        "ServiceRequest?occurrence=2026",
        f"Task?requester={practice.pk}",
        f"Task?owner=Organization/{practice.pk}",
    ):
        found = body(other_gp_system.get(f"/fhir/R4/{query}"))
        assert (found["total"], found.get("entry")) == (0, None)
    assert Referral.objects.filter(practice=practice).exists()
