"""Entries that update, read, search and add Tasks: together in a transaction, each for itself in a batch."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from accounts.models import Client
from audit.models import Action, Entry
from config.fictional import Person, patient_resource, people
from referrals.models import Patient, Referral
from tests import cast
from tests.api.answers import Answer, issues, places, row_counts
from tests.integrations.fhir.cast import check

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
EVERYTHING = "system/ServiceRequest.crus system/Task.crus system/Patient.crus"

Resource = dict[str, Any]

pytestmark = pytest.mark.django_db


@pytest.fixture
def gp_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that may do everything that entries can."""
    return may(gp_system, EVERYTHING)


@pytest.fixture
def other_person() -> Person:
    """Somebody else."""
    return list(zip(range(2), people(seed=1), strict=False))[1][1]


@pytest.fixture
def known(gp_system: cast.ClinicalSystem, person: Person) -> Referral:
    """A referral that is here already."""
    gp_system.refer(person)
    return Referral.objects.get()


def may(system: cast.ClinicalSystem, scope: str) -> cast.ClinicalSystem:
    """The system with another scope."""
    Client.objects.filter(pk=system.client_id).update(scope=scope)
    system.scope = scope
    return system


def bundle(kind: str, *entries: Resource) -> Resource:
    """A Bundle of entries."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def ask(method: str, url: str, resource: Resource | None = None, **more: str) -> Resource:
    """An entry with a fullUrl of its own where it brings a resource."""
    request = {"method": method, "url": url, **more}
    if resource is None:
        return {"request": request}
    return {"fullUrl": uuid4().urn, "resource": resource, "request": request}


def newest(system: cast.ClinicalSystem, address: str) -> Resource:
    """A resource as it is served."""
    read: Resource = json.loads(system.get(f"/fhir/R4/{address}").content)
    return read


def entries(answer: Answer, kind: str) -> list[Resource]:
    """The entries of the answer, after making sure that it is a sound Bundle."""
    assert answer.status_code == 200, answer.content
    read = json.loads(answer.content)
    assert read["type"] == f"{kind}-response"
    assert check(read) == []
    found: list[Resource] = read["entry"]
    return found


def statuses(answered: list[Resource]) -> list[str]:
    """The HTTP status of each."""
    return [one["response"]["status"][:3] for one in answered]


def fulfilling(focus: str, patient: str) -> Resource:
    """A Task that asks that a referral be fulfilled."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
        },
        "focus": {"reference": focus},
        "for": {"reference": patient},
        "authoredOn": "2026-11-22T09:00:00Z",
        "requester": {"display": "The practice"},
    }


# Transactions


def test_a_patient_a_referral_and_its_task_come_together(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient = ask("POST", "Patient", patient_resource(person))
    sent = cast.referral_for(person)
    del sent["contained"]
    referral = ask("POST", "ServiceRequest", sent | {"subject": {"reference": patient["fullUrl"]}})
    task = ask("POST", "Task", fulfilling(referral["fullUrl"], patient["fullUrl"]))

    answer = gp_system.post("/fhir/R4", bundle("transaction", task, referral, patient))

    answered = entries(answer, "transaction")
    made = Referral.objects.get()
    assert statuses(answered) == ["201", "201", "201"]
    assert [one["response"]["location"].split("/_history")[0] for one in answered] == [
        f"{BASE}/Task/{made.pk}",
        f"{BASE}/ServiceRequest/{made.pk}",
        f"{BASE}/Patient/{made.patient_id}",
    ]
    read = newest(gp_system, f"Task/{made.pk}")
    assert read["focus"] == {"reference": f"ServiceRequest/{made.pk}"}
    assert read["for"] == {"reference": f"Patient/{made.patient_id}"}


def test_a_transaction_updates_and_reads_what_it_has_written(
    gp_system: cast.ClinicalSystem, known: Referral
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}") | {"gender": "other"}
    referral = newest(gp_system, f"ServiceRequest/{known.pk}") | {"priority": "urgent"}
    del referral["contained"]
    updated = ask("PUT", f"Patient/{known.patient_id}", patient, ifMatch='W/"1"')
    referral["subject"] = {"reference": updated["fullUrl"]}

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "transaction",
            ask("GET", f"Patient/{known.patient_id}"),
            ask("GET", f"Patient/{known.patient_id}/_history/1"),
            ask("GET", "ServiceRequest?priority=urgent"),
            updated,
            ask("PUT", f"ServiceRequest/{known.pk}", referral),
        ),
    )

    read, before, found, *written = entries(answer, "transaction")
    assert read["resource"]["gender"] == "other"
    assert read["response"]["etag"] == 'W/"2"'
    assert before["resource"]["gender"] != "other"
    assert found["resource"]["total"] == 1
    assert statuses(written) == ["200", "200"]
    assert all("resource" not in one for one in written)


