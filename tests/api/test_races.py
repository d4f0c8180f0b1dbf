"""The same thing at the same moment from several sides: it happens once, and nobody gets a fault."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import islice
from threading import Barrier
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.actors import client_actor
from accounts.models import Client, RepeatKind
from accounts.repeating import Mark, claim
from config.fictional import Person, patient_resource, people
from jobs.models import Job, JobKind
from referrals import codes, placing, responding
from referrals.models import Offer, Patient, Placement, Referral, ReferralIdentifier
from referrals.responding import BirthDateWrong, LinkDead
from tests import cast
from tests.referrals import steps

SIDES = 6

Result = TypeVar("Result")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
    ),
]


def at_once(do: Callable[[int], Result], *, sides: int = SIDES) -> list[Result]:
    """Do it from every side at the same moment."""
    together = Barrier(sides)

    def one(side: int) -> Result:
        try:
            together.wait(timeout=10)
            return do(side)
        finally:
            connection.close()

    with ThreadPoolExecutor(sides) as pool:
        return list(pool.map(one, range(sides)))


def test_one_referral_sent_at_once_is_one_referral(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    resource = cast.referral_for(person)
    gp_system.sign_in()

    answers = at_once(lambda _: gp_system.post("/fhir/R4/ServiceRequest", resource))

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {201: 1, 409: SIDES - 1}
    referral = Referral.objects.get()
    for answer in answers:
        assert str(referral.pk) in answer["Location"]
    assert (Patient.objects.count(), Job.objects.filter(kind=JobKind.MATCH).count()) == (1, 1)


def test_one_transaction_sent_at_once_is_done_once(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    full_url = f"urn:uuid:{uuid4()}"
    referral = cast.referral_for(person) | {"subject": {"reference": full_url}}
    del referral["contained"]
    entries = [
        {"fullUrl": url, "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for url, one in ((full_url, patient_resource(person)), (f"urn:uuid:{uuid4()}", referral))
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    gp_system.sign_in()

    answers = at_once(lambda _: gp_system.post("/fhir/R4", bundle))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: SIDES - 1}
    for answer in answers:
        if answer.status_code == 409:
            assert json.loads(answer.content)["issue"][0]["code"] == "duplicate"
    assert (Patient.objects.count(), Referral.objects.count()) == (1, 1)


def test_several_referrals_of_one_new_patient_find_one_patient(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.sign_in()

    answers = at_once(
        lambda side: gp_system.refer(replace(person, given_name=f"{person.given_name} {side}"))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert Patient.objects.get().version == SIDES
    assert Referral.objects.count() == ReferralIdentifier.objects.count() == SIDES


def test_joining_twice_at_once_is_joining_once(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    offer = Offer.objects.get(rank=1)

    placements = at_once(
        lambda _: placing.join(
            referral_id=referral.pk,
            offer_id=offer.pk,
            tells_practice=True,
            counts_visits=True,
            at=timezone.now(),
        )
    )

    assert set(placements) == {Placement.objects.get()}
    referral.refresh_from_db()
    assert referral.version == 4


def test_guesses_at_once_are_all_counted(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    link = referral.links.get()

    def guess(_: int) -> str:
        try:
            responding.open_link(
                code=codes.code_of(link), birth_date=date(1901, 1, 1), at=timezone.now()
            )
        except (BirthDateWrong, LinkDead) as refusal:
            return type(refusal).__name__
        return "opened"

    assert Counter(at_once(guess)) == {"BirthDateWrong": 5, "LinkDead": SIDES - 5}
    link.refresh_from_db()
    assert link.failed_checks == 5


def test_choosing_two_at_once_leaves_the_patient_in_one(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    offers = list(referral.offers.order_by("rank"))

    at_once(
        lambda side: placing.join(
            referral_id=referral.pk,
            offer_id=offers[side % len(offers)].pk,
            tells_practice=False,
            counts_visits=False,
            at=timezone.now(),
        )
    )

    assert Placement.objects.filter(referral=referral, left_at__isnull=True).count() == 1


@pytest.mark.parametrize("path", ["/fhir/R4/ServiceRequest", "/fhir/R4"])
def test_one_key_sent_at_once_is_one_referral_and_one_answer(
    gp_system: cast.ClinicalSystem, person: Person, path: str
) -> None:
    sent = cast.referral_for(person)
    if path == "/fhir/R4":
        request = {"method": "POST", "url": "ServiceRequest"}
        entry = {"fullUrl": f"urn:uuid:{uuid4()}", "resource": sent, "request": request}
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    gp_system.sign_in()

    answers = at_once(lambda _: gp_system.post(path, sent, Idempotency_Key="k-1"))

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].status_code in {200, 201}
    assert Counter(answer.get("Idempotency-Replayed") for answer in answers) == {
        None: 1,
        "true": SIDES - 1,
    }
    assert (Referral.objects.count(), Job.objects.filter(kind=JobKind.MATCH).count()) == (1, 1)


@pytest.mark.parametrize("bears_it", [True, False])
def test_one_condition_at_once_is_one_referral(
    gp_system: cast.ClinicalSystem, person: Person, *, bears_it: bool
) -> None:
    identifier = {"system": "https://gp.example/referral", "value": "7"}
    condition = f"identifier={identifier['system']}|{identifier['value']}"
    gp_system.sign_in()

    def create(_: int) -> cast.Answer:
        more = {"identifier": [identifier]} if bears_it else {}
        resource = cast.referral_for(person) | more
        return gp_system.post("/fhir/R4/ServiceRequest", resource, If_None_Exist=condition)

    answers = at_once(create)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: SIDES - 1}
    assert len({answer["Location"] for answer in answers}) == 1
    assert Referral.objects.count() == 1


def test_with_and_without_a_condition_at_once_is_one_referral(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    resource = cast.referral_for(person)
    [identifier] = resource["identifier"]
    condition = f"identifier={identifier['system']}|{identifier['value']}"
    gp_system.sign_in()

    def create(side: int) -> cast.Answer:
        more = {"If_None_Exist": condition} if side % 2 else {}
        return gp_system.post("/fhir/R4/ServiceRequest", resource, **more)

    answers = at_once(create)

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] == 1
    assert {answer.status_code for answer in answers[1::2]} <= {200, 201}
    assert {answer.status_code for answer in answers[::2]} <= {201, 409}
    assert Referral.objects.count() == 1


def test_one_condition_for_a_patient_at_once_is_one_patient(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    condition = f"identifier=https://fhir.nhs.uk/Id/nhs-number|{person.nhs_number}"
    gp_system.sign_in()

    answers = at_once(
        lambda _: gp_system.post(
            "/fhir/R4/Patient", patient_resource(person), If_None_Exist=condition
        )
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: SIDES - 1}
    assert Patient.objects.get().version == 1


def test_a_bars_request_sent_at_once_is_told_to_wait_or_that_it_is_done(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    Client.objects.filter(pk=gp_system.client_id).update(is_bars=True)
    resource = cast.referral_for(person)
    ids = {"X_Request_ID": str(uuid4()), "X_Correlation_ID": str(uuid4())}
    gp_system.sign_in()

    answers = at_once(lambda _: gp_system.post("/fhir/R4/ServiceRequest", resource, **ids))

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[201] == 1
    assert set(statuses) <= {201, 409, 425}
    for answer in answers:
        assert answer["X-Request-ID"] == ids["X_Request_ID"]
        if answer.status_code != 201:
            assert json.loads(answer.content)["issue"][0]["code"] == "duplicate"
    assert Referral.objects.count() == 1


def test_a_bars_request_in_flight_is_too_early(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    Client.objects.filter(pk=gp_system.client_id).update(is_bars=True)
    by = client_actor(Client.objects.get(pk=gp_system.client_id), scope="")
    resource = cast.referral_for(person)
    ids = {"X_Request_ID": str(uuid4()), "X_Correlation_ID": str(uuid4())}
    mark = Mark(kind=RepeatKind.BARS_REQUEST, text=ids["X_Request_ID"])
    gp_system.sign_in()

    with transaction.atomic():
        claim(mark, by=by, at=timezone.now(), may_wait=False)
        with ThreadPoolExecutor(1) as other_side:

            def send() -> cast.Answer:
                try:
                    return gp_system.post("/fhir/R4/ServiceRequest", resource, **ids)
                finally:
                    connection.close()

            answer = other_side.submit(send).result(timeout=10)
        transaction.set_rollback(True)
    after = gp_system.post("/fhir/R4/ServiceRequest", resource, **ids)

    assert answer.status_code == 425
    assert answer["Retry-After"] == "1"
    [issue] = json.loads(answer.content)["issue"]
    assert issue["details"]["coding"][0]["code"] == "REC_TOO_EARLY"
    assert after.status_code == 201


def test_of_two_that_wait_for_each_other_none_is_lost(gp_system: cast.ClinicalSystem) -> None:
    """Two transactions bring the same patients up to date, in opposite orders: PostgreSQL must take one back."""
    crowd = list(islice(people(seed=3), 12))
    gp_system.sign_in()

    def bundle(persons: list[Person]) -> dict[str, Any]:
        entries = [
            {
                "fullUrl": f"urn:uuid:{uuid4()}",
                "resource": patient_resource(person),
                "request": {"method": "POST", "url": "Patient"},
            }
            for person in persons
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    gp_system.post("/fhir/R4", bundle(crowd))

    def send(side: int) -> Any:
        renamed = [replace(person, given_name=f"{person.given_name} {side}") for person in crowd]
        return gp_system.post("/fhir/R4", bundle(renamed[:: (-1) ** side]))

    answers = at_once(send, sides=2)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {patient.version for patient in Patient.objects.all()} == {3}
