"""What is refused as R4, each rule by its name, with the place where it was broken."""

from typing import Any

import pytest

from integrations.fhir import checking, wire
from tests.integrations.fhir.cast import (
    a_patient,
    a_referral,
    check,
    example,
    places,
    refusal,
    without,
)
from tests.integrations.fhir.reading import take_in


@pytest.mark.parametrize("name", ["referral", "patient", "transaction"])
def test_a_sound_resource_has_no_findings(name: str) -> None:
    assert check(example(name)) == []


# Types


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ({}, "structure"),
        ({"resourceType": None}, "structure"),
        ({"resourceType": "Patient"}, "invalid"),
        ({"resourceType": ["ServiceRequest"]}, "invalid"),
        ({"resourceType": {"a": 1}}, "invalid"),
    ],
)
def test_the_resource_type_must_be_the_one_wanted(resource: dict[str, Any], code: str) -> None:
    findings = checking.check(resource, resource_type="ServiceRequest")

    assert [(f.code, f.expression) for f in findings] == [(code, "ServiceRequest")]


@pytest.mark.parametrize("name", ["Prescription", "Resource", "DomainResource", "HumanName", "", 7])
def test_an_unknown_contained_type_is_not_supported(name: Any) -> None:
    sent = a_referral(contained=[{"resourceType": name, "id": "x"}], requester={"display": "A"})

    assert ("not-supported", "ServiceRequest.contained[0]") in check(sent)


@pytest.mark.parametrize("name", ["Prescription", "Element"])
def test_an_unknown_type_in_a_bundle_entry_is_not_supported(name: str) -> None:
    bundle = example("transaction")
    bundle["entry"][1]["resource"] = {"resourceType": name}

    assert check(bundle) == [("not-supported", "Bundle.entry[1].resource")]


def test_a_type_that_is_missing_in_a_bundle_entry_is_named() -> None:
    bundle = example("transaction")
    del bundle["entry"][0]["resource"]["resourceType"]

    assert check(bundle) == [("structure", "Bundle.entry[0].resource")]


# Structure


@pytest.mark.parametrize("name", ["status", "intent", "subject"])
def test_a_required_element_is_missing(name: str) -> None:
    sent = without(a_referral(subject={"display": "A"}, requester={"display": "A"}), name)

    assert check(sent) == [("required", f"ServiceRequest.{name}")]


def test_a_required_primitive_may_be_an_extension_only() -> None:
    absent = {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]}

    assert check(without(a_referral(), "intent") | {"_intent": absent}) == []


def test_all_faults_are_told_at_once() -> None:
    sent = without(a_referral(colour="red", priority="soon", doNotPerform="true"), "status")

    assert set(check(sent)) == {
        ("required", "ServiceRequest.status"),
        ("structure", "ServiceRequest.colour"),
        ("code-invalid", "ServiceRequest.priority"),
        ("value", "ServiceRequest.doNotPerform"),
    }


def test_a_fault_in_a_bundle_is_named_from_the_bundle() -> None:
    bundle = example("transaction")
    bundle["entry"][1]["resource"]["birthDate"] = "1984-02-30"

    assert check(bundle) == [("value", "Bundle.entry[1].resource.birthDate")]


@pytest.mark.parametrize(
    ("elements", "finding"),
    [
        ({"fhir_comments": ["x"]}, ("structure", "Patient")),
        ({"name": [{"fhir_comments": "x"}]}, ("structure", "Patient.name[0]")),
        ({"nhs 9990000018": 1}, ("structure", "Patient")),
        ({"x" * 65: 1}, ("structure", "Patient")),
        ({"_name": [{"id": "x"}]}, ("structure", "Patient.name")),
        ({"__gender": {"id": "x"}}, ("structure", "Patient")),
        ({"": 1}, ("structure", "Patient")),
        ({"name": {"family": "A"}}, ("structure", "Patient.name")),
        ({"gender": ["male"]}, ("structure", "Patient.gender")),
        ({"name": ["A"]}, ("structure", "Patient.name[0]")),
        ({"maritalStatus": "M"}, ("structure", "Patient.maritalStatus")),
        ({"name": [["A"]]}, ("structure", "Patient.name[0]")),
        ({"resource_type": "Patient"}, ("structure", "Patient")),
    ],
)
def test_an_element_that_does_not_fit_the_type_is_refused(
    elements: dict[str, Any], finding: tuple[str, str]
) -> None:
    assert check(a_patient(**elements)) == [finding]


def test_a_choice_is_made_once() -> None:
    sent = a_patient(deceasedDateTime="2026-01-01")

    assert check(sent) == [("structure", "Patient.deceased")]