def test_a_new_referral_may_refer_to_a_patient_who_is_updated_with_it(
    gp_system: cast.ClinicalSystem, known: Referral, person: Person
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}")
    updated = ask("PUT", f"Patient/{known.patient_id}", patient)
    sent = cast.referral_for(person)
    del sent["contained"]
    sent["subject"] = {"reference": updated["fullUrl"]}

    answer = gp_system.post(
        "/fhir/R4", bundle("transaction", updated, ask("POST", "ServiceRequest", sent))
    )

    assert statuses(entries(answer, "transaction")) == ["200", "201"]
    assert {one.patient_id for one in Referral.objects.all()} == {known.patient_id}


def test_what_has_changed_meanwhile_stops_a_transaction(
    gp_system: cast.ClinicalSystem, known: Referral, other_person: Person
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}") | {"gender": "other"}
    before = row_counts()

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "transaction",
            ask("POST", "Patient", patient_resource(other_person)),
            ask("PUT", f"Patient/{known.patient_id}", patient, ifMatch='W/"7"'),
        ),
    )

    issues(answer, 412)
    assert row_counts() == before


def test_a_fault_of_an_update_is_named_in_the_bundle(
    gp_system: cast.ClinicalSystem, known: Referral, other_person: Person
) -> None:
    referral = newest(gp_system, f"ServiceRequest/{known.pk}") | {"reasonCode": [{"text": "x"}]}
    before = row_counts()

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "transaction",
            ask("POST", "Patient", patient_resource(other_person)),
            ask("PUT", f"ServiceRequest/{known.pk}", referral),
        ),
    )

    assert places(issues(answer, 422)) == {("required", "Bundle.entry[1].resource.reasonCode")}
    assert row_counts() == before


def test_what_is_not_there_stops_a_transaction(
    gp_system: cast.ClinicalSystem, other_person: Person
) -> None:
    absent = f"Patient/{uuid4()}"
    new = ask("POST", "Patient", patient_resource(other_person))
    changed = patient_resource(other_person) | {"id": absent.partition("/")[2]}

    read = gp_system.post("/fhir/R4", bundle("transaction", new, ask("GET", absent)))
    update = gp_system.post("/fhir/R4", bundle("transaction", new, ask("PUT", absent, changed)))

    for answer in (read, update):
        issues(answer, 404)
    assert not Patient.objects.exists()
    denied = Entry.objects.filter(action=Action.ACCESS_DENIED)
    assert [one.target for one in denied] == [absent, absent]


def test_two_entries_may_not_change_one_resource(
    gp_system: cast.ClinicalSystem, known: Referral
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}")
    update = ask("PUT", f"Patient/{known.patient_id}", patient)
    again = ask("PUT", f"Patient/{known.patient_id}", patient)

    answer = gp_system.post("/fhir/R4", bundle("transaction", update, again))

    assert ("invariant", "Bundle.entry[1].request.url") in places(issues(answer, 422))


def test_an_id_that_is_not_that_of_the_address_is_refused(
    gp_system: cast.ClinicalSystem, known: Referral
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}") | {"id": str(uuid4())}

    answer = gp_system.post(
        "/fhir/R4", bundle("transaction", ask("PUT", f"Patient/{known.patient_id}", patient))
    )

    assert places(issues(answer, 400)) == {("invalid", "Bundle.entry[0].resource.id")}


