"""The CapabilityStatement tells the truth: what it names is there, and what it does not name is not."""

import json
from typing import Any
from uuid import uuid4

import pytest

from integrations.fhir.capability import SORTABLE
from tests import cast
from tests.api.answers import issues
from tests.integrations.fhir.cast import check

pytestmark = pytest.mark.django_db

ADDRESSES = {
    "read": ("get", "{type}/{id}"),
    "vread": ("get", "{type}/{id}/_history/1"),
    "update": ("put", "{type}/{id}"),
    "patch": ("patch", "{type}/{id}"),
    "delete": ("delete", "{type}/{id}"),
    "history-instance": ("get", "{type}/{id}/_history"),
    "history-type": ("get", "{type}/_history"),
    "create": ("post", "{type}"),
    "search-type": ("get", "{type}"),
}


@pytest.fixture
def everything(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A system whose token covers whatever there is."""
    return cast.clinical_system(gp_system.organisation, scope="system/*.cruds")


@pytest.fixture
def rest(everything: cast.ClinicalSystem) -> dict[str, Any]:
    """What the statement says of the REST interface."""
    statement = json.loads(everything.http.get("/fhir/R4/metadata").content)
    assert check(statement) == []
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"].endswith("/fhir/R4")
    [found] = statement["rest"]
    return dict(found)


def _ask(system: cast.ClinicalSystem, resource_type: str, code: str) -> Any:
    verb, address = ADDRESSES[code]
    place = "/fhir/R4/" + address.format(type=resource_type, id=uuid4())
    headers = {"Authorization": f"Bearer {system.token or system.sign_in()}"}
    media_type = "application/json-patch+json" if verb == "patch" else cast.FHIR_JSON
    body = {} if verb == "get" else {"data": b"{}", "content_type": media_type}
    return getattr(system.http, verb)(place, headers=headers, **body)


def test_every_interaction_that_is_named_is_served_and_no_other(
    everything: cast.ClinicalSystem, rest: dict[str, Any]
) -> None:
    wrong = []
    for resource in rest["resource"]:
        named = {interaction["code"] for interaction in resource.get("interaction", [])}
        for code in ADDRESSES:
            answer = _ask(everything, resource["type"], code)
            text = json.loads(answer.content)["issue"][0] if answer.status_code >= 400 else {}
            is_served = answer.status_code != 405 and text.get("code") != "not-supported"
            if code == "history-type":
                is_served = answer.status_code == 200  # otherwise it is the read of an odd id
            if is_served != (code in named):
                wrong.append((resource["type"], code, answer.status_code))

    assert wrong == []


def test_every_parameter_that_is_named_is_searched_by(
    everything: cast.ClinicalSystem, rest: dict[str, Any]
) -> None:
    values = {"date": "2026", "reference": f"Patient/{uuid4()}", "token": "x", "string": "x"}
    for resource in rest["resource"]:
        if {"code": "search-type"} not in resource.get("interaction", []):
            continue
        for parameter in resource.get("searchParam", []):
            value = values.get(parameter["type"], "https://x.example/x")
            address = f"/fhir/R4/{resource['type']}?{parameter['name']}={value}"

            assert everything.get(address).status_code == 200, address
        unknown = everything.get(f"/fhir/R4/{resource['type']}?colour=blue")
        assert issues(unknown, 400)


def test_every_include_that_is_named_is_understood(
    everything: cast.ClinicalSystem, rest: dict[str, Any]
) -> None:
    for resource in rest["resource"]:
        for name, key in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
            for include in resource.get(key, []):
                address = f"/fhir/R4/{resource['type']}?{name}={include}"

                assert everything.get(address).status_code == 200, address


def test_every_order_that_is_named_is_served_and_no_other(
    everything: cast.ClinicalSystem, rest: dict[str, Any]
) -> None:
    named, served = set(), set()
    for resource in rest["resource"]:
        if "search-type" not in str(resource.get("interaction")):
            continue
        for parameter in resource["searchParam"]:
            order = (resource["type"], parameter["name"])
            answer = everything.get(f"/fhir/R4/{order[0]}?_sort=-{order[1]}")
            named |= {order} if parameter.get("documentation") == SORTABLE else set()
            served |= {order} if answer.status_code == 200 else set()

    assert named == served
    assert named > {
        ("Task", "authored-on"),
        ("Task", "modified"),
        ("ServiceRequest", "authored"),
        ("Provenance", "recorded"),
        ("AuditEvent", "date"),
        ("Patient", "_lastUpdated"),
    }


def test_the_profiles_that_are_named_are_there_and_known_to_validate(
    everything: cast.ClinicalSystem, rest: dict[str, Any]
) -> None:
    named = {
        (resource["type"], profile)
        for resource in rest["resource"]
        for profile in resource.get("supportedProfile", ())
    }

    assert {kind for kind, _ in named} == {"Patient", "ServiceRequest", "Task", "Bundle"}
    for kind, profile in named:
        definition = everything.get(profile.removeprefix("http://127.0.0.1:8000"))
        assert json.loads(definition.content)["url"] == profile
        asked = everything.post(
            f"/fhir/R4/{kind}/$validate?profile={profile}", {"resourceType": kind}
        )
        assert "not-supported" not in str(json.loads(asked.content)["issue"])


def test_messages_are_taken_where_the_statement_says(everything: cast.ClinicalSystem) -> None:
    statement = json.loads(everything.http.get("/fhir/R4/metadata").content)

    [messaging] = statement["messaging"]

    [endpoint] = messaging["endpoint"]
    place = endpoint["address"].removeprefix("http://127.0.0.1:8000")
    [issue] = issues(everything.post(place, {"resourceType": "Bundle", "type": "batch"}), 400)
    assert "MessageHeader" in issue["diagnostics"]
    assert "servicerequest-request, new, active" in messaging["documentation"]
    assert "servicerequest-response" not in messaging["documentation"]


def test_what_no_subscription_tells_of_is_said(rest: dict[str, Any]) -> None:
    [subscription] = [one for one in rest["resource"] if one["type"] == "Subscription"]

    assert "SubscriptionTopic/task-changed" in subscription["documentation"]
    assert (
        "No topic tells of the Tasks that the practice is asked to do"
        in subscription["documentation"]
    )


def test_the_token_endpoint_is_where_old_clients_look_for_it(rest: dict[str, Any]) -> None:
    [uris] = rest["security"]["extension"]

    assert uris["extension"][0]["url"] == "token"
    assert uris["extension"][0]["valueUri"].endswith("/oauth2/token")


def test_what_belongs_to_a_patient_is_found_under_the_patient(
    gp_system: cast.ClinicalSystem, person: Any, rest: dict[str, Any]
) -> None:
    made = json.loads(gp_system.refer(person).content)
    task = json.loads(gp_system.get(f"/fhir/R4/Task/{made['id']}").content)
    patient = task["for"]["reference"]

    assert rest["compartment"] == ["http://hl7.org/fhir/CompartmentDefinition/patient"]
    for kind in ("ServiceRequest", "Task", "Provenance"):
        found = json.loads(gp_system.get(f"/fhir/R4/{patient}/{kind}").content)
        nobodys = json.loads(gp_system.get(f"/fhir/R4/Patient/{uuid4()}/{kind}").content)
        assert (found["total"], nobodys["total"]) == (1, 0), kind


def test_a_condition_in_the_address_of_a_create_is_a_condition(
    gp_system: cast.ClinicalSystem, person: Any
) -> None:
    sent = cast.referral_for(person, identifier="R-9")
    address = "/fhir/R4/ServiceRequest?identifier=https://gp.example/referral|R-9"

    first, second = gp_system.post(address, sent), gp_system.post(address, sent)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first["Location"] == second["Location"]
