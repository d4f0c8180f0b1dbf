"""``:missing`` says what the resource shows: asked of every search parameter of every type."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.fhir.served import KINDS
from communities.models import Community
from config.fictional import people
from referrals.models import PracticeTaskKind, Referral
from referrals.practice_tasks import ask_practice
from tests import cast
from tests.api.answers import issues
from tests.api.test_search_terms import RICH, RICH_TASK, sent_by, task_for
from tests.integrations.fhir.cast import AT
from tests.integrations.fhir.subscriptions.subscriber import wish

pytestmark = pytest.mark.django_db

# Where the element is not called as the parameter is. Several: any of them.
ELEMENTS = {
    "_id": ["id"],
    "_lastUpdated": ["meta"],
    "AuditEvent.date": ["recorded"],
    "HealthcareService.coverage-area": ["coverageArea"],
    "HealthcareService.organization": ["providedBy"],
    "HealthcareService.program": ["program"],
    "HealthcareService.service-category": ["category"],
    "HealthcareService.service-type": ["type"],
    "Organization.partof": ["partOf"],
    "Provenance.patient": ["target"],
    "ServiceRequest.authored": ["authoredOn"],
    "ServiceRequest.based-on": ["basedOn"],
    "ServiceRequest.occurrence": ["occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"],
    "ServiceRequest.patient": ["subject"],
    "ServiceRequest.performer-type": ["performerType"],
    "ServiceRequest.supporting-info": ["supportingInfo"],
    "Task.authored-on": ["authoredOn"],
    "Task.based-on": ["basedOn"],
    "Task.business-status": ["businessStatus"],
    "Task.group-identifier": ["groupIdentifier"],
    "Task.modified": ["lastModified"],
    "Task.output": ["output.valueReference"],
    "Task.part-of": ["partOf"],
    "Task.patient": ["for"],
    "Task.performer": ["performerType"],
    "Task.period": ["executionPeriod"],
    "Task.subject": ["for"],
}
# What nobody can tell from the row, so that :missing is refused.
UNTOLD = {"Patient.identifier"}


@pytest.fixture
def everything(gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs) -> cast.ClinicalSystem:
    """A practice that has some of everything: rich and plain, of its own words and of others'."""
    system = cast.clinical_system(gp_system.organisation, scope="system/*.cruds")
    crowd, base = people(seed=23), "http://127.0.0.1:8000/fhir/R4"
    words = {"text": "Somebody"}
    sent_by(system, next(crowd), base)
    sent_by(
        system,
        next(crowd),
        base,
        priority="urgent",
        category=[words],
        performerType=words,
        requester={"display": "Somebody"},
        performer=[{"reference": "Patient/9990000018"}],
        occurrenceTiming={"code": words},
        supportingInfo=[{"reference": f"Observation/{number}"} for number in range(80)],
        requisition={"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"},
    )
    rich = sent_by(system, next(crowd), base, **RICH)
    assert system.post("/fhir/R4/Task", task_for(rich, **RICH_TASK)).status_code == 201
    other = sent_by(system, next(crowd), base)
    sparse = task_for(other, output=[{"type": words, "valueString": "x"}])
    del sparse["requester"], sparse["authoredOn"]
    assert system.post("/fhir/R4/Task", sparse).status_code == 201
    run_jobs()
    for kind, row in zip(PracticeTaskKind, Referral.objects.order_by("pk"), strict=False):
        ask_practice(referral=row, kind=kind, at=AT)
    for status in ("requested", "off"):
        assert system.post("/fhir/R4/Subscription", wish(status=status)).status_code == 201
    nameless = {"resourceType": "Patient", "birthDate": "1980-01-01"}
    local = nameless | {"identifier": [{"system": "https://gp.example/patient", "value": "1"}]}
    for patient in (nameless, local):
        assert system.post("/fhir/R4/Patient", patient).status_code == 201
    community = Community.objects.exclude(kind="unknown").first()
    assert community
    Community.objects.filter(pk=community.pk).update(kind="unknown")
    return system


def _all(system: cast.ClinicalSystem, query: str) -> Iterator[dict[str, Any]]:
    """Every resource that is found, page by page."""
    path = f"/fhir/R4/{query}"
    while path:
        answer = system.get(path)
        assert answer.status_code == 200, (query, answer.content)
        bundle = json.loads(answer.content)
        yield from (entry["resource"] for entry in bundle.get("entry", ()))
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        path = links.get("next", "").removeprefix("http://127.0.0.1:8000")


def _has(resource: dict[str, Any], elements: list[str]) -> bool:
    """Whether any of the elements is there."""
    for name, _, part in (element.partition(".") for element in elements):
        if name in resource and (not part or any(part in one for one in resource[name])):
            return True
    return False


def test_missing_says_what_the_resources_show(everything: cast.ClinicalSystem) -> None:
    wrong = []
    for kind in KINDS.values():
        if kind.resource_type == "AuditEvent":
            continue  # each search adds to it
        shown = {one["id"]: one for one in _all(everything, f"{kind.resource_type}?_count=100")}
        assert shown, kind.resource_type
        for name in kind.search_parameters:
            place = f"{kind.resource_type}.{name}"
            if place in UNTOLD:
                continue
            elements = ELEMENTS.get(place) or ELEMENTS.get(name) or [name]
            for value, is_there in (("true", False), ("false", True)):
                query = f"{kind.resource_type}?{name}:missing={value}&_count=100"
                found = [one["id"] for one in _all(everything, query)]
                expected = [i for i, one in shown.items() if _has(one, elements) is is_there]
                if sorted(found) != sorted(expected):
                    wrong.append((place, value, len(found), len(expected)))

    assert wrong == []


def test_what_nobody_can_tell_is_not_answered(everything: cast.ClinicalSystem) -> None:
    for query in ("Patient?identifier:missing=true", "Task?patient.identifier:missing=false"):
        assert issues(everything.get(f"/fhir/R4/{query}"), 400)


def test_the_audit_says_by_missing_what_it_shows(everything: cast.ClinicalSystem) -> None:
    for name, element in (("entity", "entity"), ("date", "recorded")):
        with_it = list(_all(everything, f"AuditEvent?{name}:missing=false&_count=100"))
        without = list(_all(everything, f"AuditEvent?{name}:missing=true&_count=100"))

        assert with_it
        assert all(element in one for one in with_it)
        assert not any(element in one for one in without)
