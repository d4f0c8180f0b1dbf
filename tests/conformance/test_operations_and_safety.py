"""Operations, errors and security: R4, SMART Backend Services, BaRS headers and SDOHCC's rules for a Task."""

import json
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client as Browser

from accounts.models import Client
from config.fictional import Person
from tests import cast
from tests.api.answers import issues
from tests.api.messages import Message
from tests.api.test_search_terms import task_for
from tests.conformance.conftest import Get, Resource, body
from tests.integrations.fhir.cast import check

pytestmark = pytest.mark.django_db

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"


# Operations


def test_validate_answers_200_with_an_outcome_whatever_is_found(
    gp_system: cast.ClinicalSystem,
) -> None:
    """R4 Resource-validate: the outcome of the validation is the content, not the status."""
    answer = gp_system.post("/fhir/R4/Patient/$validate", {"resourceType": "Patient"})

    outcome = body(answer)
    assert outcome["resourceType"] == "OperationOutcome"
    assert "error" in {issue["severity"] for issue in outcome["issue"]}


def test_everything_returns_the_patient_and_all_about_it(referral: Resource, get: Get) -> None:
    """R4 Patient-everything: a searchset with the patient and what refers to it."""
    [patient] = get("Patient")["entry"]

    bundle = get(f"Patient/{patient['resource']['id']}/$everything")

    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert bundle["type"] == "searchset"
    assert {"Patient", "ServiceRequest", "Task"} <= kinds


def test_an_operation_that_changes_nothing_may_be_asked_by_get(
    referral: Resource, get: Get
) -> None:
    """R4 operations, Executing an Operation: GET where affectsState is false."""
    answer = get(f"ServiceRequest/{referral['id']}/$available-actions")

    definition = get("OperationDefinition/available-actions")
    assert answer["resourceType"] == "Parameters"
    assert definition["affectsState"] is False


@pytest.mark.parametrize("place", ["$leap", "Patient/$leap", "Patient/1/$leap"])
def test_an_operation_that_is_not_defined_is_not_served(
    gp_system: cast.ClinicalSystem, place: str
) -> None:
    """R4 operations: an unknown operation is an error."""
    for answer in (gp_system.get(f"/fhir/R4/{place}"), gp_system.post(f"/fhir/R4/{place}", {})):
        assert issues(answer, 404)[0]["code"] == "not-supported"


def test_process_message_is_answered_with_a_message(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 messaging: the response is a message whose header names the request."""
    message = Message(person)

    answer = body(gp_system.post("/fhir/R4/$process-message", message.bundle))

    header = answer["entry"][0]["resource"]
    assert (answer["type"], header["resourceType"]) == ("message", "MessageHeader")
    assert header["response"]["code"] == "ok"
    assert check(answer) == []


# Errors


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("get", "Patient/nobody", 404),
        ("get", "Nonsense", 404),
        ("get", "Patient?colour=blue", 400),
        ("delete", "Patient/nobody", 405),
        ("get", "Patient?_format=xml", 406),
    ],
)
def test_every_error_bears_an_outcome(
    gp_system: cast.ClinicalSystem, method: str, place: str, status: int
) -> None:
    """R4 http, HTTP Status Codes: an OperationOutcome with each error."""
    answer = getattr(gp_system, method)(f"/fhir/R4/{place}")

    found = issues(answer, status)
    assert check(json.loads(answer.content)) == []
    for issue in found:
        [coding] = issue["details"]["coding"]
        assert coding["system"] == "https://fhir.nhs.uk/CodeSystem/http-error-codes"
        assert coding["code"].startswith("REC_")


def test_all_faults_come_in_one_answer_with_their_places(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 OperationOutcome: one issue for each fault, with its FHIRPath."""
    sent = cast.referral_for(person) | {"status": "x", "intent": "y", "priority": "z"}

    found = issues(gp_system.post("/fhir/R4/ServiceRequest", sent), 422)

    assert {issue["expression"][0] for issue in found} == {
        "ServiceRequest.status",
        "ServiceRequest.intent",
        "ServiceRequest.priority",
    }


def test_a_body_that_is_too_large_is_413(gp_system: cast.ClinicalSystem) -> None:
    """RFC 9110, 15.5.14: content too large."""
    assert issues(gp_system.post("/fhir/R4/Patient", " " * (1024 * 1024 + 1)), 413)


# Security


@pytest.mark.parametrize("place", ["Patient", "Task/1", "ServiceRequest/_history", "$export"])
def test_nothing_is_shown_without_a_token(place: str) -> None:
    """RFC 6750, 3: 401 with WWW-Authenticate: Bearer."""
    answer = Browser().get(f"/fhir/R4/{place}")

    assert issues(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("scope", "method", "place"),
    [
        ("system/Task.rs", "get", "Patient"),
        ("system/Patient.r", "get", "Patient"),
        ("system/Patient.rs", "post", "Patient"),
        ("system/Patient.crs", "put", "Patient/1"),
    ],
)
def test_a_scope_that_does_not_cover_the_interaction_is_403(
    gp_system: cast.ClinicalSystem, scope: str, method: str, place: str
) -> None:
    """SMART App Launch 2.2, scopes: type and letter decide."""
    gp_system.scope = scope
    sent = () if method == "get" else ({"resourceType": "Patient", "id": "1"},)

    assert issues(getattr(gp_system, method)(f"/fhir/R4/{place}", *sent), 403)


def test_an_include_needs_the_scope_of_what_is_included(
    gp_system: cast.ClinicalSystem,
) -> None:
    """SMART App Launch 2.2, scopes: nothing comes in sideways."""
    gp_system.scope = "system/Task.rs"

    assert issues(gp_system.get("/fhir/R4/Task?_include=Task:patient"), 403)


def test_what_is_anothers_is_answered_like_what_is_not_there(
    other_gp_system: cast.ClinicalSystem, referral: Resource
) -> None:
    """R4 security: a refusal tells nothing of what there is."""
    foreign = other_gp_system.get(f"/fhir/R4/ServiceRequest/{referral['id']}")
    absent = other_gp_system.get(f"/fhir/R4/ServiceRequest/{uuid4()}")

    assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content)
    assert foreign.status_code == 404


