"""$validate tells what a create or an update would be told, for every type."""

from typing import Any

import pytest

from integrations.fhir import validating
from integrations.fhir.outcome import Finding
from integrations.fhir.validating import Wanted
from tests.integrations.fhir.cast import BASE_URL, a_patient, a_referral, example, places, refusal
from tests.integrations.fhir.reading import TAKES

R4 = "http://hl7.org/fhir/StructureDefinition"
OWN = f"{BASE_URL}/fhir/R4/StructureDefinition"


def _validate(resource: dict[str, Any], **said: Any) -> list[Finding]:
    is_strict = said.pop("is_strict", False)
    return validating.validate(
        Wanted(resource=resource, **said),
        resource_type=resource["resourceType"],
        takes=TAKES,
        is_strict=is_strict,
        base_url=BASE_URL,
    )


def _faults(resource: dict[str, Any], **said: Any) -> list[tuple[str, str]]:
    return places(finding for finding in _validate(resource, **said) if finding.is_error)


@pytest.mark.parametrize("name", ["referral", "patient", "transaction"])
def test_what_would_be_taken_has_no_faults(name: str) -> None:
    assert _faults(example(name)) == []


def test_what_is_tolerated_is_told_as_a_warning_and_to_the_strict_as_an_error() -> None:
    assert {finding.severity for finding in _validate(a_referral())} == {"warning"}
    assert {finding.severity for finding in _validate(a_referral(), is_strict=True)} == {"error"}


def test_faults_of_every_step_are_told_together() -> None:
    sent = a_referral(colour="red", priority="soon", intent="proposal")

    assert _faults(sent) == [
        ("structure", "ServiceRequest.colour"),
        ("code-invalid", "ServiceRequest.priority"),
        ("business-rule", "ServiceRequest.intent"),
    ]


@pytest.mark.parametrize(
    ("resource", "faults"),
    [
        ({"resourceType": "Organization", "name": "A"}, []),
        ({"resourceType": "Organization"}, [("invariant", "Organization")]),
        ({"resourceType": "Observation", "status": "x"}, [
            ("required", "Observation.code"),
            ("code-invalid", "Observation.status"),
        ]),
    ],
)  # fmt: skip
def test_a_type_that_is_not_taken_is_validated_by_r4(
    resource: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert _faults(resource) == faults


@pytest.mark.parametrize(
    ("profile", "faults"),
    [
        ("", [("business-rule", "ServiceRequest.intent")]),
        (f"{OWN}/peer-support-referral", [("business-rule", "ServiceRequest.intent")]),
        (f"{OWN}/peer-support-referral|1.0", [("business-rule", "ServiceRequest.intent")]),
        (f"{R4}/ServiceRequest", []),
        (f"{R4}/Patient", [("not-supported", "")]),
        (f"{OWN}/referred-patient", [("not-supported", "")]),
        ("https://fhir.hl7.org.uk/StructureDefinition/UKCore-ServiceRequest", [("not-supported", "")]),
    ],
)  # fmt: skip
def test_a_profile_says_how_much_is_asked(profile: str, faults: list[tuple[str, str]]) -> None:
    assert _faults(a_referral(intent="proposal"), profile=profile) == faults


@pytest.mark.parametrize(
    ("mode", "faults"),
    [
        ("create", [("business-rule", "ServiceRequest.status")]),
        ("update", []),
        ("delete", [("not-supported", "")]),
        ("profile", [("required", "")]),
        ("erase", [("code-invalid", "")]),
    ],
)
def test_the_mode_says_as_what(mode: str, faults: list[tuple[str, str]]) -> None:
    assert _faults(a_referral(status="revoked"), mode=mode) == faults


def test_a_task_is_read_as_new_or_as_amended() -> None:
    task = {"resourceType": "Task", "status": "cancelled", "intent": "order"}

    assert _faults(task, mode="update") == []
    assert ("business-rule", "Task.status") in _faults(task)


def test_another_type_than_the_address_says_is_a_fault() -> None:
    found = validating.validate(
        Wanted(resource=a_patient()), resource_type="ServiceRequest", takes=TAKES, base_url=BASE_URL
    )

    assert places(found) == [("invalid", "ServiceRequest")]


# The body


def test_a_resource_may_come_bare_and_the_address_says_the_rest() -> None:
    sent = a_patient()

    assert validating.wanted(sent, mode="update", profile="p") == Wanted(
        resource=sent, mode="update", profile="p"
    )


@pytest.mark.parametrize("name", ["valueUri", "valueCanonical"])
def test_a_resource_may_come_in_parameters(name: str) -> None:
    sent = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "resource", "resource": a_patient()},
            {"name": "mode", "valueCode": "create"},
            {"name": "profile", name: "p"},
        ],
    }

    assert validating.wanted(sent, mode="update") == Wanted(
        resource=a_patient(), mode="create", profile="p"
    )


@pytest.mark.parametrize("parameter", [[], 5, [{"name": "resource", "valueString": "x"}]])
def test_parameters_without_a_resource_are_refused(parameter: Any) -> None:
    refused = refusal(
        lambda: validating.wanted({"resourceType": "Parameters", "parameter": parameter})
    )

    assert (refused.status, places(refused.findings)) == (
        400,
        [("required", "Parameters.parameter")],
    )
