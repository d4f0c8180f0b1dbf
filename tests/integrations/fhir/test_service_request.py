"""What makes a ServiceRequest a peer-support referral, what is read from it, what goes back."""

from typing import Any

import pytest

from integrations.fhir import service_request, subject, wire
from integrations.fhir.outcome import Refused
from integrations.fhir.subject import nothing_to_resolve
from referrals.intake import (
    Coding,
    Identifier,
    KnownPatient,
    NewPatient,
    NewReferral,
    PatientByNhsNumber,
)
from tests.integrations.fhir import cast
from tests.integrations.fhir.cast import (
    BASE_URL,
    PATIENT_ID,
    REFERRAL_ID,
    a_referral,
    check,
    example,
    places,
    refusal,
)

NHS = "https://fhir.nhs.uk/Id/nhs-number"
SNOMED = "http://snomed.info/sct"


def _read(resource: dict[str, Any]) -> NewReferral:
    return service_request.read(resource, base_url=BASE_URL, resolve=subject.nothing_to_resolve)


def _refused(resource: dict[str, Any]) -> Refused:
    return refusal(lambda: _read(resource))


def test_a_referral_is_read() -> None:
    new = _read(example("referral"))

    assert isinstance(new.subject, NewPatient)
    assert new.subject.nhs_number == "9990000018"
    assert wire.parse(new.subject.document.encode()) == example("referral")["contained"][0]
    assert new.is_patient_contained
    assert (new.intent, new.priority) == ("order", "urgent")
    assert new.authored_on == "2026-11-01T09:00:00.120Z"
    assert new.identifiers == (
        Identifier(system="https://practice.example/referrals", value="R-1"),
    )
    assert new.reasons == (Coding(system=SNOMED, code="422650009"),)
    assert (new.requester_name, new.requester_ods) == ("Ash Sampleton", "X99999")
    assert new.is_contact_prohibited is False
    assert wire.parse(new.document.encode()) == example("referral")
    assert '"value":1.50' in new.document


def test_what_is_not_said_is_routine_and_empty() -> None:
    sent = a_referral()
    for name in ("priority", "authoredOn", "identifier", "requester"):
        del sent[name]

    new = _read(sent)

    assert (new.priority, new.authored_on, new.identifiers) == ("routine", "", ())
    assert (new.requester_name, new.requester_ods) == ("", "")


# The profile


@pytest.mark.parametrize(
    "status", ["on-hold", "revoked", "completed", "entered-in-error", "unknown"]
)
def test_a_new_referral_is_active_or_a_draft(status: str) -> None:
    refused = _refused(a_referral(status=status))

    assert refused.status == 422
    assert places(refused.findings) == [("business-rule", "ServiceRequest.status")]
    assert "active" in refused.findings[0].text
    assert refused.findings[0].details == "REC_UNPROCESSABLE_ENTITY"


@pytest.mark.parametrize("status", ["draft", "active"])
def test_a_draft_stays_a_draft(status: str) -> None:
    assert _read(a_referral(status=status)).status == status


@pytest.mark.parametrize("status", service_request.AMENDABLE)
def test_a_referral_that_is_held_may_be_sent_in_more_statuses(status: str) -> None:
    new = service_request.read(
        a_referral(status=status),
        base_url=BASE_URL,
        resolve=nothing_to_resolve,
        statuses=service_request.AMENDABLE,
    )

    assert new.status == status


@pytest.mark.parametrize(
    ("status", "reason_text"),
    [("revoked", "Moved away"), ("entered-in-error", "Moved away"), ("active", "")],
)
def test_why_a_referral_is_taken_back_stands_in_words_alone(status: str, reason_text: str) -> None:
    coded = {"coding": [{"system": SNOMED, "code": "422650009"}], "text": "Social isolation"}

    new = service_request.read(
        a_referral(status=status, reasonCode=[coded, {"text": "Moved away"}]),
        base_url=BASE_URL,
        resolve=nothing_to_resolve,
        statuses=service_request.AMENDABLE,
    )

    assert new.reason_text == reason_text


@pytest.mark.parametrize("intent", ["order", "plan", "filler-order"])
def test_an_order_or_plan_is_taken(intent: str) -> None:
    assert _read(a_referral(intent=intent)).intent == intent


@pytest.mark.parametrize("intent", ["proposal", "directive", "option", "original-order"])
def test_another_intent_is_refused(intent: str) -> None:
    assert places(_refused(a_referral(intent=intent)).findings) == [
        ("business-rule", "ServiceRequest.intent")
    ]


def test_a_request_not_to_do_something_is_refused() -> None:
    assert places(_refused(a_referral(doNotPerform=True)).findings) == [
        ("business-rule", "ServiceRequest.doNotPerform")
    ]
    assert _read(a_referral(doNotPerform=False))


@pytest.mark.parametrize(
    "coding",
    [
        {"system": f"{BASE_URL}/fhir/R4/CodeSystem/referral-type", "code": "peer-support"},
        {"system": SNOMED, "code": "711281004"},
    ],
)
def test_the_code_says_peer_support(coding: dict[str, str]) -> None:
    other = {"system": SNOMED, "code": "422650009"}

    assert _read(a_referral(code={"coding": [other, coding]}))