def test_active_content_in_a_narrative_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 narrative, txt-1: no scripts."""
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>'
    sent = cast.referral_for(person) | {"text": {"status": "generated", "div": div}}

    assert issues(gp_system.post("/fhir/R4/ServiceRequest", sent), 422)


# The headers of BaRS


@pytest.fixture
def bars_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A system registered for the Booking and Referral Standard."""
    Client.objects.filter(pk=gp_system.client_id).update(is_bars=True)
    return gp_system


def _ids() -> dict[str, str]:
    return {"X_Request_ID": str(uuid4()), "X_Correlation_ID": str(uuid4())}


@pytest.mark.parametrize("missing", ["X_Request_ID", "X_Correlation_ID"])
def test_bars_ids_are_mandatory(
    bars_system: cast.ClinicalSystem, person: Person, missing: str
) -> None:
    """BaRS, headers: a missing id is 400 with the issue code required."""
    headers = {name: value for name, value in _ids().items() if name != missing}

    answer = bars_system.post("/fhir/R4/ServiceRequest", cast.referral_for(person), **headers)

    assert issues(answer, 400)[0]["code"] == "required"


def test_bars_ids_are_guids(bars_system: cast.ClinicalSystem, person: Person) -> None:
    """BaRS, headers: an id that is no GUID is 400 with the issue code invalid."""
    headers = _ids() | {"X_Request_ID": "1"}

    answer = bars_system.post("/fhir/R4/ServiceRequest", cast.referral_for(person), **headers)

    assert issues(answer, 400)[0]["code"] == "invalid"


@pytest.mark.parametrize("place", ["metadata", "Patient/nobody", "Task"])
def test_bars_ids_are_echoed_on_every_answer(gp_system: cast.ClinicalSystem, place: str) -> None:
    """BaRS, headers: both come back, on errors too."""
    headers = _ids()

    answer = gp_system.get(f"/fhir/R4/{place}", **headers)

    assert answer["X-Request-ID"] == headers["X_Request_ID"]
    assert answer["X-Correlation-ID"] == headers["X_Correlation_ID"]


def test_bars_request_that_was_processed_is_409_duplicate(
    bars_system: cast.ClinicalSystem, person: Person
) -> None:
    """BaRS, transactional integrity: the same X-Request-ID again."""
    headers, sent = _ids(), cast.referral_for(person)
    bars_system.post("/fhir/R4/ServiceRequest", sent, **headers)

    again = bars_system.post("/fhir/R4/ServiceRequest", sent, **headers)

    assert issues(again, 409)[0]["code"] == "duplicate"


# A Task of SDOHCC


def test_sdohcc_task_fulfils_a_service_request(task: Resource, referral: Resource) -> None:
    """SDOHCC TaskForReferralManagement: code fulfill, intent order, focus on the ServiceRequest."""
    assert task["code"]["coding"][0]["code"] == "fulfill"
    assert task["intent"] == "order"
    assert task["focus"]["reference"] == f"ServiceRequest/{referral['id']}"


@pytest.mark.parametrize("element", ["status", "for", "authoredOn", "requester"])
def test_sdohcc_task_has_what_is_required(task: Resource, element: str) -> None:
    """SDOHCC TaskForReferralManagement: 1..1."""
    assert task[element]


def test_sdohcc_task_is_never_shown_as_ready_or_received(
    gp_system: cast.ClinicalSystem, referral: Resource, get: Get
) -> None:
    """SDOHCC TaskForReferralManagement: both statuses are excluded."""
    entries = get(f"Task/{referral['id']}/_history")["entry"]

    assert {entry["resource"]["status"] for entry in entries}.isdisjoint({"ready", "received"})


def test_sdohcc_requester_cancels_with_a_reason_in_words(
    gp_system: cast.ClinicalSystem, task: Resource, get: Get
) -> None:
    """SDOHCC TaskForReferralManagement: either party cancels; statusReason has a text."""
    reason = {"text": "Another way was found."}
    sent = task | {"status": "cancelled", "statusReason": reason}

    ended = body(gp_system.put(f"/fhir/R4/Task/{task['id']}", sent))

    assert (ended["status"], ended["statusReason"]) == ("cancelled", reason)
    assert get(f"ServiceRequest/{task['id']}")["status"] == "revoked"


@pytest.mark.parametrize("status", ["rejected", "in-progress", "failed", "completed"])
def test_sdohcc_performers_statuses_are_not_the_requesters(
    gp_system: cast.ClinicalSystem, task: Resource, status: str
) -> None:
    """SDOHCC TaskForReferralManagement: the performer sets these."""
    answer = gp_system.put(f"/fhir/R4/Task/{task['id']}", task | {"status": status})

    assert issues(answer, 422)[0]["code"] == "business-rule"


def test_sdohcc_task_of_nobody_is_found_by_its_missing_owner(
    gp_system: cast.ClinicalSystem, person: Person, get: Get
) -> None:
    """SDOHCC, open Tasks: owner:missing and status."""
    referral = json.loads(gp_system.refer(person).content)
    owned_by_us = get("Task?owner:missing=true&status=requested")

    answer = gp_system.post("/fhir/R4/Task", task_for(referral["id"]))

    assert answer.status_code == 201, answer.content
    assert owned_by_us["total"] == 0
    assert get("Task?owner:missing=true&status=requested")["total"] == 1
