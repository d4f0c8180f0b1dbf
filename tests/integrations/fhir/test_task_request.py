"""A sender's Task: that a referral be fulfilled."""

from typing import Any
from uuid import UUID

import pytest

from integrations.fhir import checking, task_request, terms, wire
from integrations.fhir.outcome import Refused
from integrations.fhir.task_request import NewTask
from referrals.intake import NewPatient, NewReferral
from tests.integrations.fhir.cast import (
    BASE_URL,
    REFERRAL_ID,
    a_referral,
    places,
    refusal,
    verdict,
    without,
)

OURS = f"ServiceRequest/{REFERRAL_ID}"
FULFIL = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}


def _task(**elements: Any) -> dict[str, Any]:
    task = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": FULFIL,
        "focus": {"reference": OURS},
        "authoredOn": "2026-11-01T09:00:00Z",
        "requester": {"display": "Example Surgery"},
    }
    return task | elements


def _with_its_referral(**elements: Any) -> dict[str, Any]:
    """A Task that contains a referral, and beside it what the referral refers to."""
    referral = a_referral(**elements)
    contained = referral.pop("contained")
    unversioned = without(referral, "meta") | {"id": "referral"}
    patient, *others = contained
    return _task(
        contained=[patient, unversioned, *others],
        focus={"reference": "#referral"},
        **{"for": {"reference": "#patient"}},
    )


def _read(task: dict[str, Any], **more: Any) -> NewTask:
    accepted = checking.accept(
        wire.parse(wire.dump(task)),
        resource_type="Task",
        read=lambda resource: task_request.read(resource, base_url=BASE_URL, **more),
        base_url=BASE_URL,
    )
    return accepted.content


def _refused(task: dict[str, Any]) -> Refused:
    return refusal(lambda: _read(task))


@pytest.mark.parametrize("reference", [OURS, f"{BASE_URL}/fhir/R4/{OURS}", f"{OURS}/_history/1"])
def test_a_task_for_a_referral_that_is_held_names_it(reference: str) -> None:
    task = _task(focus={"reference": reference})

    new = _read(task)

    assert new == NewTask(
        document=wire.dump(task).decode(),
        status="requested",
        terms=terms.of("Task", task, base_url=BASE_URL),
        focus=UUID(str(REFERRAL_ID)),
    )


def test_a_task_may_bring_its_referral_along() -> None:
    task = _with_its_referral()

    focus = _read(task).focus

    assert isinstance(focus, NewReferral)
    assert isinstance(focus.subject, NewPatient)
    assert focus.subject.nhs_number == "9990000018"
    assert (focus.requester_name, focus.requester_ods) == ("Ash Sampleton", "X99999")
    assert focus.task_document == wire.dump(task).decode()


def test_the_referral_brought_along_stands_for_itself() -> None:
    focus = _read(_with_its_referral()).focus

    assert isinstance(focus, NewReferral)
    document = wire.load(focus.document)
    names = [inner["id"] for inner in document["contained"]]
    assert (names, "id" in document) == (["patient", "role", "doctor"], False)
    assert not checking.has_errors(checking.check(document, resource_type="ServiceRequest"))


def test_a_task_in_a_bundle_may_name_another_entry() -> None:
    task = _task(focus={"reference": "urn:uuid:0b9f6c1e-6d5c-4c58-8f6e-1d1f0a7b2c01"})

    new = _read(task, full_urls={"urn:uuid:0b9f6c1e-6d5c-4c58-8f6e-1d1f0a7b2c01"})

    assert new.focus == "urn:uuid:0b9f6c1e-6d5c-4c58-8f6e-1d1f0a7b2c01"


@pytest.mark.parametrize(
    ("sent", "read"),
    [("requested", "requested"), ("draft", "draft"), ("received", "requested"), ("ready",) * 2],
)
def test_the_status_of_a_new_task_is_draft_or_requested(sent: str, read: str) -> None:
    wanted = {"ready": "requested"}.get(read, read)

    assert _read(_task(status=sent)).status == wanted


