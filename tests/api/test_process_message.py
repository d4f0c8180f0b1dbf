"""Messages of the Booking and Referral Standard: referring somebody, taking that back, and all that is refused."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from accounts.models import Client
from audit.models import Action, Entry
from config.fictional import Person
from jobs.models import Job
from referrals.models import Patient, Referral
from tests import cast
from tests.api.answers import Answer, issues, places, row_counts
from tests.api.messages import ODS, Message, Resource, cancelling
from tests.integrations.fhir.cast import check

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
PATH = "/fhir/R4/$process-message"
EVERYTHING = "system/ServiceRequest.crus system/Task.rs system/Patient.cr"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"

pytestmark = pytest.mark.django_db


@pytest.fixture
def gp_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that may take referrals back, too."""
    Client.objects.filter(pk=gp_system.client_id).update(scope=EVERYTHING)
    gp_system.scope = EVERYTHING
    return gp_system


@pytest.fixture
def strict_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """The same one, registered as strict."""
    Client.objects.filter(pk=gp_system.client_id).update(is_strict=True)
    return gp_system


@pytest.fixture
def bars_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """The same one, registered for the Booking and Referral Standard."""
    Client.objects.filter(pk=gp_system.client_id).update(is_bars=True)
    return gp_system


@pytest.fixture
def referral_id(gp_system: cast.ClinicalSystem, person: Person) -> str:
    """A referral that came as a message."""
    gp_system.post(PATH, Message(person).bundle)
    return str(Referral.objects.get().pk)


def body(answer: Answer) -> Resource:
    """The message back, after making sure that it is one."""
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == cast.FHIR_JSON
    read: Resource = json.loads(answer.content)
    assert (read["resourceType"], read["type"]) == ("Bundle", "message")
    assert check(read) == []
    return read


def resources(answer: Answer) -> dict[str, Resource]:
    """The resources of the message back, by type."""
    return {one["resource"]["resourceType"]: one["resource"] for one in body(answer)["entry"]}


def encoded(content: Any) -> str:
    """JSON as an NHSD header carries it."""
    return base64.b64encode(json.dumps(content).encode()).decode()


# A new referral


def test_a_message_refers_a_patient(gp_system: cast.ClinicalSystem, person: Person) -> None:
    message = Message(person)

    answer = gp_system.post(PATH, message.bundle)

    back = resources(answer)
    referral = Referral.objects.get()
    assert referral.patient.nhs_number == person.nhs_number
    assert Job.objects.filter(kind="match").get().payload == {"referral_id": str(referral.pk)}
    header = back["MessageHeader"]
    assert header["eventCoding"]["code"] == "servicerequest-response"
    assert header["response"] == {"identifier": message.id, "code": "ok"}
    assert header["focus"] == [{"reference": f"{BASE}/ServiceRequest/{referral.pk}"}]
    assert header["destination"] == [{"endpoint": message.header["source"]["endpoint"]}]
    assert header["source"]["endpoint"] == message.header["destination"][0]["endpoint"]
    assert back["ServiceRequest"]["id"] == str(referral.pk)
    assert back["ServiceRequest"]["status"] == "active"
    assert back["Task"]["businessStatus"]["coding"][0]["code"] == "received-by-service"


def test_the_referral_and_the_patient_are_kept_word_for_word(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    message = Message(person)
    message.request["quantityQuantity"] = {"value": 1}

    gp_system.post(PATH, json.dumps(message.bundle).replace('"value": 1}', '"value": 1.50}'))

    referral = Referral.objects.get()
    read = gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}")
    kept = json.loads(read.content)
    ours = {"id", "meta", "identifier", "subject", "quantityQuantity"}
    assert {name: value for name, value in kept.items() if name not in ours} == {
        name: value for name, value in message.request.items() if name not in ours
    }
    assert b'"value":1.50' in read.content
    patient = json.loads(gp_system.get(f"/fhir/R4/Patient/{referral.patient_id}").content)
    del patient["id"], patient["meta"]
    assert patient == message.patient