def test_a_task_may_not_refer_to_what_is_not_in_the_bundle(
    gp_system: cast.ClinicalSystem, known: Referral
) -> None:
    task = fulfilling(f"ServiceRequest/{known.pk}", uuid4().urn)

    answer = gp_system.post("/fhir/R4", bundle("transaction", ask("POST", "Task", task)))

    assert places(issues(answer, 422)) == {("not-found", "Bundle.entry[0].resource.for.reference")}


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_a_condition_that_nobody_reads_is_refused(
    gp_system: cast.ClinicalSystem, known: Referral, kind: str
) -> None:
    task = fulfilling(f"ServiceRequest/{known.pk}", f"Patient/{known.patient_id}")
    condition = "identifier=https://gp.example/task|1"

    answer = gp_system.post(
        "/fhir/R4", bundle(kind, ask("POST", "Task", task, ifNoneExist=condition))
    )

    assert b"Bundle.entry[0].request.ifNoneExist" in answer.content
    assert answer.status_code == (422 if kind == "transaction" else 200)
    assert known.changes.count() == 1


def test_a_missing_scope_stops_a_transaction(
    gp_system: cast.ClinicalSystem, known: Referral, other_person: Person
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}")
    may(gp_system, "system/Patient.cr").sign_in()

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "transaction",
            ask("POST", "Patient", patient_resource(other_person)),
            ask("PUT", f"Patient/{known.patient_id}", patient),
        ),
    )

    [issue] = issues(answer, 403)
    assert "system/Patient.u" in issue["diagnostics"]
    assert Patient.objects.count() == 1


@pytest.mark.parametrize(
    ("prefer", "is_shown", "is_said"),
    [("minimal", False, False), ("representation", True, False), ("OperationOutcome", False, True)],
)
def test_as_much_is_given_back_as_is_preferred(
    gp_system: cast.ClinicalSystem, person: Person, prefer: str, is_shown: bool, is_said: bool
) -> None:
    answer = gp_system.post(
        "/fhir/R4",
        bundle("transaction", ask("POST", "Patient", patient_resource(person))),
        Prefer=f"return={prefer}",
    )

    [one] = entries(answer, "transaction")
    assert ("resource" in one, "outcome" in one["response"]) == (is_shown, is_said)


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_what_is_tolerated_in_an_entry_is_a_warning_of_that_entry(
    gp_system: cast.ClinicalSystem, person: Person, other_person: Person, kind: str
) -> None:
    deviating = patient_resource(person)
    deviating["identifier"][0]["system"] = "http://fhir.nhs.net/Id/nhs-number"

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            kind,
            ask("POST", "Patient", patient_resource(other_person)),
            ask("POST", "Patient", deviating),
        ),
    )

    right, tolerated = entries(answer, kind)
    assert "outcome" not in right["response"]
    [issue] = tolerated["response"]["outcome"]["issue"]
    assert issue["severity"] == "warning"
    assert Entry.objects.filter(action=Action.DEVIATION_TOLERATED).count() == 1


def test_a_transaction_of_updates_and_reads_sent_again_is_answered_alike(
    gp_system: cast.ClinicalSystem, known: Referral
) -> None:
    patient = newest(gp_system, f"Patient/{known.patient_id}") | {"gender": "other"}
    sent = bundle(
        "transaction",
        ask("GET", f"Patient/{known.patient_id}"),
        ask("PUT", f"Patient/{known.patient_id}", patient),
    )
    first = gp_system.post("/fhir/R4", sent, Idempotency_Key="k")

    again = gp_system.post("/fhir/R4", sent, Idempotency_Key="k")

    assert first.status_code == 200
    assert again.content == first.content
    assert Patient.objects.get().version == 2


# Batches


