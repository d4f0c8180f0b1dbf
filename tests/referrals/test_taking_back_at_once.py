"""A requester takes a referral back at the moment when somebody else moves it: one of the two orders, never half."""

import pytest
from django.db import connection
from django.utils import timezone

from config.fictional import Person
from referrals import placing
from referrals.amending import StaleVersion
from referrals.lifecycle import MoveNotAllowed
from referrals.matching import match_referral
from referrals.models import Placement, Referral
from tests import cast
from tests.api.test_races import at_once
from tests.referrals import steps

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
    ),
]


def _withdraw(system: cast.ClinicalSystem, referral: Referral, version: int | None) -> str:
    try:
        steps.withdraw_referral(
            referral_id=referral.pk,
            is_mistake=False,
            reason_text="",
            expected_version=version,
            by=steps.actor_of(system),
            at=timezone.now(),
        )
    except (MoveNotAllowed, StaleVersion) as refused:
        return type(refused).__name__
    return "done"


@pytest.mark.parametrize(("version", "others"), [(1, "StaleVersion"), (None, "MoveNotAllowed")])
def test_of_those_who_withdraw_at_once_one_does(
    gp_system: cast.ClinicalSystem, person: Person, version: int | None, others: str
) -> None:
    referral = steps.referred(gp_system, person)

    outcomes = at_once(lambda _: _withdraw(gp_system, referral, version), sides=4)

    assert sorted(outcomes) == sorted(["done", *[others] * 3])
    assert list(referral.changes.order_by("version").values_list("business_status", flat=True)) == [
        "received-by-service",
        "withdrawn",
    ]


def test_joining_and_withdrawing_at_once_leaves_a_place_or_none(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    offer = referral.offers.order_by("rank")[0]

    def join() -> str:
        try:
            placing.join(
                referral_id=referral.pk,
                offer_id=offer.pk,
                tells_practice=False,
                counts_visits=False,
                at=timezone.now(),
            )
        except MoveNotAllowed:
            return "too late"
        return "done"

    joined, withdrawn = at_once(
        lambda side: _withdraw(gp_system, referral, 3) if side else join(), sides=2
    )

    referral.refresh_from_db()
    has_place = Placement.objects.filter(left_at__isnull=True).exists()
    assert (withdrawn, referral.business_status) == ("done", "withdrawn")
    assert has_place == (joined == "done")
    assert referral.links.filter(revoked_at__isnull=True).exists() == has_place


def test_matching_and_withdrawing_at_once_invites_nobody(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    referral = steps.referred(gp_system, person)

    def match() -> str:
        match_referral(referral_id=referral.pk, at=timezone.now())
        return "done"

    outcomes = at_once(
        lambda side: _withdraw(gp_system, referral, None) if side else match(), sides=2
    )
    run_jobs()

    referral.refresh_from_db()
    assert outcomes == ["done", "done"]
    assert referral.business_status == "withdrawn"
    assert messages() == []
