"""References and contained resources: what may be pointed at, and that it is there."""

import time
from typing import Any

import pytest

from tests.integrations.fhir.cast import a_referral, check, example


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Organization/1"},
        {"reference": "Group/1"},
        {"reference": "https://other.example/fhir/Organization/1/_history/2"},
        {"reference": "#role"},
        {"reference": "Organization?identifier=x"},
    ],
)
def test_the_subject_of_a_referral_is_a_patient(subject: dict[str, Any]) -> None:
    assert check(a_referral(subject=subject)) == [("value", "ServiceRequest.subject.reference")]


def test_the_named_type_of_a_reference_is_checked_too() -> None:
    sent = a_referral(subject={"type": "Group", "display": "All"})

    assert check(sent) == [("value", "ServiceRequest.subject.type")]


def test_a_requester_is_one_of_the_types_r4_names() -> None:
    sent = a_referral(requester={"reference": "Location/1"})

    assert check(sent) == [("value", "ServiceRequest.requester.reference")]


@pytest.mark.parametrize(
    "reference",
    ["Patient/45/_history/2", "https://a.example/Patient/45", "urn:uuid:x", "urn:oid:1.2.3",
     "Patient?identifier=x", "https://a.example/anything", "http://a.example/x/Encounters/1"],
)  # fmt: skip
def test_references_of_every_form_are_taken(reference: str) -> None:
    assert check(a_referral(subject={"reference": reference})) == []


@pytest.mark.parametrize("reference", ["Patient", "Ecounter/1", "45", "Patient/", "Patient/a b"])
def test_a_relative_reference_is_a_type_and_an_id(reference: str) -> None:
    sent = a_referral(subject={"reference": reference})

    assert check(sent) == [("value", "ServiceRequest.subject.reference")]


def test_a_contained_resource_that_is_referred_to_must_be_there() -> None:
    sent = a_referral(subject={"reference": "#nobody"})

    assert check(sent) == [("not-found", "ServiceRequest.subject.reference")]


def test_a_contained_resource_may_refer_to_its_container() -> None:
    sent = a_referral(basedOn=[{"reference": "#"}])

    assert check(sent) == []


def test_contained_resources_are_looked_up_in_their_own_bundle_entry() -> None:
    bundle = example("transaction")
    bundle["entry"][0]["resource"]["subject"] = {"reference": "#patient"}
    other = bundle["entry"][1]["resource"]
    other["contained"] = [{"resourceType": "Patient", "id": "patient"}]
    other["link"] = [{"other": {"reference": "#patient"}, "type": "seealso"}]

    assert check(bundle) == [("not-found", "Bundle.entry[0].resource.subject.reference")]


def test_a_contained_resource_must_not_contain_another() -> None:
    sent = a_referral()
    container = {"url": "https://example.org/x", "valueReference": {"reference": "#"}}
    inner = {"resourceType": "Patient", "id": "inner", "extension": [container]}
    sent["contained"][0]["contained"] = [inner]

    assert check(sent) == [("invariant", "ServiceRequest.contained[0].contained")]


def test_a_contained_resource_needs_an_id_of_its_own() -> None:
    sent = a_referral()
    sent["requester"] = {"display": "A"}
    sent["contained"][1] = {"resourceType": "Practitioner"}
    sent["contained"][2]["id"] = "patient"

    assert check(sent) == [
        ("invariant", "ServiceRequest.contained[2].id"),
        ("invariant", "ServiceRequest.contained[1].id"),
    ]


def test_a_contained_resource_that_nothing_refers_to_is_named() -> None:
    unused = {"resourceType": "Practitioner", "id": "unused"}
    pointing = {"resourceType": "Provenance", "id": "pointing"} | {
        "target": [{"reference": "#"}],
        "recorded": "2026-11-01T09:00:00Z",
        "agent": [{"who": {"display": "A"}}],
    }
    sent = a_referral()
    sent["contained"] += [unused, pointing]

    assert check(sent) == [("invariant", "ServiceRequest.contained[3]")]


@pytest.mark.parametrize(
    ("meta", "name"),
    [
        ({"versionId": "1"}, "versionId"),
        ({"lastUpdated": "2026-11-01T09:00:00Z"}, "lastUpdated"),
        ({"security": [{"code": "R"}]}, "security"),
    ],
)
def test_a_contained_resource_has_no_version_and_no_label(meta: dict[str, Any], name: str) -> None:
    sent = a_referral()
    sent["contained"][0]["meta"] = meta

    assert check(sent) == [("invariant", f"ServiceRequest.contained[0].meta.{name}")]


@pytest.mark.parametrize("subject", ["Organization/1", "Procedure/1"])
def test_where_r4b_allows_more_than_r4_the_targets_are_those_of_r4(subject: str) -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": subject},
    }

    assert check(observation) == [("value", "Observation.subject.reference")]


def test_many_references_to_many_contained_resources_take_linear_time() -> None:
    many = range(8_000)
    sent = a_referral(
        subject={"reference": "#p0"},
        requester={"display": "A"},
        contained=[{"resourceType": "Patient", "id": f"p{i}"} for i in many],
        basedOn=[{"reference": f"#p{i}"} for i in many],
    )
    begun = time.process_time()

    check(sent)

    assert time.process_time() - begun < 10