@pytest.mark.parametrize(
    ("elements", "finding"),
    [
        ({"code": {"text": "x"}}, ("code-invalid", "Task.code")),
        ({"status": "accepted"}, ("business-rule", "Task.status")),
        ({"intent": "plan"}, ("business-rule", "Task.intent")),
        ({"focus": {"reference": "Patient/1"}}, ("not-found", "Task.focus")),
        ({"focus": {"reference": "ServiceRequest/1"}}, ("not-found", "Task.focus")),
        ({"focus": {"reference": "urn:uuid:x"}}, ("not-found", "Task.focus")),
        ({"focus": {"display": "x"}}, ("required", "Task.focus")),
    ],
)
def test_a_task_that_cannot_be_taken_is_refused(
    elements: dict[str, Any], finding: tuple[str, str]
) -> None:
    refused = _refused(_task(**elements))

    assert (refused.status, places(refused.findings)) == (422, [finding])


def test_the_focus_must_be_a_referral() -> None:
    task = _with_its_referral()
    task["focus"] = {"reference": "#patient"}
    task["basedOn"] = [{"reference": "#referral"}]

    assert places(f for f in _refused(task).findings if f.is_error) == [
        ("not-found", "Task.focus.reference")
    ]


def test_task_and_referral_are_for_the_same_patient() -> None:
    task = _with_its_referral()
    task["for"] = {"reference": "Patient/1"}

    assert places(f for f in _refused(task).findings if f.is_error) == [
        ("business-rule", "Task.for")
    ]


@pytest.mark.parametrize(
    ("task_status", "request_status"), [("draft", "active"), ("requested", "draft")]
)
def test_task_and_referral_are_both_drafts_or_neither(
    task_status: str, request_status: str
) -> None:
    task = _with_its_referral(status=request_status) | {"status": task_status}

    assert places(f for f in _refused(task).findings if f.is_error) == [
        ("business-rule", "Task.contained[1].status")
    ]


def test_a_draft_of_both_is_taken() -> None:
    focus = _read(_with_its_referral(status="draft") | {"status": "draft"}).focus

    assert isinstance(focus, NewReferral)
    assert focus.status == "draft"


def test_faults_of_the_referral_are_named_where_they_stand_in_the_task() -> None:
    task = _with_its_referral(intent="proposal")
    task["contained"][0]["identifier"][0]["value"] = "9990000019"

    assert places(f for f in _refused(task).findings if f.is_error) == [
        ("business-rule", "Task.contained[1].intent"),
        ("value", "Task.contained[0].identifier[0].value"),
    ]


@pytest.mark.parametrize(
    ("elements", "status", "reason_text"),
    [
        (
            {"status": "cancelled", "statusReason": {"text": "Moved away"}},
            "cancelled",
            "Moved away",
        ),
        ({"statusReason": {"coding": [{"display": "Moved"}]}}, "requested", "Moved"),
        ({"status": "received"}, "requested", ""),
        ({"status": "completed", "code": {"text": "x"}}, "completed", ""),
        ({"status": "ready", "code": {"text": "x"}}, "ready", ""),
    ],
)
def test_what_is_now_said_of_a_task(
    elements: dict[str, Any], status: str, reason_text: str
) -> None:
    task = _task(**elements)

    amended = task_request.read_amended(task, base_url=BASE_URL)

    assert (amended.status, amended.reason_text) == (status, reason_text)
    assert amended.document == wire.dump(task).decode()


@pytest.mark.parametrize("focus", ["#", "#nobody", 5, {"reference": ["#referral"]}, []])
@pytest.mark.parametrize("contained", [[], 5, [5], [{"id": "referral"}]])
def test_reading_stands_without_the_checks_too(focus: Any, contained: Any) -> None:
    task = _task(focus=focus, contained=contained)

    refused = verdict(lambda: task_request.read(task, base_url=BASE_URL))

    assert refused is not None
    assert refused.status == 422