def test_each_entry_of_a_batch_comes_out_for_itself(
    gp_system: cast.ClinicalSystem, known: Referral, person: Person, other_person: Person
) -> None:
    new = patient_resource(other_person)
    unknown_element = new | {"colour": "red"}
    no_birth_date = {name: value for name, value in new.items() if name != "birthDate"}
    again = cast.referral_for(person) | {
        "identifier": newest(gp_system, f"ServiceRequest/{known.pk}")["identifier"][:1]
    }

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "batch",
            ask("POST", "Patient", unknown_element),
            ask("GET", f"Patient/{known.patient_id}"),
            ask("POST", "Patient", no_birth_date),
            ask("POST", "Patient", new),
            ask("GET", f"Patient/{uuid4()}"),
            ask("POST", "ServiceRequest", again),
            ask("GET", "ServiceRequest?colour=red"),
            ask("PATCH", f"Patient/{known.patient_id}"),
            ask("POST", "Organization", {"resourceType": "Organization", "name": "x"}),
        ),
    )

    answered = entries(answer, "batch")
    assert statuses(answered) == ["400", "200", "422", "201", "404", "409", "400", "422", "422"]
    assert answered[5]["response"]["location"] == f"{BASE}/ServiceRequest/{known.pk}"
    for one in answered:
        outcome = one["response"].get("outcome", {})
        is_refused = one["response"]["status"] >= "400"
        assert (outcome.get("resourceType") == "OperationOutcome") is is_refused
    assert Patient.objects.count() == 2
    assert other_person.nhs_number not in answer.content.decode()


def test_a_refused_entry_of_a_batch_writes_nothing(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = cast.referral_for(person)
    referral["reasonCode"][0]["coding"][0]["code"] = "271737000"
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4", bundle("batch", ask("POST", "ServiceRequest", referral)))

    assert statuses(entries(answer, "batch")) == ["422"]
    assert row_counts() == before


def test_a_batch_heeds_conditions_and_versions(
    gp_system: cast.ClinicalSystem, known: Referral, person: Person
) -> None:
    condition = f"identifier=https://fhir.nhs.uk/Id/nhs-number|{person.nhs_number}"
    patient = newest(gp_system, f"Patient/{known.patient_id}") | {"gender": "other"}

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "batch",
            ask("POST", "Patient", patient_resource(person), ifNoneExist=condition),
            ask("PUT", f"Patient/{known.patient_id}", patient, ifMatch='W/"7"'),
            ask("PUT", f"Patient/{known.patient_id}", patient, ifMatch="seven"),
            ask("PUT", f"Patient/{known.patient_id}", patient, ifMatch='W/"1"'),
        ),
    )

    assert statuses(entries(answer, "batch")) == ["200", "412", "400", "200"]
    assert Patient.objects.get().version == 2


