"""Single faults that well-known checkers let pass: each is refused, and named where it stands."""

from typing import Any

import pytest

from integrations.fhir import wire
from integrations.fhir.outcome import Refused
from tests.integrations.fhir.cast import a_patient, a_referral, check, places, refusal, without
from tests.integrations.fhir.reading import take_in

EXTENSION = "https://example.org/x"
POINTING = {"generalPractitioner": [{"reference": "#x"}]}
BOTH = {"valueString": "x", "extension": [{"url": "y", "valueString": "z"}]}

PATIENTS: dict[str, tuple[dict[str, Any], int, tuple[str, str]]] = {
    "a bogus required code": ({"gender": "m"}, 422, ("code-invalid", "gender")),
    "a wrong type of reference": (
        {"managingOrganization": {"reference": "Patient/1"}},
        422,
        ("value", "managingOrganization.reference"),
    ),
    "an unknown element": ({"colour": "red"}, 400, ("structure", "colour")),
    "an id of 65 characters": ({"id": "x" * 65}, 400, ("value", "id")),
    "null": ({"gender": None}, 400, ("invariant", "gender")),
    "a boolean in quotation marks": ({"active": "true"}, 400, ("value", "active")),
    "a number in quotation marks": (
        {"multipleBirthInteger": "5"},
        400,
        ("value", "multipleBirth"),
    ),
    "an empty string": ({"gender": ""}, 400, ("invariant", "gender")),
    "an empty list": ({"name": []}, 400, ("invariant", "name")),
    "an empty object": ({"name": [{}]}, 400, ("invariant", "name[0]")),
    "a day that is none": ({"birthDate": "2026-02-30"}, 400, ("value", "birthDate")),
    "a time without zone": (
        {"identifier": [{"period": {"start": "2026-02-01T09:00:00"}}]},
        400,
        ("value", "identifier[0].period.start"),
    ),
    "a choice made twice": (
        {"deceasedDateTime": "2026-02-01"},
        400,
        ("structure", "deceased"),
    ),
    "a reference to nothing": (
        {"managingOrganization": {"reference": "#nope"}},
        422,
        ("not-found", "managingOrganization.reference"),
    ),
    "script": (
        {
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">x<script>y</script></div>',
            }
        },
        422,
        ("security", "text.div"),
    ),
    "an extension without value": (
        {"extension": [{"url": EXTENSION}]},
        422,
        ("invariant", "extension[0]"),
    ),
    "an extension with value and extensions": (
        {"extension": [{"url": EXTENSION, **BOTH}]},
        422,
        ("invariant", "extension[0]"),
    ),
    "fhir_comments": ({"fhir_comments": ["x"]}, 400, ("structure", "")),
    "an unknown contained type": (
        {"contained": [{"resourceType": "Nope", "id": "x"}], **POINTING},
        400,
        ("not-supported", "contained[0]"),
    ),
    "a contained type that only R4B has": (
        {"contained": [{"resourceType": "Citation", "id": "x", "status": "draft"}], **POINTING},
        400,
        ("not-supported", "contained[0]"),
    ),
    "a value of a type that only R4B has": (
        {"extension": [{"url": EXTENSION, "valueCodeableReference": {"concept": {"text": "x"}}}]},
        400,
        ("structure", "extension[0].valueCodeableReference"),
    ),
}


@pytest.mark.parametrize("name", PATIENTS)
def test_a_patient_with_one_fault_is_refused(name: str) -> None:
    elements, status, (code, at) = PATIENTS[name]

    refused = refusal(lambda: take_in(wire.dump(a_patient(**elements)), "Patient"))

    assert (refused.status, _faults(refused)) == (status, [(code, f"Patient.{at}".rstrip("."))])


REFERRALS: dict[str, tuple[dict[str, Any], int, tuple[str, str]]] = {
    "details without a code (prr-1)": (
        without(a_referral(orderDetail=[{"text": "x"}]), "code"),
        422,
        ("invariant", "orderDetail"),
    ),
    "a missing element": (without(a_referral(), "intent"), 400, ("required", "intent")),
    "a status that is none": (a_referral(status="open"), 422, ("code-invalid", "status")),
    "an organisation as subject": (
        a_referral(subject={"reference": "Organization/1"}),
        422,
        ("value", "subject.reference"),
    ),
}


@pytest.mark.parametrize("name", REFERRALS)
def test_a_referral_with_one_fault_is_refused(name: str) -> None:
    sent, status, (code, at) = REFERRALS[name]

    refused = refusal(lambda: take_in(wire.dump(sent), "ServiceRequest"))

    assert refused.status == status
    assert _faults(refused)[0] == (code, f"ServiceRequest.{at}")


def test_a_contained_resource_in_a_contained_one_is_refused() -> None:
    sent = a_referral()
    sent["contained"][0]["contained"] = [{"resourceType": "Patient", "id": "inner"}]

    refused = refusal(lambda: take_in(wire.dump(sent), "ServiceRequest"))

    assert refused.status == 422
    assert ("invariant", "ServiceRequest.contained[0].contained") in _faults(refused)


def test_a_task_modified_before_it_was_written_is_refused() -> None:
    task = {"resourceType": "Task", "status": "requested", "intent": "order"}
    times = {"authoredOn": "2026-11-02", "lastModified": "2026-11-01"}

    assert check(task | times) == [("invariant", "Task.lastModified")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"resourceType":"Patient","id":"a","id":"b"}', "structure"),
        (b'{"resourceType":"Patient","gender":"\\u0000"}', "structure"),
        (b'{"resourceType":"Patient","extension":' + b"[" * 200 + b"]" * 200 + b"}", "too-long"),
        (b'{"resourceType":"Patient",', "structure"),
        (b'{"resourceType":"Patient","multipleBirthInteger":NaN}', "structure"),
    ],
    ids=["duplicate keys", "NUL", "deep nesting", "cut short", "NaN"],
)
def test_json_with_one_fault_is_refused(body: bytes, code: str) -> None:
    refused = refusal(lambda: take_in(body, "Patient"))

    assert (refused.status, [finding.code for finding in refused.findings]) == (400, [code])


def _faults(refused: Refused) -> list[tuple[str, str]]:
    return places(finding for finding in refused.findings if finding.is_error)
