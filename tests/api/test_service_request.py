"""ServiceRequest, Patient and Task by HTTP: what is taken, what comes back, and who sees it."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.timezone import localdate

from accounts.models import Organisation
from audit.models import Action, Entry
from config.fictional import Person, patient_resource, people, referral_resource
from integrations.fhir import wire
from jobs.models import Job, JobKind, JobState
from jobs.queue import WORK
from referrals.lifecycle import BusinessStatus
from referrals.models import Patient, Referral, ReferralIdentifier
from tests import cast
from tests.api.answers import Answer, issues, places, row_counts, stored_text

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
OUR_REFERENCE = f"{settings.PUBLIC_BASE_URL}/fhir/Id/referral"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"

pytestmark = pytest.mark.django_db


def body(answer: Answer) -> dict[str, Any]:
    """A resource with its numbers as they were written."""
    resource = wire.load(answer.content.decode())
    assert isinstance(resource, dict)
    return resource


def known_patient(gp_system: cast.ClinicalSystem, person: Person) -> str:
    """The id of a patient made known ahead of a referral."""
    answer = gp_system.post("/fhir/R4/Patient", patient_resource(person))
    assert answer.status_code == 201, answer.content
    return str(body(answer)["id"])


def referral_of_known(subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A ServiceRequest without a patient inside."""
    resource = referral_resource(
        base_url=settings.PUBLIC_BASE_URL, identifier=uuid4().hex, subject=subject
    )
    return {**resource, **more}


def path_of(location: str) -> str:
    """The path of a Location, which must lie on this server."""
    assert location.startswith(settings.PUBLIC_BASE_URL)
    return location.removeprefix(settings.PUBLIC_BASE_URL)


# Created


