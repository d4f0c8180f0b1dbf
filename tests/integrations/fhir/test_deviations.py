"""What real senders write otherwise: understood with a warning, refused for a strict client."""

from typing import Any

import pytest
from pytest_django import Settings

from integrations.fhir import checking, patient
from tests.integrations.fhir.cast import a_patient, places, refusal

WRONG = "9990000019"
FULFIL = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}
TASK = {
    "resourceType": "Task",
    "status": "requested",
    "intent": "order",
    "code": FULFIL,
    "authoredOn": "2026-11-01",
    "requester": {"display": "A"},
}


def _identified(system: str, value: str = "9990000018") -> dict[str, Any]:
    return a_patient(identifier=[{"system": system, "value": value}])


def _severities(resource: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Of a tolerant and of a strict check: where, and how severe."""
    tolerant, strict = (
        checking.check(resource, resource_type=resource["resourceType"], is_strict=is_strict)
        for is_strict in (False, True)
    )
    assert places(tolerant) == places(strict)
    return [
        (mild.expression, mild.severity, hard.severity)
        for mild, hard in zip(tolerant, strict, strict=True)
    ]


@pytest.mark.parametrize(
    "system",
    [
        "http://fhir.nhs.uk/Id/nhs-number",
        "http://fhir.nhs.net/Id/nhs-number",
        "https://fhir.nhs.uk/id/nhs-number",
        "https://fhir.nhs.uk/id/ods-organization-code",
        "https://fhir.nhs.uk/Id/ods-organisation-code",
        "http://fhir.nhs.uk/Id/product-id",
        "http://fhir.nhs.uk/Id/dos-service-id",
    ],
)
def test_another_spelling_of_a_system_is_a_warning_and_for_a_strict_client_an_error(
    system: str,
) -> None:
    assert _severities(_identified(system)) == [
        ("Patient.identifier[0].system", "warning", "error")
    ]


@pytest.mark.parametrize(
    "system",
    [
        "https://fhir.nhs.uk/Id/nhs-number",
        "https://fhir.nhs.uk/Id/ods-organization-code",
        "https://fhir.nhs.uk/id/product-id",
        "https://fhir.nhs.uk/id/dos-service-id",
        "http://practice.example/id/patient",
    ],
)
def test_a_system_as_published_is_none(system: str) -> None:
    assert _severities(_identified(system)) == []


def test_a_code_system_is_treated_alike() -> None:
    coding = {"system": "https://fhir.nhs.uk/Codesystem/http-error-codes", "code": "REC_NOT_FOUND"}
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "not-found", "details": {"coding": [coding]}}],
    }

    assert _severities(outcome) == [
        ("OperationOutcome.issue[0].details.coding[0].system", "warning", "error")
    ]


@pytest.mark.parametrize(
    ("elements", "at"),
    [
        ({"status": "received"}, ["Task.status"]),
        ({"status": "ready"}, ["Task.status"]),
        ({"authoredOn": None, "requester": None}, ["Task.authoredOn", "Task.requester"]),
        ({"statusReason": {"coding": [{"code": "x"}]}}, ["Task.statusReason"]),
        ({"status": "ready", "code": {"text": "Something else"}}, []),
        ({}, []),
    ],
)
def test_a_task_that_fulfils_a_referral_keeps_to_the_guide(
    elements: dict[str, Any], at: list[str]
) -> None:
    task = {name: value for name, value in (TASK | elements).items() if value is not None}

    assert _severities(task) == [(place, "warning", "error") for place in at]


def test_a_wrong_check_digit_is_refused() -> None:
    sent = _identified("https://fhir.nhs.uk/Id/nhs-number", WRONG)

    refused = refusal(lambda: patient.read(sent))

    assert places(refused.findings) == [("value", "Patient.identifier[0].value")]


def test_a_wrong_check_digit_of_test_data_identifies_nobody(settings: Settings) -> None:
    settings.TOLERATE_WRONG_CHECK_DIGITS = True
    sent = _identified("https://fhir.nhs.uk/Id/nhs-number", WRONG)

    assert patient.read(sent).nhs_number == ""
    assert _severities(sent) == [("Patient.identifier[0].value", "warning", "error")]


@pytest.mark.parametrize("value", ["999 000 0018", "99900000", "x"])
def test_what_is_no_number_of_ten_digits_is_refused_everywhere(
    value: str, settings: Settings
) -> None:
    settings.TOLERATE_WRONG_CHECK_DIGITS = True
    sent = _identified("https://fhir.nhs.uk/Id/nhs-number", value)

    refused = refusal(lambda: patient.read(sent))

    assert places(refused.findings) == [("value", "Patient.identifier[0].value")]


def test_a_deviation_is_told_without_the_value() -> None:
    [finding] = checking.check(
        _identified("http://fhir.nhs.uk/Id/Rowan-Testfield"), resource_type="Patient"
    )

    assert "Rowan" not in finding.text + finding.expression
