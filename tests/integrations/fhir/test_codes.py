"""Codes are those of R4, and the elements of one object agree with one another."""

from typing import Any

import pytest

from tests.integrations.fhir.cast import a_patient, a_referral, check, example, without


@pytest.mark.parametrize(
    ("elements", "at"),
    [
        ({"gender": "f"}, "gender"),
        ({"name": [{"use": "legal"}]}, "name[0].use"),
        ({"telecom": [{"system": "mobile", "value": "1"}]}, "telecom[0].system"),
        ({"telecom": [{"system": "phone", "use": "cell"}]}, "telecom[0].use"),
        ({"address": [{"use": "main"}]}, "address[0].use"),
        ({"address": [{"type": "place"}]}, "address[0].type"),
        ({"identifier": [{"use": "nhs"}]}, "identifier[0].use"),
        ({"contact": [{"name": {"text": "A"}, "gender": "m"}]}, "contact[0].gender"),
        ({"link": [{"other": {"reference": "Patient/1"}, "type": "same"}]}, "link[0].type"),
    ],
)
def test_a_code_outside_its_value_set_is_refused_in_a_patient(
    elements: dict[str, Any], at: str
) -> None:
    assert check(a_patient(**elements)) == [("code-invalid", f"Patient.{at}")]


@pytest.mark.parametrize("name", ["status", "intent", "priority"])
@pytest.mark.parametrize("code", ["Active", "on_hold", "done"])
def test_a_code_outside_its_value_set_is_refused_in_a_referral(name: str, code: str) -> None:
    assert check(a_referral(**{name: code})) == [("code-invalid", f"ServiceRequest.{name}")]


def test_a_code_outside_its_value_set_is_refused_in_a_bundle() -> None:
    bundle = example("transaction") | {"type": "upload"}
    bundle["entry"][0]["request"]["method"] = "post"

    assert check(bundle) == [
        ("code-invalid", "Bundle.type"),
        ("code-invalid", "Bundle.entry[0].request.method"),
    ]


def test_a_task_may_not_be_a_directive() -> None:
    task = {"resourceType": "Task", "status": "requested", "intent": "directive"}

    assert check(task) == [("code-invalid", "Task.intent")]
    assert check(task | {"intent": "unknown"}) == []


# Invariants


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "https://example.org/x"},
        {
            "url": "https://example.org/x",
            "valueString": "a",
            "extension": [{"url": "y", "valueString": "b"}],
        },
    ],
)
def test_an_extension_has_either_a_value_or_extensions(extension: dict[str, Any]) -> None:
    assert check(a_patient(extension=[extension])) == [("invariant", "Patient.extension[0]")]


def test_a_contact_point_with_a_value_has_a_system() -> None:
    assert check(a_patient(telecom=[{"value": "1"}])) == [
        ("invariant", "Patient.telecom[0].system")
    ]


def test_order_detail_needs_a_code() -> None:
    sent = without(a_referral(orderDetail=[{"text": "x"}]), "code")

    assert check(sent) == [("invariant", "ServiceRequest.orderDetail")]


def test_a_contact_says_who_or_how() -> None:
    sent = a_patient(contact=[{"gender": "male"}])

    assert check(sent) == [("invariant", "Patient.contact[0]")]