def test_a_referral_is_answered_with_its_place_and_version(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    answer = gp_system.refer(person)

    assert answer.status_code == 201
    assert answer["Content-Type"] == cast.FHIR_JSON
    assert answer["ETag"] == 'W/"1"'
    assert answer["Last-Modified"].endswith("GMT")
    assert answer["Cache-Control"] == "no-store"
    made = body(answer)
    assert answer["Location"] == f"{BASE}/ServiceRequest/{made['id']}/_history/1"
    assert made["meta"]["versionId"] == "1"
    assert body(gp_system.get(path_of(answer["Location"]))) == made
    assert body(gp_system.get(f"/fhir/R4/ServiceRequest/{made['id']}")) == made


def test_everything_is_written_in_one_transaction(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.sign_in()
    before = row_counts()

    made = body(gp_system.refer(person))

    after = row_counts()
    written = {table: n - before[table] for table, n in after.items() if n != before[table]}
    assert written == {
        "referrals_patient": 1,
        "referrals_patientversion": 1,
        "referrals_referral": 1,
        "referrals_referraldocument": 1,
        "referrals_referral_conditions": 1,
        "referrals_referralidentifier": 1,
        "referrals_referralterm": 1,  # the code
        "referrals_statuschange": 1,
        "jobs_job": 2,  # to match it, and to tell who wants to know
        "audit_entry": 3,
    }
    referral = Referral.objects.get(pk=made["id"])
    job = Job.objects.get(kind=JobKind.MATCH)
    assert job.state == JobState.QUEUED
    assert job.payload == {"referral_id": str(referral.pk)}
    assert job.created_at == referral.received_at
    assert set(Entry.objects.order_by("-pk")[:3].values_list("action", flat=True)) == {
        Action.PATIENT_RECEIVED,
        Action.REFERRAL_RECEIVED,
        Action.REFERRAL_MOVED,
    }


def test_receiving_and_reading_take_a_bounded_number_of_queries(
    gp_system: cast.ClinicalSystem,
    person: Person,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    gp_system.sign_in()

    # Two of them for whose rows are there, one for whether a reason falls under a safety code.
    with django_assert_max_num_queries(29):
        made = body(gp_system.refer(person))
    with django_assert_max_num_queries(8):  # three of them for whose rows are there
        gp_system.get(f"/fhir/R4/ServiceRequest/{made['id']}")


def test_a_referral_that_is_rolled_back_leaves_no_job(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.sign_in()
    before = row_counts()

    with transaction.atomic():
        assert gp_system.refer(person).status_code == 201
        transaction.set_rollback(True)

    assert row_counts() == before


def test_the_patient_is_kept_encrypted(gp_system: cast.ClinicalSystem) -> None:
    person = next(people(seed=77))
    resource = cast.referral_for(person)
    resource["contained"][0]["address"] = [{"postalCode": "E8 1AA", "text": "Canary Buildings"}]
    resource["note"] = [{"text": "canary note 5d1e"}]

    answer = gp_system.post("/fhir/R4/ServiceRequest", resource)

    assert answer.status_code == 201
    stored = stored_text()
    for canary in (person.nhs_number, person.phone, str(person.birth_date), "E8 1AA", "anary"):
        assert canary not in stored
    patient = Patient.objects.get()
    assert (patient.nhs_number, patient.postcode) == (person.nhs_number, "E8 1AA")
    assert patient.birth_date == person.birth_date


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_gone_does_not_stop_a_referral(
    gp_system: cast.ClinicalSystem, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudges: list[str] = []
    real = current_app.send_task

    def send_for_real(*args: Any, **more: Any) -> None:
        nudges.append(args[0])
        with current_app.connection_for_write("amqp://127.0.0.1:1//") as closed_port:
            real(*args, connection=closed_port, **more)

    monkeypatch.setattr(current_app, "send_task", send_for_real)

    answer = gp_system.refer(person)

    assert answer.status_code == 201
    assert nudges == [WORK]
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.QUEUED}


# The subject


def test_a_referral_may_refer_to_a_patient_made_known_before(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient_id = known_patient(gp_system, person)

    made = [
        body(gp_system.post("/fhir/R4/ServiceRequest", referral_of_known({"reference": reference})))
        for reference in (f"Patient/{patient_id}", f"{BASE}/Patient/{patient_id}")
    ]

    assert Patient.objects.count() == 1
    assert {resource["subject"]["reference"] for resource in made} == {f"Patient/{patient_id}"}
    assert Referral.objects.filter(patient_id=patient_id).count() == 2


def test_a_referral_may_name_a_known_patient_by_nhs_number(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient_id = known_patient(gp_system, person)
    subject = {"identifier": {"system": NHS_NUMBER, "value": person.nhs_number}}

    made = body(gp_system.post("/fhir/R4/ServiceRequest", referral_of_known(subject)))

    assert made["subject"] == {**subject, "reference": f"Patient/{patient_id}"}


def test_a_patient_sent_again_is_brought_up_to_date(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    first = gp_system.post("/fhir/R4/Patient", patient_resource(person))
    moved = {**patient_resource(person), "address": [{"postalCode": "E8 1AA"}]}

    second = gp_system.post("/fhir/R4/Patient", moved)

    assert (first.status_code, second.status_code) == (201, 200)
    assert body(first)["id"] == body(second)["id"]
    assert second["ETag"] == 'W/"2"'
    assert Patient.objects.get().postcode == "E8 1AA"


def test_another_practice_keeps_its_own_record_of_the_same_person(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    first, second = known_patient(gp_system, person), known_patient(other_gp_system, person)

    assert first != second
    issues(other_gp_system.get(f"/fhir/R4/Patient/{first}"), 404)


@pytest.mark.parametrize("is_foreign", [False, True], ids=["absent", "another practice's"])
def test_a_patient_that_is_not_known_here_is_not_found(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    *,
    is_foreign: bool,
) -> None:
    patient_id = known_patient(other_gp_system, person) if is_foreign else str(uuid4())
    number = person.nhs_number
    subjects = (
        {"reference": f"Patient/{patient_id}"},
        {"identifier": {"system": NHS_NUMBER, "value": number}},
    )
    gp_system.sign_in()
    before = row_counts()

    for subject in subjects:
        answer = gp_system.post("/fhir/R4/ServiceRequest", referral_of_known(subject))

        [issue] = issues(answer, 422)
        assert places([issue]) == {("not-found", "ServiceRequest.subject")}
        assert number not in answer.content.decode()
    assert row_counts() == before


# Read back


def test_what_was_sent_comes_back_word_for_word(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person)
    sent["text"] = {
        "status": "additional",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">A <b>bold</b> é</div>',
    }
    sent["authoredOn"] = "2026-11"
    sent["occurrencePeriod"] = {"start": "2026", "end": "2027-01-31T23:59:60+14:00"}
    sent["extension"] = [
        {"url": "https://example.org/unknown", "valueDecimal": "DECIMAL"},
        {"url": "https://example.org/nested", "extension": [{"url": "x", "valueDate": "1999"}]},
    ]
    sent["_authoredOn"] = {"extension": [{"url": "https://example.org/p", "valueBoolean": False}]}
    sent["quantityQuantity"] = {"value": "LARGE", "unit": "sessions"}
    sent["meta"] = {
        "versionId": "99",
        "lastUpdated": "2001-01-01T00:00:00Z",
        "tag": [{"system": "https://example.org/tags", "code": "kept"}],
    }
    sent["id"] = "the-senders-own"
    text = json.dumps(sent, ensure_ascii=False)
    text = text.replace('"DECIMAL"', "1.50").replace('"LARGE"', "12345678901234567890.10")

    answer = gp_system.post("/fhir/R4/ServiceRequest", text)

    assert answer.status_code == 201, answer.content
    assert b'"valueDecimal":1.50' in answer.content
    assert b'"value":12345678901234567890.10' in answer.content
    read = gp_system.get(path_of(answer["Location"]))
    assert read.content == answer.content
    came, want = body(read), wire.load(text)
    assert came.pop("id") != want.pop("id")
    meta = came.pop("meta")
    assert meta.pop("tag") == want.pop("meta")["tag"]
    assert meta.keys() == {"versionId", "lastUpdated"}
    assert meta["versionId"] == "1"
    *theirs, ours = came.pop("identifier")
    assert theirs == want.pop("identifier")
    assert ours["system"] == OUR_REFERENCE
    assert came == want
    assert list(came) == list(want), "the order of members is kept too"


def test_a_patient_comes_back_word_for_word(gp_system: cast.ClinicalSystem, person: Person) -> None:
    sent = patient_resource(person) | {
        "multipleBirthInteger": 2,
        "maritalStatus": {"text": "civil partnership"},
        "name": [{"use": "official", "given": ["Zoë", "Ng"], "_given": [None, {"id": "g2"}]}],
    }

    answer = gp_system.post("/fhir/R4/Patient", sent)

    came = body(gp_system.get(path_of(answer["Location"])))
    assert {name: came[name] for name in sent} == sent
    assert came.keys() - sent.keys() == {"id", "meta"}


def test_the_place_of_a_patient_stays_where_it_is_read(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    answers = [gp_system.post("/fhir/R4/Patient", patient_resource(person)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    for answer in answers:
        read = gp_system.get(path_of(answer["Location"]))
        assert (read.status_code, read["ETag"]) == (200, answer["ETag"])


def test_every_version_stays_readable(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    made = body(gp_system.refer(person))
    run_jobs()
    address = f"/fhir/R4/ServiceRequest/{made['id']}"

    newest = gp_system.get(address)

    assert newest["ETag"] == 'W/"3"'
    versions = [body(gp_system.get(f"{address}/_history/{version}")) for version in (1, 2, 3)]
    assert versions[0] == made
    assert [version["meta"]["versionId"] for version in versions] == ["1", "2", "3"]
    assert versions[2] == body(newest)
    assert {version["status"] for version in versions} == {"active"}
    tasks = [
        body(gp_system.get(f"/fhir/R4/Task/{made['id']}/_history/{version}"))
        for version in (1, 2, 3)
    ]
    assert [task["status"] for task in tasks] == ["requested", "accepted", "accepted"]
    assert [task["businessStatus"]["coding"][0]["code"] for task in tasks] == [
        BusinessStatus.RECEIVED,
        BusinessStatus.MATCHED,
        BusinessStatus.INVITATION_SENT,
    ]


@pytest.mark.parametrize("version", ["0", "2", "9" * 10, "9" * 20, "9" * 5000, "-1", "x", "1.0"])
@pytest.mark.parametrize("resource_type", ["ServiceRequest", "Task"])
def test_a_version_that_never_was_is_not_found(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str, version: str
) -> None:
    made = body(gp_system.refer(person))

    answer = gp_system.get(f"/fhir/R4/{resource_type}/{made['id']}/_history/{version}")

    issues(answer, 404)


def test_reading_leaves_a_trace(gp_system: cast.ClinicalSystem, person: Person) -> None:
    made = body(gp_system.refer(person))

    gp_system.get(f"/fhir/R4/ServiceRequest/{made['id']}")

    entry = Entry.objects.get(action=Action.REFERRAL_READ)
    assert entry.target == f"ServiceRequest/{made['id']}"
    assert entry.actor == f"client/{gp_system.client_id}"
    assert entry.organisation_id == gp_system.organisation.pk


# Who must not get in


def _telling(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer that could tell something."""
    return answer.status_code, answer.content, dict(answer.items())


@pytest.mark.parametrize(
    "address",
    [
        "ServiceRequest/{referral}",
        "ServiceRequest/{referral}/_history/1",
        "Task/{referral}",
        "Task/{referral}/_history/1",
        "Task?focus=ServiceRequest/{referral}",
        "Patient/{patient}",
    ],
)
def test_foreign_and_absent_are_answered_alike(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    address: str,
) -> None:
    referral_id = body(gp_system.refer(person))["id"]
    patient_id = str(Referral.objects.get(pk=referral_id).patient_id)
    own = gp_system.get("/fhir/R4/" + address.format(referral=referral_id, patient=patient_id))
    absent_id = str(uuid4())
    other_gp_system.sign_in()
    entries = Entry.objects.count()

    foreign = other_gp_system.get(
        "/fhir/R4/" + address.format(referral=referral_id, patient=patient_id)
    )
    absent = other_gp_system.get(
        "/fhir/R4/" + address.format(referral=absent_id, patient=absent_id)
    )

    assert own.status_code == 200
    status, content, headers = _telling(foreign)
    # A search repeats the id that was asked for in its self link, and nothing else of it.
    for asked_for in (referral_id, patient_id):
        content = content.replace(asked_for.encode(), absent_id.encode())
    assert (status, content, headers) == _telling(absent)
    assert status == (200 if "?" in address else 404)
    # A refused read leaves one line each, alike, and so does a search that finds nothing.
    assert Entry.objects.count() == entries + 2


@pytest.mark.parametrize(
    "address",
    ["ServiceRequest/{id}", "ServiceRequest/{id}/_history/1", "Task/{id}", "Patient/{id}"],
)
def test_without_a_token_nothing_is_read(
    gp_system: cast.ClinicalSystem, person: Person, stranger: Client, address: str
) -> None:
    referral = Referral.objects.get(pk=body(gp_system.refer(person))["id"])
    pk = referral.patient_id if address.startswith("Patient") else referral.pk

    answer = stranger.get("/fhir/R4/" + address.format(id=pk))

    issues(answer, 401)


@pytest.mark.parametrize("path", ["/fhir/R4/ServiceRequest", "/fhir/R4/Patient", "/fhir/R4"])
def test_without_a_token_nothing_is_written(
    stranger: Client, commissioner: Client, person: Person, path: str
) -> None:
    resource = json.dumps(cast.referral_for(person))
    before = row_counts()

    for nobody in (stranger, commissioner):
        answer = nobody.post(path, resource, content_type=cast.FHIR_JSON)

        issues(answer, 401)
    assert row_counts() == before


# The same one again


def test_the_same_referral_again_is_a_duplicate_and_writes_nothing(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    resource = cast.referral_for(person)
    first = gp_system.post("/fhir/R4/ServiceRequest", resource)
    before = row_counts()
    patient = Patient.objects.get()
    changed = deepcopy(resource)
    changed["contained"][0]["telecom"][0]["value"] = "07700 900999"

    again = gp_system.post("/fhir/R4/ServiceRequest", changed)

    [issue] = issues(again, 409)
    assert places([issue]) == {("duplicate", "ServiceRequest.identifier")}
    assert issue["details"]["coding"][0]["code"] == "REC_CONFLICT"
    read = gp_system.get(path_of(again["Location"]))
    assert body(read)["id"] == body(first)["id"]
    assert row_counts() == {**before, "audit_entry": before["audit_entry"] + 1}  # the reading
    assert Patient.objects.get().phone == patient.phone


def test_one_known_identifier_of_several_makes_a_duplicate(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    resource = cast.referral_for(person)
    gp_system.post("/fhir/R4/ServiceRequest", resource)
    fresh = {"system": "https://gp.example/other", "value": uuid4().hex}

    again = gp_system.post(
        "/fhir/R4/ServiceRequest", {**resource, "identifier": [fresh, *resource["identifier"]]}
    )

    issues(again, 409)
    assert not ReferralIdentifier.objects.filter(value=fresh["value"]).exists()


def test_an_identifier_given_twice_in_one_referral_is_one(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    resource = cast.referral_for(person)

    answer = gp_system.post(
        "/fhir/R4/ServiceRequest", {**resource, "identifier": resource["identifier"] * 2}
    )

    assert answer.status_code == 201
    assert ReferralIdentifier.objects.count() == 1


def test_a_referral_without_an_identifier_is_never_a_duplicate(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    resource = cast.referral_for(person)
    del resource["identifier"]

    answers = [gp_system.post("/fhir/R4/ServiceRequest", resource) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_another_client_may_use_the_same_identifier(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    colleague = cast.clinical_system(gp_system.organisation)
    resource = cast.referral_for(person)

    answers = [
        system.post("/fhir/R4/ServiceRequest", resource)
        for system in (gp_system, colleague, other_gp_system)
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert Referral.objects.count() == 3


# Refused


def _refusals() -> dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str]]]:
    """Changes to the referral, changes to its patient, and the code and place of the answer."""
    tomorrow = (localdate() + timedelta(days=1)).isoformat()
    in_patient = "ServiceRequest.subject.resolve()"
    return {
        "ended": ({"status": "completed"}, {}, ("business-rule", "ServiceRequest.status")),
        "no referral": ({"intent": "proposal"}, {}, ("business-rule", "ServiceRequest.intent")),
        "not to do": (
            {"doNotPerform": True},
            {},
            ("business-rule", "ServiceRequest.doNotPerform"),
        ),
        "another service": (
            {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}},
            {},
            ("code-invalid", "ServiceRequest.code"),
        ),
        "an unknown condition": (
            {
                "reasonCode": [
                    {"coding": [{"system": "http://snomed.info/sct", "code": "271737000"}]}
                ]
            },
            {},
            ("not-supported", "ServiceRequest.reasonCode"),
        ),
        "a condition of another system": (
            {"reasonCode": [{"coding": [{"system": "urn:oid:2.16", "code": "35489007"}]}]},
            {},
            ("not-supported", "ServiceRequest.reasonCode"),
        ),
        "a reason in words only": (
            {"reasonCode": [{"text": "low mood"}]},
            {},
            ("required", "ServiceRequest.reasonCode"),
        ),
        "no reason": ({"reasonCode": None}, {}, ("required", "ServiceRequest.reasonCode")),
        "another requester": (
            {"requester": {"identifier": {"system": ODS_CODE, "value": "A81001"}}},
            {},
            ("business-rule", "ServiceRequest.requester"),
        ),
        "deceased": ({}, {"deceasedBoolean": True}, ("business-rule", f"{in_patient}.deceased")),
        "deceased on a day": (
            {},
            {"deceasedDateTime": "2026-01"},
            ("business-rule", f"{in_patient}.deceased"),
        ),
        "no date of birth": ({}, {"birthDate": None}, ("required", f"{in_patient}.birthDate")),
        "a year of birth": ({}, {"birthDate": "1980"}, ("required", f"{in_patient}.birthDate")),
        "born tomorrow": ({}, {"birthDate": tomorrow}, ("value", f"{in_patient}.birthDate")),
        "born long ago": ({}, {"birthDate": "1850-01-01"}, ("value", f"{in_patient}.birthDate")),
        "a wrong check digit": (
            {},
            {"identifier": [{"system": NHS_NUMBER, "value": "9990000001"}]},
            ("value", "ServiceRequest.contained[0].identifier[0].value"),
        ),
    }


REFUSALS = _refusals()


@pytest.mark.parametrize(("changes", "of_patient", "place"), REFUSALS.values(), ids=REFUSALS)
def test_a_rule_that_stands_against_a_referral_is_named(
    gp_system: cast.ClinicalSystem,
    person: Person,
    changes: dict[str, Any],
    of_patient: dict[str, Any],
    place: tuple[str, str],
) -> None:
    resource = {**cast.referral_for(person), **changes}
    resource["contained"] = [_filled({**resource["contained"][0], **of_patient})]
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4/ServiceRequest", _filled(resource))

    found = issues(answer, 422)
    assert places(found) == {place}
    assert found[0]["details"]["coding"][0]["code"] == "REC_UNPROCESSABLE_ENTITY"
    assert row_counts() == before
    for received in (person.nhs_number, person.family_name, person.phone, "9990000001"):
        assert received not in answer.content.decode()


@pytest.mark.parametrize(
    "system",
    [
        NHS_NUMBER,
        "http://fhir.nhs.uk/id/nhs-number/",
        "http://fhir.nhs.net/Id/nhs-number",
    ],
)
@pytest.mark.parametrize("more", [{}, {"use": "old"}])
def test_an_nhs_number_is_no_identifier_of_a_referral(
    gp_system: cast.ClinicalSystem, person: Person, system: str, more: dict[str, str]
) -> None:
    resource = cast.referral_for(person)
    resource["identifier"].append({"system": system, "value": person.nhs_number, **more})
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4/ServiceRequest", resource)

    issue, *others = issues(answer, 422)
    assert {other["severity"] for other in others} <= {"warning"}
    assert (issue["code"], issue["expression"]) == (
        "business-rule",
        [f"ServiceRequest.identifier[{len(resource['identifier']) - 1}]"],
    )
    assert "belongs in subject or in Patient.identifier" in issue["diagnostics"]
    assert person.nhs_number not in answer.content.decode()
    assert row_counts() == before


def _filled(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if value is not None}


def test_the_requesters_own_code_is_fine_in_every_spelling(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    for system in (ODS_CODE, "https://fhir.nhs.uk/id/ods-organization-code"):
        requester = {"identifier": {"system": system, "value": cast.PRACTICE}}

        answer = gp_system.post(
            "/fhir/R4/ServiceRequest", {**cast.referral_for(person), "requester": requester}
        )

        assert answer.status_code == 201, answer.content


def test_a_leap_day_and_today_are_dates_of_birth(gp_system: cast.ClinicalSystem) -> None:
    for birth_date in ("2004-02-29", localdate().isoformat()):
        resource = patient_resource(next(people(seed=3))) | {"birthDate": birth_date}

        assert gp_system.post("/fhir/R4/Patient", resource).status_code in (200, 201)


def test_whoever_must_not_be_contacted_is_not(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    coding = {"code": "contacting-subject-prohibited"}
    resource = {**cast.referral_for(person), "orderDetail": [{"coding": [coding]}]}

    assert gp_system.post("/fhir/R4/ServiceRequest", resource).status_code == 201
    run_jobs()

    assert messages() == []
    assert Referral.objects.get().business_status == BusinessStatus.MATCHED


# The Task


def test_the_task_of_a_referral_is_found_by_its_focus(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = body(gp_system.refer(person))

    for focus in (f"ServiceRequest/{made['id']}", f"{BASE}/ServiceRequest/{made['id']}"):
        found = body(gp_system.get(f"/fhir/R4/Task?focus={focus}"))

        assert (found["type"], found["total"]) == ("searchset", 1)
        [entry] = found["entry"]
        assert entry["resource"] == body(gp_system.get(f"/fhir/R4/Task/{made['id']}"))
        assert entry["fullUrl"] == f"{BASE}/Task/{made['id']}"


@pytest.mark.parametrize("focus", ["ServiceRequest/1", f"ServiceRequest/{UUID(int=1)}"])
def test_a_focus_that_is_nothing_of_ours_finds_nothing(
    gp_system: cast.ClinicalSystem, focus: str
) -> None:
    found = body(gp_system.get(f"/fhir/R4/Task?focus={focus}"))

    assert found["total"] == 0
    assert "entry" not in found


@pytest.mark.parametrize(
    "focus",
    [
        "nonsense",
        "%F0%9F",
        "Patient/1",
        "ServiceRequest/1%0A",
        "https://elsewhere.example/fhir/R4/ServiceRequest/1",
    ],
)
def test_what_is_no_referral_of_ours_has_no_task(
    gp_system: cast.ClinicalSystem, person: Person, focus: str
) -> None:
    gp_system.refer(person)

    assert body(gp_system.get(f"/fhir/R4/Task?focus={focus}"))["total"] == 0


def test_no_element_of_the_patient_is_in_the_task(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    made = body(gp_system.refer(person))
    run_jobs()

    text = gp_system.get(f"/fhir/R4/Task/{made['id']}").content.decode()

    for canary in (person.nhs_number, person.family_name, person.phone, "35489007"):
        assert canary not in text


def test_a_client_of_an_organisation_without_an_icb_may_refer(person: Person) -> None:
    practice = Organisation.objects.create(kind="practice", ods_code="X99999", name="No ICB")

    answer = cast.clinical_system(practice).refer(person)

    assert answer.status_code == 201
    assert Referral.objects.get().icb is None
    assert Referral.objects.get().received_at <= timezone.now()


def test_a_referral_with_more_identifiers_than_it_can_have_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    def referral(number: int) -> dict[str, Any]:
        named = [{"system": "https://gp.example/r", "value": str(n)} for n in range(number)]
        return cast.referral_for(person) | {"identifier": named}

    too_many = gp_system.post("/fhir/R4/ServiceRequest", referral(21))

    assert too_many.status_code == 422
    assert too_many.json()["issue"][0]["code"] == "too-costly"
    assert Referral.objects.count() == 0
    assert gp_system.post("/fhir/R4/ServiceRequest", referral(20)).status_code == 201
    assert ReferralIdentifier.objects.count() == 20