def test_entries_of_a_batch_do_not_see_one_another(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient = ask("POST", "Patient", patient_resource(person))
    sent = cast.referral_for(person)
    del sent["contained"]
    sent["subject"] = {"reference": patient["fullUrl"]}

    answer = gp_system.post(
        "/fhir/R4", bundle("batch", patient, ask("POST", "ServiceRequest", sent))
    )

    assert statuses(entries(answer, "batch")) == ["201", "422"]


def test_a_missing_scope_bars_that_entry_of_a_batch_only(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    may(gp_system, "system/Patient.c")

    answer = gp_system.post(
        "/fhir/R4",
        bundle(
            "batch",
            ask("POST", "Patient", patient_resource(person)),
            ask("POST", "ServiceRequest", cast.referral_for(person)),
            ask("GET", "Patient"),
        ),
    )

    assert statuses(entries(answer, "batch")) == ["201", "403", "403"]


def test_anothers_rows_are_answered_like_absent_ones_and_the_asking_is_in_the_audit(
    other_gp_system: cast.ClinicalSystem, known: Referral
) -> None:
    may(other_gp_system, EVERYTHING)
    absent = uuid4()

    answer = other_gp_system.post(
        "/fhir/R4",
        bundle(
            "batch",
            ask("GET", f"Patient/{known.patient_id}"),
            ask("GET", f"Patient/{absent}"),
        ),
    )

    foreign, missing = entries(answer, "batch")
    assert foreign == missing
    denied = Entry.objects.filter(action=Action.ACCESS_DENIED)
    assert {one.target for one in denied} == {f"Patient/{known.patient_id}", f"Patient/{absent}"}


def test_a_batch_does_not_pretend_to_heed_a_key(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = bundle("batch", ask("POST", "Patient", patient_resource(person)))

    [issue] = issues(gp_system.post("/fhir/R4", sent, Idempotency_Key="k"), 400)

    assert issue["code"] == "not-supported"
    assert not Patient.objects.exists()


def test_a_batch_has_entries_that_ask(gp_system: cast.ClinicalSystem, person: Person) -> None:
    nothing = {"resourceType": "Bundle", "type": "batch"}
    asks_nothing = bundle("batch", {"resource": patient_resource(person)})

    assert places(issues(gp_system.post("/fhir/R4", nothing), 422)) == {
        ("required", "Bundle.entry")
    }
    issues(gp_system.post("/fhir/R4", asks_nothing), 400)
    assert not Patient.objects.exists()


def test_both_are_stated(gp_system: cast.ClinicalSystem) -> None:
    [rest] = newest(gp_system, "metadata")["rest"]

    assert {"transaction", "batch"} <= {one["code"] for one in rest["interaction"]}


# Reading on a condition, and what no entry asks


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_get_entry_shows_what_is_not_known_yet(
    gp_system: cast.ClinicalSystem, known: Referral, kind: str
) -> None:
    url = f"ServiceRequest/{known.pk}"
    moment = newest(gp_system, url)["meta"]["lastUpdated"]
    asked = bundle(
        kind,
        ask("GET", url, ifNoneMatch='W/"1"'),
        ask("GET", url, ifNoneMatch='W/"2"'),
        ask("GET", url, ifModifiedSince=moment),
        ask("GET", url, ifModifiedSince="2020-01-01T00:00:00Z"),
        ask("GET", f"{url}/_history/1", ifNoneMatch='W/"1"'),
        # R4 http: where both are sent, the version decides.
        ask("GET", url, ifNoneMatch='W/"2"', ifModifiedSince=moment),
    )

    answered = entries(gp_system.post("/fhir/R4", asked), kind)

    assert statuses(answered) == ["304", "200", "304", "200", "304", "200"]
    assert ["resource" in one for one in answered] == [False, True, False, True, False, True]
    assert answered[0]["response"]["etag"] == 'W/"1"'


@pytest.mark.parametrize("method", ["HEAD", "PATCH"])
def test_an_entry_that_heads_or_patches_is_told_what_is_served(
    gp_system: cast.ClinicalSystem, known: Referral, method: str
) -> None:
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": "W10=",
    }
    entry = ask(method, f"ServiceRequest/{known.pk}", binary if method == "PATCH" else None)

    alone = gp_system.post("/fhir/R4", bundle("transaction", entry))
    [answered] = entries(gp_system.post("/fhir/R4", bundle("batch", entry)), "batch")

    [issue] = issues(alone, 422)
    assert issue["code"] == "not-supported"
    assert f"{method} is not served in an entry" in issue["diagnostics"]
    assert answered["response"]["outcome"]["issue"] == [issue]


# Scopes: what an entry brings along is covered as if it had come alone


def test_a_patient_inside_an_entry_needs_the_scope_of_a_patient(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    may(gp_system, "system/ServiceRequest.c system/Task.c")
    inside = ask("POST", "ServiceRequest", cast.referral_for(person))

    for kind in ("transaction", "batch"):
        answer = gp_system.post("/fhir/R4", bundle(kind, inside))
        found = (
            issues(answer, 403)
            if kind == "transaction"
            else entries(answer, kind)[0]["response"]["outcome"]["issue"]
        )
        assert "system/Patient.c" in found[0]["diagnostics"]

    assert not Patient.objects.exists()
