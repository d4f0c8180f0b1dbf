"""Matching: offers with their reasons, or none and word to the practice."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from communities.matching.ranking import VERSION
from communities.matching.weights import WEIGHTS
from communities.models import Community, JudgedFacts, Listing
from communities.unmet import unmet_needs
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
    assert (run.offered, run.considered) == (len(offers), len(run.judged))
    assert run.considered < Community.objects.count()
    assert (run.matcher_version, run.weights) == (VERSION, WEIGHTS)


def test_what_the_matcher_knew_names_nobody(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    steps.invited(gp_system, person, run_jobs)

    need = MatchRun.objects.get().asked

    for identifying in (
        person.nhs_number,
        person.family_name,
        person.given_name,
        person.phone,
        person.birth_date.isoformat(),
    ):
        assert identifying not in need
    assert person.birth_date.isoformat()[:7] not in need


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


# Judged again


def changed_beyond_recognition() -> None:
    Community.objects.update(
        listing=Listing.CLOSED,
        name="Something else",
        moderated_by="none",
        search_visibility="public",
        sex="male",
        languages=["fr"],
        url="",
    )
    Community.areas.through.objects.all().delete()
    Community.conditions.through.objects.all().delete()


def test_a_run_can_be_judged_again_with_the_same_result_whatever_the_directory_says_now(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    offers = list(referral.offers.order_by("rank"))
    changed_beyond_recognition()

    again = matching.replay(MatchRun.objects.get())

    assert len(again) == len(offers) == 3
    for offer, one in zip(offers, again, strict=True):
        assert (one.community_id, one.score) == (str(offer.community_id), offer.score)
        reasons = [*one.reasons, *one.worth_knowing]
        assert [asdict(reason) for reason in reasons] == offer.reasons


def test_a_run_is_judged_again_with_the_weights_of_its_day(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    steps.invited(gp_system, person, run_jobs)
    run = MatchRun.objects.get()
    run.weights = {name: dict.fromkeys(line, 0) for name, line in run.weights.items()}

    assert {one.score for one in matching.replay(run)} == {0}


def test_a_run_of_other_rules_is_not_judged_again_by_these(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    steps.invited(gp_system, person, run_jobs)
    run = MatchRun.objects.get()
    run.matcher_version = "2026.01-1"

    with pytest.raises(matching.OtherRules):
        matching.replay(run)


def test_facts_that_have_not_changed_are_kept_once(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    steps.invited(gp_system, person, run_jobs)
    kept = JudgedFacts.objects.count()
    first, second = MatchRun.objects.get(), steps.invited(gp_system, person, run_jobs)

    assert second.match_runs.get().judged == first.judged
    assert JudgedFacts.objects.count() == kept == first.considered


def test_facts_that_change_are_kept_beside_those_before(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    best = steps.invited(gp_system, person, run_jobs).offers.get(rank=1).community
    Community.objects.filter(pk=best.pk).update(name="Renamed (fictional)")
    steps.invited(gp_system, person, run_jobs)

    names = {row.facts["name"] for row in JudgedFacts.objects.filter(community=best)}
    assert names == {best.name, "Renamed (fictional)"}


# What nobody could meet


def unmet(referral: Referral) -> list[tuple[str, str, str, str, int]]:
    assert referral.practice.ods_code == cast.PRACTICE
    rows = unmet_needs(cast.ICB)
    return [(r.condition_id, r.lad_code, r.language, str(r.month), r.number) for r in rows]


def test_a_need_that_nobody_meets_is_counted_by_condition_place_language_and_month(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    Community.objects.update(listing=Listing.SUSPENDED)

    for _ in range(3):
        referral = steps.invited(gp_system, person, run_jobs)

    month = str(timezone.localdate().replace(day=1))
    assert unmet(referral) == [("depression", "E09000012", "", month, 3)]


def test_a_need_that_is_met_is_not_counted(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    assert unmet(steps.invited(gp_system, person, run_jobs)) == []


def test_a_referral_that_is_matched_again_in_vain_counts_once(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    Community.objects.update(listing=Listing.SUSPENDED)
    referral = steps.invited(gp_system, person, run_jobs)
    path = f"/fhir/R4/ServiceRequest/{referral.pk}"
    sent = json.loads(gp_system.get(path).content)

    assert gp_system.put(path, sent | {"priority": "urgent"}).status_code == 200
    run_jobs()

    assert referral.match_runs.count() == 2
    assert [row[-1] for row in unmet(referral)] == [1]


def test_the_register_of_one_board_shows_nothing_of_another(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    Community.objects.update(listing=Listing.SUSPENDED)
    steps.invited(gp_system, person, run_jobs)

    assert not unmet_needs(cast.OTHER_ICB).exists()