@pytest.mark.parametrize(
    "code",
    [
        {"text": "Referral to support group"},
        {"coding": [{"system": SNOMED, "code": "871731000000106"}]},
        {"coding": [{"system": "https://other.example", "code": "peer-support"}]},
        {"coding": [{"code": "711281004"}]},
    ],
)
def test_another_code_is_refused_with_the_codes_to_use(code: dict[str, Any]) -> None:
    [finding] = _refused(a_referral(code=code)).findings

    assert (finding.code, finding.expression) == ("code-invalid", "ServiceRequest.code")
    assert "711281004" in finding.text
    assert f"{BASE_URL}/fhir/R4/CodeSystem/referral-type|peer-support" in finding.text


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({}, "A reason is needed"),
        ({"reasonCode": [{"text": "lonely"}]}, "text only"),
        ({"reasonCode": [{"coding": [{"code": "422650009"}]}]}, "a system and a code"),
        ({"reasonReference": [{"reference": "Condition/1"}]}, "reasonReference"),
    ],
)
def test_a_reason_is_coded(elements: dict[str, Any], said: str) -> None:
    sent = a_referral()
    del sent["reasonCode"]

    [finding] = _refused(sent | elements).findings

    assert (finding.code, finding.expression) == ("required", "ServiceRequest.reasonCode")
    assert said in finding.text


def test_every_coding_of_every_reason_is_read() -> None:
    reasons = [
        {"coding": [{"system": "https://snomed.info/sct", "code": "1"}, {"display": "x"}]},
        {"text": "lonely"},
        {"coding": [{"system": "https://icd.example", "code": "F1", "display": "y"}]},
    ]

    assert _read(a_referral(reasonCode=reasons)).reasons == (
        Coding(system=SNOMED, code="1"),
        Coding(system="https://icd.example", code="F1", display="y"),
    )


def test_all_that_bars_a_referral_is_told_at_once() -> None:
    sent = a_referral(status="unknown", intent="proposal", code={"text": "x"}, reasonCode=[])
    sent["contained"][0]["identifier"][0]["value"] = "9990000019"

    assert [at for _, at in places(_refused(sent).findings)] == [
        "ServiceRequest.status",
        "ServiceRequest.intent",
        "ServiceRequest.code",
        "ServiceRequest.reasonCode",
        "ServiceRequest.contained[0].identifier[0].value",
    ]


def test_what_is_too_long_to_keep_is_refused_and_not_cut() -> None:
    moment = "2026-11-01T09:00:00." + "1" * 30 + "Z"
    long = "x" * 201

    refused = _refused(a_referral(authoredOn=moment, identifier=[{"system": long, "value": long}]))

    assert places(refused.findings) == [
        ("too-long", "ServiceRequest.authoredOn"),
        ("too-long", "ServiceRequest.identifier[0].system"),
        ("too-long", "ServiceRequest.identifier[0].value"),
    ]


@pytest.mark.parametrize("system", ["https://sdoh.example/codes", f"{BASE_URL}/x", None])
def test_do_not_contact_is_heard_whatever_its_system(system: str | None) -> None:
    coding = {"code": "contacting-subject-prohibited"} | ({"system": system} if system else {})
    detail = [{"text": "x"}, {"coding": [{"code": "other"}, coding]}]

    assert _read(a_referral(orderDetail=detail)).is_contact_prohibited


# The patient


@pytest.mark.parametrize("base", ["", f"{BASE_URL}/fhir/R4/"])
@pytest.mark.parametrize("version", ["", "/_history/2"])
def test_a_patient_that_we_hold_is_known_by_id(base: str, version: str) -> None:
    new = _read(a_referral(subject={"reference": f"{base}Patient/{PATIENT_ID}{version}"}))

    assert new.subject == KnownPatient(patient_id=PATIENT_ID)
    assert new.is_patient_contained is False


@pytest.mark.parametrize(
    "reference", [None, "Patient/123", f"https://other.example/fhir/R4/Patient/{PATIENT_ID}"]
)
def test_a_patient_may_be_named_by_nhs_number(reference: str | None) -> None:
    named: dict[str, Any] = {"identifier": {"system": NHS, "value": "9990000018"}}
    if reference:
        named["reference"] = reference

    assert _read(a_referral(subject=named)).subject == PatientByNhsNumber(nhs_number="9990000018")


def test_a_wrong_nhs_number_in_the_subject_is_refused() -> None:
    named = {"identifier": {"system": NHS, "value": "999 000 0018"}}

    assert places(_refused(a_referral(subject=named)).findings) == [
        ("value", "ServiceRequest.subject.identifier.value")
    ]


def test_two_nhs_numbers_for_one_patient_are_refused() -> None:
    named = {"reference": "#patient", "identifier": {"system": NHS, "value": "9990000026"}}

    assert places(_refused(a_referral(subject=named)).findings) == [
        ("business-rule", "ServiceRequest.subject.identifier")
    ]