def test_the_answer_holds_no_task_for_a_token_that_does_not_cover_it(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.scope = "system/ServiceRequest.c system/Patient.c"

    answer = gp_system.post(PATH, Message(person).bundle)

    assert set(resources(answer)) == {"MessageHeader", "ServiceRequest"}


def test_a_referral_is_found_by_the_id_of_its_message(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    message = Message(person)
    gp_system.post(PATH, message.bundle)

    system = f"{settings.PUBLIC_BASE_URL}/fhir/Id/message"
    found = gp_system.get(f"/fhir/R4/ServiceRequest?identifier={system}|{message.id}")

    assert json.loads(found.content)["total"] == 1


def test_the_requester_is_followed_into_the_message(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    message = Message(person)
    message.practice["identifier"][0]["value"] = "A81001"
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post(PATH, message.bundle)

    [issue] = issues(answer, 422)
    assert issue["expression"] == ["Bundle.entry[1].resource.requester"]
    assert row_counts() == before


@pytest.mark.parametrize("status", ["triaged", "finished"])
def test_the_encounter_is_triaged_or_finished(
    gp_system: cast.ClinicalSystem, person: Person, status: str
) -> None:
    message = Message(person)
    message.encounter["status"] = status

    body(gp_system.post(PATH, message.bundle))


# The same message again


def test_the_same_message_again_is_a_duplicate(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    message = Message(person)
    gp_system.post(PATH, message.bundle)
    del message.request["identifier"]
    before = row_counts()

    again = gp_system.post(PATH, message.bundle)

    [issue] = issues(again, 409)
    assert issue["code"] == "duplicate"
    assert again["Location"] == f"{BASE}/ServiceRequest/{Referral.objects.get().pk}"
    assert row_counts() == before


def test_a_bars_request_is_carried_out_once_and_its_ids_are_echoed(
    bars_system: cast.ClinicalSystem, person: Person
) -> None:
    ids = {"X_Request_ID": str(uuid4()), "X_Correlation_ID": str(uuid4())}
    message = Message(person)

    first = bars_system.post(PATH, message.bundle, **ids)
    again = bars_system.post(PATH, message.bundle, **ids)

    body(first)
    [issue] = issues(again, 409)
    assert (issue["code"], issue["details"]["coding"][0]["code"]) == ("duplicate", "REC_CONFLICT")
    for answer in (first, again):
        assert answer["X-Request-ID"] == ids["X_Request_ID"]
        assert answer["X-Correlation-ID"] == ids["X_Correlation_ID"]


@pytest.mark.parametrize(
    ("ids", "code"),
    [({}, "required"), ({"X_Request_ID": "1", "X_Correlation_ID": str(uuid4())}, "invalid")],
)
def test_a_bars_request_needs_its_ids(
    bars_system: cast.ClinicalSystem, person: Person, ids: dict[str, str], code: str
) -> None:
    [issue] = issues(bars_system.post(PATH, Message(person).bundle, **ids), 400)

    assert issue["code"] == code
    assert not Referral.objects.exists()


def test_the_same_key_gives_the_first_answer_again(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    message = Message(person)
    first = gp_system.post(PATH, message.bundle, Idempotency_Key="k")
    run_jobs()

    again = gp_system.post(PATH, message.bundle, Idempotency_Key="k")

    assert again.content == first.content
    assert Referral.objects.count() == 1


# Taking back


@pytest.mark.parametrize("status", ["revoked", "entered-in-error"])
def test_a_message_takes_a_referral_back(
    gp_system: cast.ClinicalSystem, person: Person, referral_id: str, status: str
) -> None:
    message = cancelling(person, referral_id, status)

    answer = gp_system.post(PATH, message.bundle)

    back = resources(answer)
    assert back["MessageHeader"]["response"]["identifier"] == message.id
    assert back["ServiceRequest"]["id"] == referral_id
    assert back["ServiceRequest"]["status"] == status
    assert back["ServiceRequest"]["meta"]["versionId"] == "2"
    assert back["Task"]["statusReason"] == {"text": "Chose another way."}
    assert Referral.objects.get().status == status
    reads = Entry.objects.filter(action=Action.REFERRAL_READ)
    assert {read.target for read in reads} == {f"ServiceRequest/{referral_id}"}


def test_a_referral_to_be_taken_back_may_be_named_by_its_senders_identifier(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    first = Message(person)
    gp_system.post(PATH, first.bundle)
    message = cancelling(person, "of-no-meaning")
    message.request["identifier"] = first.request["identifier"]

    body(gp_system.post(PATH, message.bundle))

    assert Referral.objects.get().status == "revoked"


def test_a_referral_that_came_otherwise_can_be_taken_back(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.refer(person)

    body(gp_system.post(PATH, cancelling(person, str(Referral.objects.get().pk)).bundle))

    assert Referral.objects.get().status == "revoked"


@pytest.mark.parametrize(
    "meta", [{"versionId": "1"}, {"lastUpdated": "2020-01-01T00:00:00Z"}], ids=["version", "moment"]
)
def test_what_is_newer_here_than_its_sender_knows_is_a_conflict(
    gp_system: cast.ClinicalSystem,
    person: Person,
    referral_id: str,
    run_jobs: cast.RunJobs,
    meta: Resource,
) -> None:
    run_jobs()
    message = cancelling(person, referral_id)
    message.request["meta"] = meta

    answer = gp_system.post(PATH, message.bundle)

    [issue] = issues(answer, 409)
    assert issue["code"] == "conflict"
    assert not answer.has_header("Location")
    assert Referral.objects.get().status == "active"


def test_who_has_read_the_newest_version_may_take_it_back(
    gp_system: cast.ClinicalSystem, person: Person, referral_id: str, run_jobs: cast.RunJobs
) -> None:
    run_jobs()
    newest = json.loads(gp_system.get(f"/fhir/R4/ServiceRequest/{referral_id}").content)
    message = cancelling(person, referral_id)
    message.request["meta"] = newest["meta"]

    body(gp_system.post(PATH, message.bundle))


def test_a_referral_is_not_taken_back_for_another_patient(
    gp_system: cast.ClinicalSystem, person: Person, referral_id: str
) -> None:
    message = cancelling(person, referral_id)
    message.patient["birthDate"] = "1931-01-01"
    del message.patient["identifier"]

    [issue] = issues(gp_system.post(PATH, message.bundle), 422)

    assert issue["expression"] == ["Bundle.entry[1].resource.subject"]
    assert Referral.objects.get().status == "active"


def test_a_referral_is_taken_back_once(
    gp_system: cast.ClinicalSystem, person: Person, referral_id: str
) -> None:
    gp_system.post(PATH, cancelling(person, referral_id).bundle)

    [issue] = issues(gp_system.post(PATH, cancelling(person, referral_id).bundle), 422)

    assert issue["code"] == "business-rule"


def test_another_practices_referral_is_answered_like_one_that_is_not_there(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    referral_id: str,
) -> None:
    Client.objects.filter(pk=other_gp_system.client_id).update(scope=EVERYTHING)
    other_gp_system.scope = EVERYTHING

    foreign = other_gp_system.post(PATH, cancelling(person, referral_id).bundle)
    absent = other_gp_system.post(PATH, cancelling(person, str(uuid4())).bundle)

    [issue] = issues(foreign, 404)
    assert issue["details"]["coding"][0]["code"] == "REC_NOT_FOUND"
    assert foreign.content == absent.content
    denied = Entry.objects.filter(action=Action.ACCESS_DENIED)
    assert f"ServiceRequest/{referral_id}" in {one.target for one in denied}
    assert Referral.objects.get().status == "active"


# Who may


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ("system/ServiceRequest.c", "system/Patient.c"),
        ("system/Patient.c", "system/ServiceRequest.c"),
    ],
)
def test_referring_needs_the_scopes_to_create_both(
    gp_system: cast.ClinicalSystem, person: Person, scope: str, missing: str
) -> None:
    gp_system.scope = scope

    [issue] = issues(gp_system.post(PATH, Message(person).bundle), 403)

    assert missing in issue["diagnostics"]
    assert not Patient.objects.exists()


def test_taking_back_needs_the_scope_to_update(
    gp_system: cast.ClinicalSystem, person: Person, referral_id: str
) -> None:
    gp_system.scope = "system/ServiceRequest.crs system/Patient.c"
    gp_system.sign_in()

    issues(gp_system.post(PATH, cancelling(person, referral_id).bundle), 403)

    assert Referral.objects.get().status == "active"


def test_who_sends_no_token_is_not_let_in(stranger: Any, person: Person) -> None:
    answer = stranger.post(PATH, json.dumps(Message(person).bundle), content_type=cast.FHIR_JSON)

    issues(answer, 401)


# The NHSD headers

_ORGANISATION = {"resourceType": "Organization", "identifier": [{"system": ODS}]}


def organisation(code: str) -> Resource:
    """An Organization with an ODS code."""
    return {"resourceType": "Organization", "identifier": [{"system": ODS, "value": code}]}


def test_right_headers_are_taken(gp_system: cast.ClinicalSystem, person: Person) -> None:
    answer = gp_system.post(
        PATH,
        Message(person).bundle,
        NHSD_End_User_Organisation=encoded(organisation(cast.PRACTICE)),
        NHSD_Requesting_Practitioner=encoded({"resourceType": "PractitionerRole"}),
        NHSD_Requesting_Software=encoded({"resourceType": "Device"}),
        NHSD_Target_Identifier=encoded({"system": "urn:example:services", "value": "1"}),
    )

    body(answer)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("NHSD_End_User_Organisation", "%", 400),
        ("NHSD_End_User_Organisation", encoded([]), 400),
        ("NHSD_End_User_Organisation", encoded({"resourceType": "Device"}), 400),
        ("NHSD_End_User_Organisation", encoded(_ORGANISATION), 400),
        ("NHSD_End_User_Organisation", encoded(organisation("A81001")), 403),
        ("NHSD_Requesting_Practitioner", encoded({"resourceType": "Practitioner"}), 400),
        ("NHSD_Requesting_Software", base64.b64encode(b"\xff").decode(), 400),
        ("NHSD_Target_Identifier", encoded({"value": "1"}), 400),
    ],
)
def test_wrong_headers_are_refused(
    gp_system: cast.ClinicalSystem, person: Person, name: str, value: str, status: int
) -> None:
    [issue] = issues(gp_system.post(PATH, Message(person).bundle, **{name: value}), status)

    assert name.replace("_", "-") in issue["diagnostics"]
    assert "A81001" not in issue["diagnostics"]
    assert not Referral.objects.exists()


# What does not go together

_REQUEST, _RESPONSE = "servicerequest-request", "servicerequest-response"
_SENSELESS = [
    (event, reason, status)
    for event in (_REQUEST, _RESPONSE)
    for reason in ("new", "update", "other")
    for status in ("draft", "active", "on-hold", "revoked", "completed", "entered-in-error")
    if (event, reason, status)
    not in {
        (_REQUEST, "new", "active"),
        (_REQUEST, "update", "revoked"),
        (_REQUEST, "update", "entered-in-error"),
        (_RESPONSE, "new", "revoked"),
    }
]


@pytest.mark.parametrize(("event", "reason", "status"), _SENSELESS)
def test_every_other_workflow_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, event: str, reason: str, status: str
) -> None:
    message = Message(person)
    message.set_workflow(event, reason, status)

    found = issues(gp_system.post(PATH, message.bundle), 400)

    assert places(found) == {("invariant", "Bundle.entry[1].resource.status")}
    assert found[0]["details"]["coding"][0]["code"] == "REC_BAD_REQUEST"


def test_feedback_has_no_request_of_ours_to_answer(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    message = Message(person)
    message.set_workflow(_RESPONSE, "new", "revoked")
    message.header["response"] = {"identifier": str(uuid4()), "code": "ok"}

    [issue] = issues(gp_system.post(PATH, message.bundle), 404)

    assert issue["details"]["coding"][0]["code"] == "REC_NOT_FOUND"
    assert issue["expression"] == ["Bundle.entry[0].resource.response"]


@pytest.mark.parametrize("event", ["booking-request", "booking-response", "something"])
def test_another_event_is_not_served(
    gp_system: cast.ClinicalSystem, person: Person, event: str
) -> None:
    message = Message(person)
    message.header["eventCoding"]["code"] = event

    [issue] = issues(gp_system.post(PATH, message.bundle), 422)

    assert issue["code"] == "not-supported"
    assert issue["details"]["coding"][0]["code"] == "REC_UNPROCESSABLE_ENTITY"


Spoil = Callable[[Message], object]

_SPOILT: dict[str, tuple[Spoil, int, set[tuple[str, str]]]] = {
    "another category": (
        lambda m: m.request["category"][0]["coding"][0].update(code="validation"),
        400,
        {("invariant", "Bundle.entry[1].resource.status")},
    ),
    "no category": (
        lambda m: m.request.pop("category"),
        400,
        {("invariant", "Bundle.entry[1].resource.status")},
    ),
    "no focus": (
        lambda m: m.header.pop("focus"),
        400,
        {("invariant", "Bundle.entry[0].resource.focus")},
    ),
    "a focus elsewhere": (
        lambda m: m.header.update(focus=[m.to("patient")]),
        400,
        {("invariant", "Bundle.entry[0].resource.focus")},
    ),
    "an open plan": (
        lambda m: m.plan.update(status="active"),
        400,
        {("invariant", "Bundle.entry[3].resource.status")},
    ),
    "no plan": (
        lambda m: m.request.pop("basedOn"),
        400,
        {("invariant", "Bundle.entry[1].resource.basedOn")},
    ),
    "a patient not yet seen": (
        lambda m: m.encounter.update(status="planned"),
        400,
        {("invariant", "Bundle.entry[4].resource.status")},
    ),
    "no encounter": (
        lambda m: m.request.pop("encounter"),
        400,
        {("invariant", "Bundle.entry[1].resource.encounter")},
    ),
    "a wrong check digit": (
        lambda m: m.patient.update(identifier=[{"system": NHS_NUMBER, "value": "9990000001"}]),
        422,
        {("value", "Bundle.entry[2].resource.identifier[0].value")},
    ),
    "no date of birth": (
        lambda m: m.patient.pop("birthDate"),
        422,
        {("required", "Bundle.entry[1].resource.subject.resolve().birthDate")},
    ),
    "a dangling reference": (
        lambda m: m.request.update(supportingInfo=[{"reference": uuid4().urn}]),
        422,
        {("not-found", "Bundle.entry[1].resource.supportingInfo[0].reference")},
    ),
    "a patient who is not there": (
        lambda m: m.request.update(subject={"reference": uuid4().urn}),
        422,
        {("not-found", "Bundle.entry[1].resource.subject.reference")},
    ),
    "no code": (
        lambda m: m.request.pop("code"),
        422,
        {("code-invalid", "Bundle.entry[1].resource.code")},
    ),
    "an unknown element": (
        lambda m: m.doctor.update(colour="red"),
        400,
        {("structure", "Bundle.entry[5].resource.colour")},
    ),
    "many things": (
        lambda m: (
            m.request.pop("code"),
            m.plan.update(status="active"),
            m.patient.update(identifier=[{"system": NHS_NUMBER, "value": "9990000001"}]),
            m.doctor.update(colour="red"),
        ),
        400,
        {
            ("structure", "Bundle.entry[5].resource.colour"),
            ("code-invalid", "Bundle.entry[1].resource.code"),
            ("invariant", "Bundle.entry[3].resource.status"),
            ("value", "Bundle.entry[2].resource.identifier[0].value"),
        },
    ),
}


@pytest.mark.parametrize(("spoil", "status", "wanted"), _SPOILT.values(), ids=_SPOILT)
def test_every_fault_is_named_and_nothing_is_written(
    gp_system: cast.ClinicalSystem,
    person: Person,
    spoil: Spoil,
    status: int,
    wanted: set[tuple[str, str]],
) -> None:
    message = Message(person)
    spoil(message)
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post(PATH, message.bundle)

    assert places(issues(answer, status)) == wanted
    assert row_counts() == before
    assert person.nhs_number not in answer.content.decode()


def test_a_message_needs_an_id(gp_system: cast.ClinicalSystem, person: Person) -> None:
    sent = Message(person).bundle
    del sent["id"]

    assert places(issues(gp_system.post(PATH, sent), 400)) == {("required", "Bundle.id")}


@pytest.mark.parametrize("kind", ["transaction", "collection", "searchset"])
def test_only_messages_are_taken(gp_system: cast.ClinicalSystem, person: Person, kind: str) -> None:
    sent = Message(person).bundle | {"type": kind}

    assert ("invariant", "Bundle.type") in places(issues(gp_system.post(PATH, sent), 400))


def test_a_message_begins_with_its_header(gp_system: cast.ClinicalSystem, person: Person) -> None:
    sent = Message(person).bundle
    sent["entry"].reverse()

    issues(gp_system.post(PATH, sent), 400)

    assert not Referral.objects.exists()


# What real senders do


_DEVIATIONS: dict[str, tuple[Spoil, str]] = {
    "no application version": (lambda m: m.meta.clear(), "Bundle.meta.versionId"),
    "an older code system": (
        lambda m: m.header["eventCoding"].update(
            system="https://fhir.nhs.uk/CodeSystem/message-event-servicerequest"
        ),
        "Bundle.entry[0].resource.event.system",
    ),
}


@pytest.mark.parametrize(("deviate", "place"), _DEVIATIONS.values(), ids=_DEVIATIONS)
def test_a_known_deviation_is_a_warning_in_the_message_back(
    gp_system: cast.ClinicalSystem, person: Person, deviate: Spoil, place: str
) -> None:
    message = Message(person)
    deviate(message)
    sent = {**message.bundle, "meta": message.meta or {"lastUpdated": "2026-01-01T00:00:00Z"}}

    answer = gp_system.post(PATH, sent)

    back = resources(answer)
    [issue] = back["OperationOutcome"]["issue"]
    assert (issue["severity"], issue["expression"]) == ("warning", [place])
    named = back["MessageHeader"]["response"]["details"]["reference"]
    assert named in [one["fullUrl"] for one in body(answer)["entry"]]


@pytest.mark.parametrize(("deviate", "place"), _DEVIATIONS.values(), ids=_DEVIATIONS)
def test_a_known_deviation_is_a_fault_of_a_strict_sender(
    strict_system: cast.ClinicalSystem, person: Person, deviate: Spoil, place: str
) -> None:
    message = Message(person)
    deviate(message)
    sent = {**message.bundle, "meta": message.meta or {"lastUpdated": "2026-01-01T00:00:00Z"}}

    answer = strict_system.post(PATH, sent)

    assert {expression for _, expression in places(issues(answer, 400))} == {place}
    assert not Referral.objects.exists()


def test_the_reason_of_a_published_example_takes_a_referral_back_too(
    gp_system: cast.ClinicalSystem, person: Person, referral_id: str
) -> None:
    message = cancelling(person, referral_id)
    message.set_workflow(_REQUEST, "delete", "revoked")

    back = resources(gp_system.post(PATH, message.bundle))

    [issue] = back["OperationOutcome"]["issue"]
    assert issue["expression"] == ["Bundle.entry[0].resource.reason"]
    assert Referral.objects.get().status == "revoked"


def test_the_operation_is_stated(gp_system: cast.ClinicalSystem) -> None:
    [rest] = json.loads(gp_system.get("/fhir/R4/metadata").content)["rest"]

    assert "process-message" in {one["name"] for one in rest["operation"]}


def test_a_reader_is_told_that_messages_are_posted(gp_system: cast.ClinicalSystem) -> None:
    issues(gp_system.get(PATH), 405)


def test_the_moment_of_the_answer_is_that_of_the_referral(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    answer = gp_system.post(PATH, Message(person).bundle)

    said = datetime.fromisoformat(body(answer)["timestamp"])
    kept = Referral.objects.get().received_at.astimezone(UTC)
    assert abs((kept - said).total_seconds()) < 0.001
