"""Transactions: patients and referrals that are created together or not at all."""

from typing import Any

import pytest

from integrations.fhir import bundle
from integrations.fhir.bundle import Answered, Transaction
from integrations.fhir.outcome import Refused
from referrals.intake import NewPatient, NewReferral, PatientByNhsNumber
from tests.integrations.fhir.cast import (
    AT,
    BASE_URL,
    PATIENT_ID,
    check,
    example,
    places,
    refusal,
)

TAKES = {
    "POST": ("Patient", "ServiceRequest", "Task"),
    "PUT": ("Patient", "ServiceRequest"),
    "GET": ("Patient", "ServiceRequest"),
}


def _read(resource: dict[str, Any]) -> Transaction:
    return bundle.read_transaction(resource, takes=TAKES, base_url=BASE_URL)


def _refused(resource: dict[str, Any]) -> Refused:
    return refusal(lambda: _read(resource))


def _referral_of(sent: dict[str, Any]) -> dict[str, Any]:
    resource: dict[str, Any] = sent["entry"][0]["resource"]
    return resource


def test_a_referral_is_linked_to_the_patient_sent_with_it() -> None:
    referral, patient = _read(example("transaction")).entries

    assert isinstance(referral.content, NewReferral)
    assert isinstance(patient.content, NewPatient)
    assert referral.content.subject == patient.content
    assert referral.content.is_patient_contained is False
    assert (referral.index, patient.index) == (0, 1)
    assert (referral.patient_entry, patient.patient_entry) == (1, None)
    assert patient.full_url == "urn:uuid:2d1f3c52-7a40-4f3a-9d6a-0d4b1c6f8a02"


def test_a_relative_reference_counts_from_the_base_of_the_full_url() -> None:
    sent = example("transaction")
    sent["entry"][0]["fullUrl"] = "https://practice.example/fhir/ServiceRequest/1"
    sent["entry"][1]["fullUrl"] = "https://practice.example/fhir/Patient/2"
    _referral_of(sent)["subject"] = {"reference": "Patient/2"}

    assert _read(sent).entries[0].patient_entry == 1


def test_several_referrals_may_share_a_patient() -> None:
    sent = example("transaction")
    second = example("transaction")["entry"][0]
    del second["fullUrl"]
    sent["entry"].append(second)

    assert [entry.patient_entry for entry in _read(sent).entries] == [1, None, 1]


def test_a_referral_may_contain_its_patient_or_name_one() -> None:
    sent = example("transaction")
    sent["entry"][0]["resource"] = example("referral")
    named = {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}}
    other = example("transaction")["entry"][0]
    other["fullUrl"] = "urn:uuid:other"
    other["resource"]["subject"] = named
    sent["entry"].append(other)

    first, _, third = _read(sent).entries

    assert isinstance(first.content, NewReferral)
    assert isinstance(third.content, NewReferral)
    assert first.content.is_patient_contained
    assert third.content.subject == PatientByNhsNumber(nhs_number="9990000018")
    assert (first.patient_entry, third.patient_entry) == (None, None)


# Refused


@pytest.mark.parametrize("kind", ["collection", "message", "document", "searchset"])
def test_another_type_of_bundle_is_refused(kind: str) -> None:
    refused = _refused(example("transaction") | {"type": kind})

    assert refused.status == 422
    assert places(refused.findings) == [("not-supported", "Bundle.type")]
    assert "transaction" in refused.findings[0].text


def test_a_transaction_has_entries() -> None:
    sent = example("transaction")
    del sent["entry"]

    assert places(_refused(sent).findings) == [("required", "Bundle.entry")]


def test_a_transaction_has_100_entries_at_most() -> None:
    sent = example("transaction")
    patient = sent["entry"][1]
    patient = {"resource": patient["resource"], "request": patient["request"]}
    sent["entry"] += [patient] * 98

    assert len(_read(sent).entries) == 100

    sent["entry"].append(patient)

    assert places(_refused(sent).findings) == [("too-costly", "Bundle.entry")]


