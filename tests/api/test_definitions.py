"""What this service defines is published at its canonical: sound R4, complete, and as it is enforced."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve
from django.utils.timezone import localdate

from api.fhir.metadata import NotServed
from communities.models import Capacity, Community
from config.fictional import Person
from integrations.fhir.definitions import catalogue
from referrals.models import PracticeTask, PracticeTaskKind
from tests import cast
from tests.api.answers import issues
from tests.integrations.fhir.cast import check
from tests.referrals import steps

pytestmark = pytest.mark.django_db

Resource = dict[str, Any]
BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
_OURS = re.compile(rf"{re.escape(BASE)}/({'|'.join(catalogue.TYPES)})/[^|?#]+")
_PAGE = Path(__file__).parents[2] / "docs" / "directory-data.md"
# Columns of the directory whose values are codes of ours, and the code system of each.
_COLUMNS = {
    "kind": "community-kind",
    "audience": "audience",
    "moderated_by": "moderated-by",
    "moderation_model": "moderation-model",
    "cover": "moderator-cover",
    "access": "community-access",
    "anonymity": "anonymity",
    "search_visibility": "search-visibility",
    "format": "community-format",
    "state": "listing-state",
}


def _read(place: str, **headers: str) -> Resource:
    """What stands at an address of this server, for somebody without a token."""
    answer = Client().get(place.removeprefix(settings.PUBLIC_BASE_URL), headers=headers)
    assert answer.status_code == 200, (place, answer.content)
    found: Resource = json.loads(answer.content)
    return found


def _all(resource_type: str) -> list[Resource]:
    return [entry["resource"] for entry in _read(f"/fhir/R4/{resource_type}").get("entry", [])]


def _codes(key: str) -> set[str]:
    return {concept["code"] for concept in _read(f"/fhir/R4/CodeSystem/{key}")["concept"]}


def _every(value: Any) -> Iterator[Any]:
    yield value
    members = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    for member in members:
        yield from _every(member)


def _canonicals(resource: Any) -> set[str]:
    texts = (value for value in _every(resource) if isinstance(value, str))
    return {found[0] for text in texts if (found := _OURS.match(text))}


@pytest.mark.parametrize("resource_type", catalogue.TYPES)
def test_every_definition_is_sound_and_stands_at_its_canonical(resource_type: str) -> None:
    definitions = _all(resource_type)

    assert definitions
    for definition in definitions:
        assert check(definition) == [], definition["id"]
        assert definition["url"] == f"{BASE}/{resource_type}/{definition['id']}"
        assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", definition["name"])
        assert _read(definition["url"]) == definition


def test_what_definitions_refer_to_is_published_too() -> None:
    named = {name for kind in catalogue.TYPES for one in _all(kind) for name in _canonicals(one)}

    published = {one["url"] for kind in catalogue.TYPES for one in _all(kind)}
    assert named == published


def test_what_is_not_defined_is_not_found() -> None:
    assert issues(Client().get("/fhir/R4/CodeSystem/colours"), 404)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_definitions_are_only_read(gp_system: cast.ClinicalSystem, method: str) -> None:
    answer = getattr(Client(), method)("/fhir/R4/CodeSystem/condition")

    assert issues(answer, 405)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"url={BASE}/CodeSystem/condition", ["condition"]),
        ("_id=condition", ["condition"]),
        ("_id=condition,business-status", ["business-status", "condition"]),
        (
            "name=Moderat",
            ["moderation-tier", "moderated-by", "moderation-model", "moderator-cover"],
        ),
        ("name=moderat&_id=moderated-by", ["moderated-by"]),
        ("_id=colours", []),
        ("_count=0", []),
    ],
)
def test_definitions_are_searched_by_what_names_them(query: str, found: list[str]) -> None:
    bundle = _read(f"/fhir/R4/CodeSystem?{query}")

    assert [entry["resource"]["id"] for entry in bundle.get("entry", [])] == found
    assert bundle["total"] == (len(found) or len(_all("CodeSystem")) * (query == "_count=0"))
    assert check(bundle) == []


def test_definitions_come_in_pages() -> None:
    first = _read("/fhir/R4/ValueSet?_count=15")
    [following] = [link["url"] for link in first["link"] if link["relation"] == "next"]

    second = _read(following)

    ids = [entry["resource"]["id"] for entry in first["entry"] + second["entry"]]
    assert ids == [one["id"] for one in _all("ValueSet")]
    assert [link["relation"] for link in second["link"]] == ["self"]


def test_definitions_are_searched_by_post() -> None:
    form = "application/x-www-form-urlencoded"

    answer = Client().post("/fhir/R4/ValueSet/_search", "_id=referral-code", content_type=form)
    wrong = Client().post("/fhir/R4/ValueSet/_search", {}, content_type="application/json")

    assert json.loads(answer.content)["total"] == 1
    assert issues(wrong, 415)


@pytest.mark.parametrize("query", ["colour=blue", "url=", "_count=x", "_offset=-1"])
def test_a_search_that_is_not_understood_is_refused(query: str) -> None:
    assert issues(Client().get(f"/fhir/R4/CodeSystem?{query}"), 400)


def test_a_lenient_search_is_told_what_was_left_out() -> None:
    bundle = _read("/fhir/R4/CodeSystem?colour=blue&_id=audience", Prefer="handling=lenient")

    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match", "outcome"]
    assert "colour" not in bundle["link"][0]["url"]


# What is written is defined


@pytest.fixture
def sample(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> list[Resource]:
    """What a clinical system gets to see on an ordinary day, of every kind."""
    needy = cast.referral_for(person) | {
        "extension": [
            {
                "url": f"{BASE}/StructureDefinition/peer-support-need",
                "valueCoding": {"system": f"{BASE}/CodeSystem/peer-support-need", "code": "nights"},
            },
            {"url": f"{BASE}/StructureDefinition/acute-risk", "valueBoolean": False},
        ]
    }
    gp_system.post("/fhir/R4/ServiceRequest", needy)
    Community.objects.filter(key="f001").update(
        centre_latitude=51.5, centre_longitude=0.1, radius_km=20
    )
    today = localdate()
    Capacity.objects.create(
        community=Community.objects.get(key="f001"), stated_on=today, fresh_until=today
    )
    referral = steps.invited(gp_system, person, run_jobs)
    for kind in PracticeTaskKind:
        PracticeTask.objects.create(referral=referral, kind=kind, raised_at=referral.told_at)
    steps.joined(referral)
    need = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "condition", "valueCode": "depression"},
            {"name": "age", "valueInteger": 40},
            {"name": "includeRefused", "valueBoolean": True},
        ],
    }
    answers = [
        *(
            gp_system.get(f"/fhir/R4/{place}")
            for place in (
                "Patient",
                "ServiceRequest/_history",
                "Task/_history",
                "Provenance",
                "HealthcareService?_count=100",
                "Location?_count=100",
                "Organization",
                f"ServiceRequest/{referral.pk}/$available-actions",
                f"ServiceRequest/{referral.pk}/$events",
                "metadata",
            )
        ),
        gp_system.post("/fhir/R4/HealthcareService/$match", need),
    ]
    assert {answer.status_code for answer in answers} == {200}
    return [json.loads(answer.content) for answer in answers]


def test_every_canonical_of_ours_that_is_written_is_published(sample: list[Resource]) -> None:
    written = {name for resource in sample for name in _canonicals(resource)}

    assert {name.split("/")[-2] for name in written} == set(catalogue.TYPES) - {"ValueSet"}
    for name in written:
        assert _read(name)["url"] == name


def test_every_code_of_ours_that_is_written_is_in_its_code_system(sample: list[Resource]) -> None:
    written = {
        (value["system"].rpartition("/")[2], value["code"])
        for value in _every(sample)
        if isinstance(value, dict) and str(value.get("system")).startswith(f"{BASE}/CodeSystem/")
    }

    assert len({system for system, _ in written}) > 12
    assert {(key, code) for key, code in written if code not in _codes(key)} == set()


def test_every_extension_of_ours_is_written_as_it_is_defined(sample: list[Resource]) -> None:
    definitions = {one["url"]: one for one in _all("StructureDefinition")}
    written = [
        extension
        for value in _every(sample)
        if isinstance(value, dict)
        for extension in value.get("extension", ())
        if extension["url"] in definitions
    ]

    extensions = {url for url, one in definitions.items() if one["type"] == "Extension"}
    assert {extension["url"] for extension in written} == extensions
    for extension in written:
        elements = definitions[extension["url"]]["differential"]["element"]
        parts = {one["sliceName"]: one["min"] for one in elements if "sliceName" in one}
        sent = [part["url"] for part in extension.get("extension", ())]
        assert set(sent) <= set(parts)
        assert {name for name, least in parts.items() if least} <= set(sent)
        value = next(one for one in elements if one["id"] == "Extension.value[x]")
        assert any(name.startswith("value") for name in extension) == (value.get("min") == 1)


@pytest.mark.parametrize("column", _COLUMNS)
def test_the_codes_of_the_directory_are_those_that_its_page_lists(column: str) -> None:
    page = _PAGE.read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| `{column}` \| (.*?) \|$", page, re.MULTILINE)
    # What stands in brackets, or behind a colon or full stop, explains.
    listed = re.split(r"[:.] ?", re.sub(r"\(.*?\)", "", row))[0]
    words = {word.strip() for word in listed.split(",")}

    assert _codes(_COLUMNS[column]) == {word for word in words if word != "unknown"}


# Operations


def test_every_operation_of_ours_is_defined_as_it_is_routed() -> None:
    [rest] = _read("/fhir/R4/metadata")["rest"]
    stated = {
        (operation["definition"], one["type"], operation["name"])
        for one in rest["resource"]
        for operation in one.get("operation", ())
        if operation["definition"].startswith(BASE)
    }

    defined = {
        (one["url"], kind, one["code"])
        for one in _all("OperationDefinition")
        for kind in one["resource"]
    }

    assert stated == defined
    for one in _all("OperationDefinition"):
        assert (one["system"], one["type"] != one["instance"]) == (False, True)
        for kind in one["resource"]:
            levels = {"type": f"/fhir/R4/{kind}/", "instance": f"/fhir/R4/{kind}/{uuid4()}/"}
            routed = {level: _is_operation(f"{at}${one['code']}") for level, at in levels.items()}
            assert routed == {level: one[level] for level in levels}, one["id"]


def _is_operation(path: str) -> bool:
    match = resolve(path)
    return match.func.view_class is not NotServed and "$" in match.route  # type: ignore[attr-defined]


# Profiles


def _task(person: Person) -> Resource:
    sent = cast.referral_for(person)
    inside = sent.pop("contained")
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "fulfill"}]},
        "focus": {"reference": "#sr"},
        "authoredOn": "2026-09-07T12:00:00Z",
        "requester": {"display": "Dr Example"},
        "contained": [sent | {"id": "sr"}, *inside],
    }


def _transaction(person: Person) -> Resource:
    entry = {
        "resource": cast.referral_for(person),
        "request": {"method": "POST", "url": "ServiceRequest"},
    }
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def _patient(person: Person) -> Resource:
    patient: Resource = cast.referral_for(person)["contained"][0]
    del patient["id"]
    return patient


GOOD: dict[str, Callable[[Person], Resource]] = {
    "peer-support-referral": cast.referral_for,
    "referred-patient": _patient,
    "referral-task": _task,
    "referral-transaction": _transaction,
}


def _verdict(gp_system: cast.ClinicalSystem, resource: Resource, profile: str) -> set[str]:
    """The severities of what is found when a resource is validated against one of our profiles."""
    kind = resource["resourceType"]
    address = f"/fhir/R4/{kind}/$validate?profile={BASE}/StructureDefinition/{profile}"
    answer = gp_system.post(address, resource)
    assert answer.status_code == 200, answer.content
    return {issue["severity"] for issue in json.loads(answer.content)["issue"]}


def _without(resource: Resource, path: str) -> Resource:
    """A copy of the resource without the element at a path such as ``entry.request``."""
    copied = copy.deepcopy(resource)
    *parents, last = path.split(".")
    at: Any = copied
    for name in parents:
        at = at[name][0]
    del at[last]
    return copied


def test_each_profile_has_an_example_here() -> None:
    profiles = {one["id"] for one in _all("StructureDefinition") if one["kind"] == "resource"}

    assert profiles == set(GOOD)


@pytest.mark.parametrize("profile", GOOD)
def test_what_a_profile_requires_is_enforced(
    gp_system: cast.ClinicalSystem, person: Person, profile: str
) -> None:
    definition = _read(f"/fhir/R4/StructureDefinition/{profile}")
    good = GOOD[profile](person)

    required = [
        element["path"].partition(".")[2]
        for element in definition["differential"]["element"]
        if element.get("min")
    ]

    assert required
    assert "error" not in _verdict(gp_system, good, profile)
    for path in required:
        assert "error" in _verdict(gp_system, _without(good, path), profile), path


@pytest.mark.parametrize(
    ("profile", "change"),
    [
        ("peer-support-referral", {"reasonCode": [{"text": "low mood"}]}),
        ("peer-support-referral", {"reasonCode": [{"coding": [{"code": "35489007"}]}]}),
        (
            "peer-support-referral",
            {
                "identifier": [
                    {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}
                ]
            },
        ),
        ("peer-support-referral", {"subject": {"display": "Somebody"}, "contained": None}),
        ("peer-support-referral", {"status": "unknown"}),
        ("peer-support-referral", {"intent": "proposal"}),
        ("peer-support-referral", {"doNotPerform": True}),
        (
            "peer-support-referral",
            {"code": {"coding": [{"system": "urn:x", "code": "peer-support"}]}},
        ),
        ("peer-support-referral", {"subject": {"reference": "Group/1"}, "contained": None}),
        ("referral-task", {"intent": "plan"}),
        ("referral-task", {"code": {"coding": [{"system": TASK_CODE, "code": "approve"}]}}),
        ("referral-task", {"focus": {"reference": "Patient/1"}, "contained": None}),
        ("referral-transaction", {"type": "collection"}),
    ],
)
def test_what_else_a_profile_says_is_enforced(
    gp_system: cast.ClinicalSystem, person: Person, profile: str, change: Resource
) -> None:
    changed = {n: v for n, v in (GOOD[profile](person) | change).items() if v is not None}

    assert "error" in _verdict(gp_system, changed, profile)


@pytest.mark.parametrize("key", ["referral-intent", "referral-status", "referral-code"])
def test_every_code_of_a_bound_value_set_is_taken(
    gp_system: cast.ClinicalSystem, person: Person, key: str
) -> None:
    element = key.removeprefix("referral-")
    for include in _read(f"/fhir/R4/ValueSet/{key}")["compose"]["include"]:
        for concept in include.get("concept", [{"code": "peer-support"}]):
            coding = {"system": include["system"], "code": concept["code"]}
            code = {"coding": [coding]} if element == "code" else concept["code"]
            sent = cast.referral_for(person) | {element: code}

            answer = gp_system.post("/fhir/R4/ServiceRequest/$validate?mode=update", sent)

            found = json.loads(answer.content)["issue"]
            assert [issue for issue in found if issue["severity"] == "error"] == [], coding


def test_every_reason_that_is_published_leads_to_a_condition(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    [include] = _read("/fhir/R4/ValueSet/referral-reason")["compose"]["include"]
    codes = [concept["code"] for concept in include["concept"]]
    # Some of them are taken only with this answer.
    no_risk = {"url": f"{BASE}/StructureDefinition/acute-risk", "valueBoolean": False}
    entries = [
        {
            "resource": cast.referral_for(person, snomed_code=code) | {"extension": [no_risk]},
            "request": {"method": "POST", "url": "ServiceRequest"},
        }
        for code in codes
    ]

    for first in range(0, len(entries), 100):
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries[first : first + 100]}
        assert "error" not in _verdict(gp_system, bundle, "referral-transaction")