def test_a_required_choice_is_made() -> None:
    sent = a_referral(note=[{"authorString": "A", "authorReference": {"display": "A"}}])

    assert set(check(sent)) == {
        ("required", "ServiceRequest.note[0].text"),
        ("structure", "ServiceRequest.note[0].author"),
    }


# Checking and reading together


def test_faults_of_form_and_of_the_referral_come_in_one_answer() -> None:
    sent = a_referral(colour="red", status="unknown", intent="proposal")

    refused = refusal(lambda: take_in(wire.dump(sent), "ServiceRequest"))

    assert refused.status == 400
    assert places(finding for finding in refused.findings if finding.is_error) == [
        ("structure", "ServiceRequest.colour"),
        ("business-rule", "ServiceRequest.status"),
        ("business-rule", "ServiceRequest.intent"),
    ]


@pytest.mark.parametrize(
    ("elements", "status"),
    [
        ({"colour": "red"}, 400),
        ({"priority": "soon"}, 422),
        ({"intent": "proposal"}, 422),
        ({"priority": "soon", "intent": "proposal"}, 422),
        ({"priority": "soon", "authoredOn": "yesterday"}, 400),
    ],
)
def test_a_fault_of_form_is_400_and_one_of_content_422(
    elements: dict[str, Any], status: int
) -> None:
    refused = refusal(lambda: take_in(wire.dump(a_referral(**elements)), "ServiceRequest"))

    assert refused.status == status


def test_reading_does_not_repeat_what_the_checks_said_of_a_place() -> None:
    sent = without(a_referral(reasonCode=[{"coding": "x"}]), "status")

    refused = refusal(lambda: take_in(wire.dump(sent), "ServiceRequest"))

    assert places(finding for finding in refused.findings if finding.is_error) == [
        ("structure", "ServiceRequest.reasonCode[0].coding"),
        ("required", "ServiceRequest.status"),
    ]


def test_what_is_of_another_type_is_not_read() -> None:
    refused = refusal(lambda: take_in(b'{"resourceType":"Patient"}', "ServiceRequest"))

    assert places(refused.findings) == [("invalid", "ServiceRequest")]


# The second opinion of fhir.resources, for whatever the checks may one day overlook


def test_the_model_is_heard_with_a_path_and_in_our_words() -> None:
    findings = checking._second_opinion(a_patient(name=[{"given": 5}], birthDate="x"), "Patient")

    assert [(f.code, f.expression) for f in findings] == [
        ("structure", "Patient.birthDate"),
        ("structure", "Patient.name[0].given"),
    ]


@pytest.mark.parametrize(
    "elements", [{"contained": [{"resourceType": "Prescription"}]}, {"extension": "deep"}]
)
def test_what_the_model_lets_out_is_a_finding(elements: dict[str, Any]) -> None:
    if elements == {"extension": "deep"}:
        deep: dict[str, Any] = {"url": "x", "valueString": "x"}
        for _ in range(400):
            deep = {"url": "x", "extension": [deep]}
        elements = {"extension": [deep]}

    [finding] = checking._second_opinion(a_patient(**elements), "Patient")

    assert finding.expression == "Patient"


# Whatever it is given


def test_depth_without_end_is_a_finding() -> None:
    deep: dict[str, Any] = {"url": "x"}
    for _ in range(5000):
        deep = {"url": "x", "extension": [deep]}

    [(code, at)] = check(a_patient(extension=[deep]))

    assert code == "too-long"
    assert at.startswith("Patient.extension[0].extension[0]")


def test_a_ring_is_a_finding() -> None:
    ring: dict[str, Any] = {"url": "x"}
    ring["extension"] = [ring]

    assert [code for code, _ in check(a_patient(extension=[ring]))] == ["too-long"]


def test_the_list_of_findings_has_an_end() -> None:
    findings = checking.check(
        a_patient(**{f"x{i}": i for i in range(5000)}), resource_type="Patient"
    )

    assert len(findings) == 101
    assert "4900 more" in findings[-1].text


@pytest.mark.parametrize("odd", [object(), {1: 2}, {"a"}, b"x", float("nan"), 1j, "\ud800", (1,)])
@pytest.mark.parametrize("name", ["name", "birthDate", "id", "text", "contained", "active", "meta"])
def test_what_json_cannot_hold_is_a_finding_too(name: str, odd: Any) -> None:
    assert check(a_patient(**{name: odd}))


def test_findings_do_not_repeat_received_values() -> None:
    private = "Rowan9990000018"
    sent = a_patient(
        gender=private,
        birthDate=private,
        id=f"{private} ",
        telecom=[{"system": private}],
        name=private,
    )

    findings = checking.check(sent, resource_type="Patient")

    assert len(findings) == 5
    assert not any(private in finding.text + finding.expression for finding in findings)