def test_another_type_of_resource_is_refused_with_the_way_to_send_it() -> None:
    sent = example("transaction")
    sent["entry"].append(
        {
            "resource": {"resourceType": "Organization", "name": "Example Surgery"},
            "request": {"method": "POST", "url": "Organization"},
        }
    )

    [finding] = _refused(sent).findings

    assert (finding.code, finding.expression) == ("not-supported", "Bundle.entry[2].resource")
    assert "contained" in finding.text
    assert "identifier" in finding.text


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "PATCH", "url": "Patient/1"},
        {"method": "HEAD", "url": "Patient/1"},
        {"method": "PUT", "url": "Patient"},
        {"method": "PUT", "url": "Patient?identifier=1"},
        {"method": "PUT", "url": "Patient/1/_history/1"},
        {"method": "POST", "url": "ServiceRequest"},
        {"method": "POST", "url": "Patient?identifier=1"},
        {"method": "DELETE", "url": "Patient/1"},
        {"method": "GET", "url": "Practitioner"},
        {"method": "GET", "url": "Patient/1?_summary=true"},
        {"method": "GET", "url": "Patient/1/$everything"},
        {"method": "GET", "url": "https://elsewhere.example/Patient/1"},
    ],
)
def test_another_method_or_address_is_refused(request_: dict[str, str]) -> None:
    sent = example("transaction")
    sent["entry"][1]["request"] = request_

    assert ("not-supported", "Bundle.entry[1].request") in places(_refused(sent).findings)


def test_a_condition_that_is_not_served_is_refused_rather_than_left_out() -> None:
    sent = example("transaction")
    sent["entry"][1]["request"]["ifNoneExist"] = "identifier=1"

    assert places(_refused(sent).findings) == [
        ("not-supported", "Bundle.entry[1].request.ifNoneExist")
    ]


def test_an_entry_without_a_resource_is_refused() -> None:
    sent = example("transaction")
    del sent["entry"][1]["resource"]

    assert ("not-supported", "Bundle.entry[1].resource") in places(_refused(sent).findings)


def test_two_entries_with_one_full_url_are_refused() -> None:
    sent = example("transaction")
    sent["entry"].append(example("transaction")["entry"][1])

    assert places(_refused(sent).findings) == [("invariant", "Bundle.entry[2].fullUrl")]


def test_a_subject_that_is_not_in_the_bundle_is_refused() -> None:
    sent = example("transaction")
    _referral_of(sent)["subject"] = {"reference": "urn:uuid:nobody"}

    assert places(_refused(sent).findings) == [
        ("not-found", "Bundle.entry[0].resource.subject.reference")
    ]


def test_a_subject_that_is_not_a_patient_is_refused() -> None:
    sent = example("transaction")
    _referral_of(sent)["subject"] = {"reference": sent["entry"][0]["fullUrl"]}

    assert places(_refused(sent).findings) == [
        ("business-rule", "Bundle.entry[0].resource.subject.resolve()")
    ]


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("urn:uuid:nobody", "not-found"),
        ("urn:uuid:2d1f3c52-7a40-4f3a-9d6a-0d4b1c6f8a02", "not-supported"),
    ],
)
def test_a_reference_that_would_be_left_dangling_is_refused(reference: str, code: str) -> None:
    sent = example("transaction")
    _referral_of(sent)["supportingInfo"] = [{"display": "x"}, {"reference": reference}]

    assert places(_refused(sent).findings) == [
        (code, "Bundle.entry[0].resource.supportingInfo[1].reference")
    ]


def test_the_faults_of_all_entries_are_told_once_each() -> None:
    sent = example("transaction")
    _referral_of(sent)["status"] = "unknown"
    nhs_number = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000019"}
    sent["entry"][1]["resource"]["identifier"] = [nhs_number]

    assert places(_refused(sent).findings) == [
        ("business-rule", "Bundle.entry[0].resource.status"),
        ("value", "Bundle.entry[1].resource.identifier[0].value"),
    ]


# Back


def test_the_answer_has_an_entry_for_each_in_the_order_sent() -> None:
    place = f"{BASE_URL}/fhir/R4/Patient/{PATIENT_ID}/_history/1"
    answer = bundle.render_response(
        [Answered(status=201, location=place, version=1, at=AT), Answered(status=204)],
        kind="transaction",
    )

    assert answer["entry"] == [
        {
            "response": {
                "status": "201 Created",
                "location": place,
                "etag": 'W/"1"',
                "lastModified": "2026-11-22T09:30:00.120Z",
            }
        },
        {"response": {"status": "204 No Content"}},
    ]
    assert check(answer) == []
