"""Matching: offers with their reasons, or none and word to the practice."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from communities.models import Community, Listing
from config.fictional import Person
from jobs.models import Job, JobKind
from referrals import matching
from referrals.lifecycle import BusinessStatus
from referrals.models import MatchRun, Message, Offer, Referral
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


def task_of(system: cast.ClinicalSystem, referral: Referral) -> dict[str, Any]:
    task: dict[str, Any] = json.loads(system.get(f"/fhir/R4/Task/{referral.pk}").content)
    return task


def test_the_best_communities_are_offered_with_their_reasons(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    run = MatchRun.objects.get()
    offers = list(referral.offers.order_by("rank"))
    assert 1 <= len(offers) <= matching.MOST_OFFERS
    assert [offer.rank for offer in offers] == list(range(1, len(offers) + 1))
    assert [offer.score for offer in offers] == sorted(
        (offer.score for offer in offers), reverse=True
    )
    for offer in offers:
        assert offer.run == run
        assert offer.community.listing == Listing.LISTED
        assert all(reason["code"] and "fact" in reason for reason in offer.reasons)
    assert (run.offered, run.considered) == (len(offers), Community.objects.count())
    assert run.matcher_version


def test_what_the_matcher_knew_names_nobody(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    steps.invited(gp_system, person, run_jobs)

    need = json.dumps(MatchRun.objects.get().need)

    for identifying in (
        person.nhs_number,
        person.family_name,
        person.given_name,
        person.phone,
        person.birth_date.isoformat(),
    ):
        assert identifying not in need


def test_the_practice_sees_that_a_match_was_found(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)

    matching.match_referral(referral_id=referral.pk, at=timezone.now())

    task = task_of(gp_system, referral)
    assert (task["status"], task["meta"]["versionId"]) == ("accepted", "2")
    assert task["businessStatus"]["coding"][0]["code"] == "matched"


def test_without_a_suitable_community_the_task_is_rejected_and_nobody_is_written_to(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    Community.objects.update(listing=Listing.SUSPENDED)

    referral = steps.invited(gp_system, person, run_jobs)

    assert referral.business_status == BusinessStatus.NO_MATCH
    task = task_of(gp_system, referral)
    assert task["status"] == "rejected"
    assert task["businessStatus"]["coding"][0]["code"] == "no-match"
    assert "moderated community" in task["statusReason"]["text"]
    assert messages() == []
    assert not Message.objects.exists()
    assert set(Job.objects.values_list("kind", flat=True)) == {JobKind.MATCH, JobKind.TELL}
    run = MatchRun.objects.get()
    assert (run.offered, run.considered) == (0, 0)


def test_matching_twice_is_matching_once(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    offers = list(Offer.objects.order_by("pk").values())

    matching.match_referral(referral_id=referral.pk, at=timezone.now())

    assert MatchRun.objects.count() == 1
    assert list(Offer.objects.order_by("pk").values()) == offers
    assert Job.objects.filter(kind=JobKind.INVITE).count() == 1


def test_a_community_that_is_overdue_for_its_review_is_not_offered(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    best = steps.invited(gp_system, person, run_jobs).offers.get(rank=1).community
    Community.objects.filter(pk=best.pk).update(review_due=yesterday)

    referral = steps.invited(gp_system, person, run_jobs)

    assert best not in {offer.community for offer in referral.offers.all()}


def test_equal_referrals_get_equal_offers(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    """Whoever is referred twice sees the same communities in the same order."""
    orders = [
        list(
            steps.invited(gp_system, person, run_jobs)
            .offers.order_by("rank")
            .values_list("community", "score", "reasons")
        )
        for _ in range(2)
    ]

    assert orders[0] == orders[1]
