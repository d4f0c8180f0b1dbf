"""The same request again: by Idempotency-Key, by If-None-Exist and by a BaRS request id, at once and a month later."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts.models import AnsweredRequest, Client
from audit.models import Action, Entry
from config.fictional import Person, patient_resource
from referrals.models import Patient, Referral
from tests import cast
from tests.api.answers import Answer, issues, row_counts

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
REFERRALS, PATIENTS, TRANSACTIONS = "/fhir/R4/ServiceRequest", "/fhir/R4/Patient", "/fhir/R4"
OUR_SYSTEM = "https://gp.example/referral"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
SAME = ("Location", "ETag", "Last-Modified", "Content-Type")

pytestmark = pytest.mark.django_db


@pytest.fixture
def bars_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """The same clinical system, registered for the Booking and Referral Standard."""
    Client.objects.filter(pk=gp_system.client_id).update(is_bars=True)
    return gp_system


def guids(request_id: str = "") -> dict[str, str]:
    """The headers of a BaRS request, new unless an id is given."""
    return {"X_Request_ID": request_id or str(uuid4()), "X_Correlation_ID": str(uuid4())}


def bearing(person: Person, value: str) -> dict[str, Any]:
    """A referral that bears an identifier of the sender's."""
    return cast.referral_for(person) | {"identifier": [{"system": OUR_SYSTEM, "value": value}]}