def test_the_same_nhs_number_twice_is_taken() -> None:
    named = {"reference": "#patient", "identifier": {"system": NHS, "value": "9990000018"}}

    assert isinstance(_read(a_referral(subject=named)).subject, NewPatient)


@pytest.mark.parametrize(
    ("named", "finding"),
    [
        ({"display": "Rowan"}, ("required", "ServiceRequest.subject")),
        ({"identifier": {"system": "x", "value": "1"}}, ("required", "ServiceRequest.subject")),
        ({"reference": "Patient/123"}, ("not-found", "ServiceRequest.subject")),
        (
            {"reference": f"https://other.example/fhir/R4/Patient/{PATIENT_ID}"},
            ("not-found", "ServiceRequest.subject"),
        ),
        ({"reference": "urn:uuid:x"}, ("not-found", "ServiceRequest.subject.reference")),
        ({"reference": "#nobody"}, ("not-found", "ServiceRequest.subject.reference")),
        ({"reference": "#role"}, ("business-rule", "ServiceRequest.contained[0]")),
    ],
)
def test_a_patient_who_cannot_be_made_out_is_refused(
    named: dict[str, Any], finding: tuple[str, str]
) -> None:
    refused = _refused(a_referral(subject=named))

    assert (refused.status, places(refused.findings)) == (422, [finding])


# The requester


@pytest.mark.parametrize(
    ("requester", "name", "ods"),
    [
        ({"display": "Dr A"}, "Dr A", ""),
        (
            {
                "identifier": {
                    "system": "https://fhir.nhs.uk/Id/ods-organization-code",
                    "value": "X1",
                }
            },
            "",
            "X1",
        ),
        ({"reference": "#doctor"}, "Ash Sampleton", ""),
        ({"reference": "#role", "display": "Dr B"}, "Dr B", "X99999"),
        ({"reference": "Practitioner/1"}, "", ""),
    ],
)
def test_the_requester_is_read_as_far_as_the_referral_says(
    requester: dict[str, Any], name: str, ods: str
) -> None:
    new = _read(a_referral(requester=requester))

    assert (new.requester_name, new.requester_ods) == (name, ods)


def test_a_contained_organisation_is_read_through_its_role() -> None:
    sent = a_referral()
    sent["contained"][1]["organization"] = {"reference": "#surgery"}
    del sent["contained"][1]["practitioner"]
    sent["contained"].append(
        {
            "resourceType": "Organization",
            "id": "surgery",
            "name": "Example Surgery",
            "identifier": [
                {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "X2"}
            ],
        }
    )

    new = _read(sent)

    assert (new.requester_name, new.requester_ods) == ("Example Surgery", "X2")


def test_roles_that_refer_to_themselves_come_to_an_end() -> None:
    sent = a_referral()
    sent["contained"][1] |= {
        "practitioner": {"reference": "#role"},
        "organization": {"reference": "#role"},
    }

    assert _read(sent).requester_name == ""


# Back


def _rendered(resource: dict[str, Any], **change: Any) -> dict[str, Any]:
    row = cast.Change(request_document=cast.Document(wire.dump(resource).decode()), **change)
    return service_request.render(cast.Referral(), row, base_url=BASE_URL)


def test_a_referral_goes_back_with_our_elements_over_what_was_received() -> None:
    sent = example("referral")

    rendered = _rendered(sent, status="on-hold")

    assert rendered == sent | {
        "id": str(REFERRAL_ID),
        "meta": {
            "versionId": "4",
            "lastUpdated": "2026-11-22T09:30:00.120Z",
            "profile": sent["meta"]["profile"],
        },
        "status": "on-hold",
        "identifier": [
            *sent["identifier"],
            {"system": f"{BASE_URL}/fhir/Id/referral", "value": "PR-7K2M-9Q"},
        ],
    }
    assert b'"value":1.50' in wire.dump(rendered)
    assert check(rendered) == []


def test_a_patient_who_was_not_contained_is_referred_to_by_our_id() -> None:
    sent = a_referral(subject={"reference": "urn:uuid:x", "display": "Rowan"})

    assert _rendered(sent)["subject"] == {"reference": f"Patient/{PATIENT_ID}", "display": "Rowan"}


def test_our_reference_stands_once_even_when_the_sender_copied_one() -> None:
    ours = {"system": f"{BASE_URL}/fhir/Id/referral", "value": "PR-OTHER"}
    sent = a_referral(identifier=[ours])

    assert _rendered(sent)["identifier"] == [ours | {"value": "PR-7K2M-9Q"}]


def test_a_referral_without_meta_or_identifier_gets_ours() -> None:
    sent = a_referral()
    del sent["meta"], sent["identifier"]

    rendered = _rendered(sent)

    assert rendered["meta"]["versionId"] == "4"
    assert len(rendered["identifier"]) == 1
    assert list(rendered)[:3] == ["resourceType", "id", "meta"]
