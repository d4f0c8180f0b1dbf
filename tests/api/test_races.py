"""The same thing at the same moment from several sides: it happens once, and nobody gets a fault."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from config.fictional import Person, patient_resource
from jobs.models import Job
from referrals import inviting, placing, responding
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


def at_once(do: Callable[[int], Result]) -> list[Result]:
    """Do it from every side at the same moment."""
    together = Barrier(SIDES)

    def one(side: int) -> Result:
        try:
            together.wait(timeout=10)
            return do(side)
        finally:
            connection.close()

    with ThreadPoolExecutor(SIDES) as sides:
        return list(sides.map(one, range(SIDES)))


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
    assert (Patient.objects.count(), Job.objects.count()) == (1, 1)


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

    answers = at_once(lambda _: gp_system.refer(person))

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
                code=inviting.code_of(link.pk), birth_date=date(1901, 1, 1), at=timezone.now()
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
