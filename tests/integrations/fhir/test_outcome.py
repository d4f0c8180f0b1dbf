"""How findings are told in FHIR."""

import pytest

from integrations.fhir import bindings, checking
from integrations.fhir.outcome import (
    Finding,
    Refused,
    malformed,
    operation_outcome,
    refusal,
    tolerated,
    unprocessable,
)

HTTP_ERROR_CODES = "https://fhir.nhs.uk/CodeSystem/http-error-codes"


def test_each_finding_is_an_issue_with_the_nhs_code_and_a_sentence() -> None:
    outcome = operation_outcome(
        [
            malformed("required", "Patient needs a name.", "Patient.name"),
            unprocessable("value", "No."),
        ]
    )

    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"] == [
        {
            "severity": "error",
            "code": "required",
            "details": {"coding": [{"system": HTTP_ERROR_CODES, "code": "REC_BAD_REQUEST"}]},
            "diagnostics": "Patient needs a name.",
            "expression": ["Patient.name"],
        },
        {
            "severity": "error",
            "code": "value",
            "details": {
                "coding": [{"system": HTTP_ERROR_CODES, "code": "REC_UNPROCESSABLE_ENTITY"}]
            },
            "diagnostics": "No.",
        },
    ]
    assert checking.check(outcome, resource_type="OperationOutcome") == []


def test_an_outcome_without_findings_is_still_valid() -> None:
    outcome = operation_outcome([])

    assert outcome["issue"][0]["severity"] == "information"
    assert checking.check(outcome, resource_type="OperationOutcome") == []


def test_a_refusal_carries_its_status_and_all_findings() -> None:
    findings = [malformed("value", "One."), malformed("value", "Two.")]

    refused = Refused(400, iter(findings))

    assert (refused.status, refused.findings) == (400, tuple(findings))
    assert str(refused) == "One. Two."


def test_a_warning_does_not_make_a_refusal_one_of_form() -> None:
    findings = [tolerated("value", "One."), unprocessable("value", "Two.")]

    assert refusal(findings).status == 422
    assert refusal(findings).findings == (findings[1], findings[0])
    assert refusal([*findings, malformed("value", "Three.")]).status == 400


def test_only_fatal_and_error_are_errors() -> None:
    severities = ("fatal", "error", "warning", "information")

    assert [Finding(s, "value", "").is_error for s in severities] == [True, True, False, False]


def test_the_issue_types_are_the_31_of_r4() -> None:
    assert len(bindings.ISSUE_TYPES) == 31


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("Patient.name[0].family", ["Patient.name[0].family"]),
        ("Patient." + "n" * 192, ["Patient." + "n" * 192]),
        ("Patient.name." + "n" * 200, ["Patient.name"]),
        ("Patient.na\x00me.family", ["Patient"]),
        ("Patient.n\u202eame", ["Patient"]),
        ("Patient\n", None),
        ("n" * 201, None),
    ],
)
def test_a_place_is_short_and_printable_or_the_one_around_it(
    expression: str, shown: list[str] | None
) -> None:
    [issue] = operation_outcome([malformed("structure", "No.", expression)])["issue"]

    assert issue.get("expression") == shown