def transaction_of(person: Person, *, number: str = "", value: str = "") -> dict[str, Any]:
    """A patient and a referral, each with a condition where one is given."""
    patient, referral = patient_resource(person), bearing(person, uuid4().hex)
    del referral["contained"]
    full_url = f"urn:uuid:{uuid4()}"
    referral["subject"] = {"reference": full_url}
    conditions = (
        number and f"identifier={NHS_NUMBER}|{number}",
        value and f"identifier={OUR_SYSTEM}|{value}",
    )
    entries = []
    for resource, url, condition in zip(
        (patient, referral), (full_url, f"urn:uuid:{uuid4()}"), conditions, strict=True
    ):
        request = {"method": "POST", "url": resource["resourceType"]}
        if condition:
            request["ifNoneExist"] = condition
        entries.append({"fullUrl": url, "resource": resource, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def body(answer: Answer) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(answer.content)
    return read


def assert_same(again: Answer, first: Answer) -> None:
    """The first answer again, word for word."""
    assert again.status_code == first.status_code
    assert again.content == first.content
    assert [again.get(name) for name in SAME] == [first.get(name) for name in SAME]


# Idempotency-Key


@pytest.mark.parametrize("path", [REFERRALS, PATIENTS, TRANSACTIONS])
def test_the_same_key_gives_the_first_answer_again_and_writes_nothing(
    gp_system: cast.ClinicalSystem, person: Person, path: str
) -> None:
    sent = {
        REFERRALS: cast.referral_for(person),
        PATIENTS: patient_resource(person),
        TRANSACTIONS: transaction_of(person),
    }[path]
    first = gp_system.post(path, sent, Idempotency_Key="k-1")
    before = row_counts()

    again = gp_system.post(path, sent, Idempotency_Key="k-1")

    assert first.status_code == (200 if path == TRANSACTIONS else 201)
    assert_same(again, first)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    written = {table: n - before[table] for table, n in row_counts().items() if n != before[table]}
    # What is shown again is a read; a transaction is answered with where its parts are.
    assert written == ({} if path == TRANSACTIONS else {"audit_entry": 1})


def test_the_first_answer_comes_again_when_things_have_moved_on(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    sent = cast.referral_for(person)
    first = gp_system.post(REFERRALS, sent, Idempotency_Key="k-1")
    run_jobs()
    newest = gp_system.get(f"{REFERRALS}/{body(first)['id']}")

    again = gp_system.post(REFERRALS, sent, Idempotency_Key="k-1")

    assert newest["ETag"] != first["ETag"]
    assert_same(again, first)


def test_a_patients_first_answer_comes_again_when_a_newer_version_is_known(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = patient_resource(person)
    first = gp_system.post(PATIENTS, sent, Idempotency_Key="k-1")
    newer = gp_system.post(PATIENTS, sent | {"gender": "other"}, Idempotency_Key="k-2")

    again = gp_system.post(PATIENTS, sent, Idempotency_Key="k-1")

    assert newer["ETag"] == 'W/"2"'
    assert_same(again, first)
    assert Patient.objects.get().version == 2


def test_the_same_key_with_another_request_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = cast.referral_for(person)
    gp_system.post(REFERRALS, sent, Idempotency_Key="k-1")
    before = row_counts()

    others = [
        gp_system.post(REFERRALS, cast.referral_for(person), Idempotency_Key="k-1"),
        gp_system.post(PATIENTS, patient_resource(person), Idempotency_Key="k-1"),
        gp_system.post(
            REFERRALS,
            sent,
            Idempotency_Key="k-1",
            If_None_Exist=f"identifier={OUR_SYSTEM}|{uuid4()}",
        ),
        gp_system.post(REFERRALS, sent, Idempotency_Key="k-1", Content_Type="application/json"),
    ]

    for other in others:
        assert [issue["code"] for issue in issues(other, 422)] == ["business-rule"]
    assert row_counts() == before


def test_a_refusal_does_not_use_the_key_up(gp_system: cast.ClinicalSystem, person: Person) -> None:
    right = cast.referral_for(person)
    refused = gp_system.post(REFERRALS, right | {"status": "on-hold"}, Idempotency_Key="k-1")

    accepted = gp_system.post(REFERRALS, right, Idempotency_Key="k-1")

    assert (refused.status_code, accepted.status_code) == (422, 201)
    assert AnsweredRequest.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 256, "clé", "a\tb"])
def test_a_key_that_is_none_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, key: str
) -> None:
    answer = gp_system.post(REFERRALS, cast.referral_for(person), Idempotency_Key=key)

    assert [issue["code"] for issue in issues(answer, 400)] == ["value"]
    assert not Referral.objects.exists()


def test_nothing_of_a_request_is_kept_but_hashes_and_ids(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    condition = f"identifier={NHS_NUMBER}|{person.nhs_number}"
    gp_system.post(
        PATIENTS, patient_resource(person), Idempotency_Key="k-1", If_None_Exist=condition
    )

    for row in AnsweredRequest.objects.all():
        assert len(row.mark_hash) == len(row.body_hash) == 64
        [made] = row.outcome
        assert set(made) == {"type", "id", "version", "at", "status", "found"}


# If-None-Exist


@pytest.mark.parametrize("spelling", ["{}|{}", "{}%7C{}", "{}/|{}"])
def test_a_referral_that_is_there_is_answered_and_not_made_again(
    gp_system: cast.ClinicalSystem, person: Person, spelling: str
) -> None:
    system = NHS_NUMBER.replace("nhs-number", "local")
    sent = cast.referral_for(person) | {"identifier": [{"system": system, "value": "7"}]}
    condition = "identifier=" + spelling.format(system, 7)

    first = gp_system.post(REFERRALS, sent, If_None_Exist=condition)
    before = row_counts()
    second = gp_system.post(
        REFERRALS, cast.referral_for(person), If_None_Exist=f"identifier={system}|7"
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert [second[name] for name in SAME] == [first[name] for name in SAME]
    written = {table: n - before[table] for table, n in row_counts().items() if n != before[table]}
    assert written == {"audit_entry": 1}
    assert Entry.objects.latest("pk").action == Action.REFERRAL_READ


def test_a_referral_sent_without_a_condition_is_found_by_one(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    first = gp_system.post(REFERRALS, bearing(person, "a,b|c"))

    second = gp_system.post(
        REFERRALS,
        bearing(person, "a,b|c"),
        If_None_Exist=f"identifier={quote(OUR_SYSTEM, safe='')}|a\\,b\\|c",
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert second["Location"] == first["Location"]


def test_a_condition_that_the_referral_does_not_bear_is_remembered_all_the_same(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    condition = f"identifier={OUR_SYSTEM}|elsewhere"

    first = gp_system.post(REFERRALS, cast.referral_for(person), If_None_Exist=condition)
    second = gp_system.post(REFERRALS, cast.referral_for(person), If_None_Exist=condition)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second["Location"] == first["Location"]
    assert Referral.objects.count() == 1


def test_more_than_one_match_is_refused(gp_system: cast.ClinicalSystem, person: Person) -> None:
    condition = f"identifier={OUR_SYSTEM}|7"
    gp_system.post(REFERRALS, cast.referral_for(person), If_None_Exist=condition)
    gp_system.post(REFERRALS, bearing(person, "7"))

    answer = gp_system.post(REFERRALS, cast.referral_for(person), If_None_Exist=condition)

    assert [issue["code"] for issue in issues(answer, 412)] == ["multiple-matches"]
    assert Referral.objects.count() == 2


def test_another_identifier_that_is_known_is_still_a_duplicate(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    first = gp_system.post(REFERRALS, bearing(person, "known"))

    answer = gp_system.post(
        REFERRALS, bearing(person, "known"), If_None_Exist=f"identifier={OUR_SYSTEM}|new"
    )

    [issue] = issues(answer, 409)
    assert (issue["code"], issue["expression"]) == ("duplicate", ["ServiceRequest.identifier"])
    assert first["Location"].startswith(answer["Location"])


@pytest.mark.parametrize("system", [NHS_NUMBER, "http://fhir.nhs.net/Id/nhs-number"])
def test_a_patient_that_is_known_is_left_as_is(
    gp_system: cast.ClinicalSystem, person: Person, system: str
) -> None:
    first = gp_system.post(PATIENTS, patient_resource(person))

    second = gp_system.post(
        PATIENTS,
        patient_resource(person) | {"gender": "other"},
        If_None_Exist=f"identifier={system}|{person.nhs_number}",
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert [second[name] for name in SAME] == [first[name] for name in SAME]
    assert Patient.objects.get().version == 1


@pytest.mark.parametrize(
    ("path", "condition"),
    [
        (REFERRALS, ""),
        (REFERRALS, "identifier=7"),
        (REFERRALS, "identifier=|7"),
        (REFERRALS, "identifier=https://a.example|"),
        (REFERRALS, "identifier=https://a.example|1,https://a.example|2"),
        (REFERRALS, "identifier=https://a.example|%00"),
        (REFERRALS, "identifier=%20|7"),
        (REFERRALS, "identifier=https://a.example|1&status=active"),
        (REFERRALS, "identifier:not=https://a.example|1"),
        (REFERRALS, "subject=Patient/1"),
        (REFERRALS, "identifier=https://a.example\\"),
        (REFERRALS, f"identifier={NHS_NUMBER}|9990000018"),
        (REFERRALS, "identifier=http://fhir.nhs.net/id/nhs-number/%7C9990000018"),
        (PATIENTS, "identifier=https://a.example|1"),
        (PATIENTS, f"identifier={NHS_NUMBER}|1234567890"),
        (PATIENTS, "birthdate=1980-01-01"),
        (TRANSACTIONS, "identifier=https://a.example|1"),
    ],
)
def test_a_condition_that_is_not_served_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, path: str, condition: str
) -> None:
    sent = {
        REFERRALS: cast.referral_for(person),
        PATIENTS: patient_resource(person),
        TRANSACTIONS: transaction_of(person),
    }[path]
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post(path, sent, If_None_Exist=condition)

    assert [issue["code"] for issue in issues(answer, 400)] == ["not-supported"]
    assert row_counts() == before


def test_a_condition_needs_the_scope_to_read(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.scope = "system/ServiceRequest.c"

    answer = gp_system.post(
        REFERRALS, bearing(person, "7"), If_None_Exist=f"identifier={OUR_SYSTEM}|7"
    )

    assert [issue["code"] for issue in issues(answer, 403)] == ["forbidden"]
    assert not Referral.objects.exists()


def test_in_a_transaction_what_is_there_is_left_as_is_and_the_rest_is_made(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    known = gp_system.post(PATIENTS, patient_resource(person))
    sent = transaction_of(person, number=person.nhs_number, value="7")

    first = body(gp_system.post(TRANSACTIONS, sent))
    second = body(gp_system.post(TRANSACTIONS, sent))

    statuses = [
        [one["response"]["status"] for one in answer["entry"]] for answer in (first, second)
    ]
    assert statuses == [["200 OK", "201 Created"], ["200 OK", "200 OK"]]
    places = [
        [one["response"]["location"] for one in answer["entry"]] for answer in (first, second)
    ]
    assert places[0] == places[1]
    assert places[0][0] == known["Location"]
    referral = Referral.objects.get()
    assert (referral.patient, referral.patient.version) == (Patient.objects.get(), 1)


def test_in_a_transaction_a_fault_is_told_where_it_was_sent(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.post(PATIENTS, patient_resource(person))
    sent = transaction_of(person, number=person.nhs_number)
    sent["entry"][1]["resource"]["reasonCode"][0]["coding"][0]["code"] = "271737000"

    [issue] = issues(gp_system.post(TRANSACTIONS, sent), 422)

    assert issue["expression"] == ["Bundle.entry[1].resource.reasonCode"]
    assert not AnsweredRequest.objects.exists()


def test_in_a_transaction_one_condition_stands_once(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = transaction_of(person, value="7")
    other = transaction_of(person, value="7")["entry"][1]
    other["resource"]["subject"] = {"reference": sent["entry"][0]["fullUrl"]}
    sent["entry"].append(other)

    [issue] = issues(gp_system.post(TRANSACTIONS, sent), 422)

    assert issue["expression"] == ["Bundle.entry[2].request.ifNoneExist"]


# BaRS


@pytest.mark.parametrize("path", [REFERRALS, TRANSACTIONS])
def test_a_bars_request_that_was_done_is_a_duplicate(
    bars_system: cast.ClinicalSystem, person: Person, path: str
) -> None:
    sent = cast.referral_for(person) if path == REFERRALS else transaction_of(person)
    ids = guids()
    first = bars_system.post(path, sent, **ids)
    before = row_counts()

    again = bars_system.post(path, sent, **ids | {"X_Request_ID": ids["X_Request_ID"].upper()})

    assert first.status_code in {200, 201}
    [issue] = issues(again, 409)
    assert issue["code"] == "duplicate"
    assert issue["details"]["coding"][0]["code"] == "REC_CONFLICT"
    assert again["Location"] == f"{BASE}/ServiceRequest/{Referral.objects.get().pk}"
    assert again["X-Request-ID"] == ids["X_Request_ID"].upper()
    assert again["X-Correlation-ID"] == ids["X_Correlation_ID"]
    assert row_counts() == before


def test_another_request_under_a_used_bars_id_is_no_duplicate(
    bars_system: cast.ClinicalSystem, person: Person
) -> None:
    ids = guids()
    bars_system.post(REFERRALS, cast.referral_for(person), **ids)

    answer = bars_system.post(REFERRALS, cast.referral_for(person), **ids)

    # "duplicate" would tell its sender that this one has arrived.
    assert [issue["code"] for issue in issues(answer, 422)] == ["business-rule"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X_Request_ID": "7"}, "invalid"),
        ({"X_Request_ID": None}, "required"),
        ({"X_Correlation_ID": f"{{{uuid4()}}}"}, "invalid"),
        ({"X_Correlation_ID": None}, "required"),
    ],
)
def test_a_bars_request_bears_two_guids(
    bars_system: cast.ClinicalSystem, person: Person, change: dict[str, Any], code: str
) -> None:
    ids = {name: value for name, value in {**guids(), **change}.items() if value is not None}

    answer = bars_system.post(REFERRALS, cast.referral_for(person), **ids)

    [issue] = issues(answer, 400)
    assert issue["code"] == code
    assert issue["details"]["coding"][0]["code"] == "REC_BAD_REQUEST"
    assert not Referral.objects.exists()


def test_a_bars_request_that_was_refused_may_come_again(
    bars_system: cast.ClinicalSystem, person: Person
) -> None:
    ids, right = guids(), cast.referral_for(person)
    refused = bars_system.post(REFERRALS, right | {"status": "on-hold"}, **ids)

    accepted = bars_system.post(REFERRALS, right, **ids)

    assert (refused.status_code, accepted.status_code) == (422, 201)


def test_for_others_request_ids_are_only_echoed(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    answers = [
        gp_system.post(REFERRALS, cast.referral_for(person), X_Request_ID="same") for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer["X-Request-ID"] for answer in answers] == ["same", "same"]


def test_a_bars_id_comes_before_a_key_and_a_key_before_a_condition(
    bars_system: cast.ClinicalSystem, person: Person
) -> None:
    marks = {"Idempotency_Key": "k-1", "If_None_Exist": f"identifier={OUR_SYSTEM}|7"}
    sent, ids = bearing(person, "7"), guids()
    first = bars_system.post(REFERRALS, sent, **ids, **marks)

    same_id = bars_system.post(REFERRALS, sent, **ids, **marks)
    new_id = bars_system.post(REFERRALS, sent, **guids(), **marks)
    new_key = bars_system.post(REFERRALS, sent, **guids(), **marks | {"Idempotency_Key": "k-2"})

    assert [a.status_code for a in (first, same_id, new_id, new_key)] == [201, 409, 201, 200]
    assert_same(new_id, first)


# For ever, and for one client


def test_all_of_it_is_still_true_a_month_later(
    bars_system: cast.ClinicalSystem, person: Person
) -> None:
    condition = f"identifier={OUR_SYSTEM}|7"
    ids = [guids() for _ in range(3)]
    keyed, conditional, plain = (cast.referral_for(person) for _ in range(3))
    first = bars_system.post(REFERRALS, keyed, Idempotency_Key="k-1", **ids[0])
    bars_system.post(REFERRALS, conditional, If_None_Exist=condition, **ids[1])
    bars_system.post(REFERRALS, plain, **ids[2])

    with time_machine.travel(timezone.now() + timedelta(days=31)):
        bars_system.sign_in()
        by_key = bars_system.post(REFERRALS, keyed, Idempotency_Key="k-1", **guids())
        by_condition = bars_system.post(REFERRALS, conditional, If_None_Exist=condition, **guids())
        by_id = bars_system.post(REFERRALS, plain, **ids[2])
        by_identifier = bars_system.post(REFERRALS, plain, **guids())

    assert_same(by_key, first)
    assert by_condition.status_code == 200
    assert (by_id.status_code, by_identifier.status_code) == (409, 409)
    assert Referral.objects.count() == 3


def test_another_clients_marks_are_its_own(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    neighbour = cast.clinical_system(gp_system.organisation)
    sent = bearing(person, "7")
    marks = {"Idempotency_Key": "k-1", "If_None_Exist": f"identifier={OUR_SYSTEM}|7"}

    answers = [
        system.post(REFERRALS, sent, **marks) for system in (gp_system, neighbour, other_gp_system)
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer["Location"] for answer in answers}) == 3


def test_a_fault_in_the_middle_takes_everything_back(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.sign_in()
    sent = transaction_of(person, number=person.nhs_number)
    sent["entry"][1]["resource"]["reasonCode"][0]["coding"][0]["code"] = "271737000"
    before = row_counts()

    answer = gp_system.post(TRANSACTIONS, sent, Idempotency_Key="k-1")

    assert answer.status_code == 422
    assert row_counts() == before
