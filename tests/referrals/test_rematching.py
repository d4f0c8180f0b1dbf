"""A community is suspended: nobody is sent there any more, and everybody whom it concerns can choose again."""

from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.actors import SYSTEM, patient_actor
from audit.models import Action, Entry
from communities import capacity
from communities.capacity import Statement
from communities.models import Capacity, Community, Listing, PlaceState, Reservation
from config.fictional import Person, people
from jobs.models import Job, JobKind, JobState
from jobs.queue import enqueue
from referrals import placing, responding
from referrals.lifecycle import COMMUNITY_PAUSED
from referrals.matching import match_referral
from referrals.models import MatchRun, Offer, Placement, Referral, StatusChange
from referrals.reconciling import reconcile
from referrals.rematching import MOST_AT_ONCE, withdraw_offer
from referrals.sweeping import sweep_referrals
from tests import cast
from tests.referrals import steps
from tests.referrals.test_silence import _seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def first(referral: Referral) -> Community:
    return referral.offers.order_by("rank")[0].community


def stop(community: Community, listing: Listing = Listing.SUSPENDED) -> None:
    """Suspend it, as communities.listing does."""
    Community.objects.filter(pk=community.pk).update(listing=listing)
    enqueue(
        JobKind.RECALL,
        tenant_id=community.host_id,
        at=timezone.now(),
        community_id=str(community.pk),
    )


def open_communities(referral: Referral) -> set[object]:
    offers = referral.offers.filter(withdrawn_at__isnull=True)
    return set(offers.values_list("community_id", flat=True))


def newest_told(referral: Referral) -> tuple[str, str]:
    change = referral.changes.filter(is_told=True).latest("version")
    return change.business_status, change.reason


def bodies(messages: cast.Messages, referral: Referral) -> list[str]:
    return [each["body"] for each in messages() if each["referral"] == referral.reference]


@pytest.mark.parametrize("listing", [Listing.SUSPENDED, Listing.CLOSED])
def test_an_open_offer_is_withdrawn_and_the_patient_has_others(
    referral: Referral,
    gp_system: cast.ClinicalSystem,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    listing: Listing,
) -> None:
    community, before = first(referral), open_communities(referral)
    runs = referral.match_runs.count()

    stop(community, listing)
    run_jobs()

    referral.refresh_from_db()
    after = open_communities(referral)
    assert community.pk not in after
    assert len(after) == len(before)  # something else has come in its place
    assert referral.match_runs.count() == runs + 1
    assert referral.business_status == "invitation-sent"
    assert newest_told(referral) == ("invitation-sent", COMMUNITY_PAUSED)
    task = gp_system.get(f"/fhir/R4/Task/{referral.pk}").json()
    assert "takes nobody at present" in task["statusReason"]["text"]
    [invitation, call] = bodies(messages, referral)
    assert call == invitation
    assert not {community.name, community.host.name} & set(call.split())
    withdrawn = Offer.objects.get(referral=referral, community=community)
    assert Entry.objects.filter(
        action=Action.OFFER_WITHDRAWN, target=f"Offer/{withdrawn.pk}"
    ).exists()


def test_nothing_is_chosen_or_joined_from_the_moment_of_the_suspension(referral: Referral) -> None:
    offer = referral.offers.order_by("rank")[0]
    Community.objects.filter(pk=offer.community_id).update(listing=Listing.SUSPENDED)

    with pytest.raises(responding.OfferGone):
        responding.choose_offer(referral_id=referral.pk, offer_id=offer.pk, at=timezone.now())
    with pytest.raises(responding.OfferGone):
        placing.join(
            referral_id=referral.pk,
            offer_id=offer.pk,
            tells_practice=True,
            counts_visits=True,
            at=timezone.now(),
        )


def test_a_choice_that_still_fits_stays_chosen(referral: Referral, run_jobs: cast.RunJobs) -> None:
    chosen = referral.offers.get(rank=2)
    responding.choose_offer(referral_id=referral.pk, offer_id=chosen.pk, at=timezone.now())

    stop(first(referral))
    run_jobs()

    [offer] = referral.offers.filter(withdrawn_at__isnull=True, chosen_at__isnull=False)
    assert offer.community_id == chosen.community_id


def test_recalling_twice_is_once(
    referral: Referral, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    community = first(referral)
    stop(community)
    run_jobs()
    referral.refresh_from_db()
    before = (referral.version, len(messages()), MatchRun.objects.count(), Offer.objects.count())

    stop(community)
    run_jobs()
    for offer in Offer.objects.filter(community=community):
        withdraw_offer(offer_id=offer.pk, at=timezone.now())

    referral.refresh_from_db()
    after = (referral.version, len(messages()), MatchRun.objects.count(), Offer.objects.count())
    assert after == before


def test_what_is_listed_again_in_time_is_left_alone(
    referral: Referral, run_jobs: cast.RunJobs
) -> None:
    community, before = first(referral), open_communities(referral)
    stop(community)
    Community.objects.filter(pk=community.pk).update(listing=Listing.LISTED)

    run_jobs()

    assert open_communities(referral) == before


@pytest.mark.parametrize("tells_practice", [True, False])
def test_whoever_has_a_place_hears_of_it_and_can_choose_again(
    referral: Referral, run_jobs: cast.RunJobs, messages: cast.Messages, *, tells_practice: bool
) -> None:
    placement = steps.joined(referral, tells_practice=tells_practice)
    version = referral.version

    stop(placement.community)
    run_jobs()

    for row in (placement, referral):
        row.refresh_from_db()
    assert (placement.left_reason, referral.business_status) == (COMMUNITY_PAUSED, "left-community")
    assert len(bodies(messages, referral)) == 2
    told = ("left-community" if tells_practice else "invitation-sent", COMMUNITY_PAUSED)
    assert newest_told(referral) == told
    assert referral.version == version + 1
    assert steps.joined(referral).community != placement.community


def test_whoever_waits_hears_of_it_and_nobody_gets_the_places(
    gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    member, waiting = [
        steps.invited(gp_system, person, run_jobs) for person in islice(people(seed=11), 2)
    ]
    community = first(member)
    for each in (member, waiting):
        Offer.objects.filter(referral=each).exclude(community=community).delete()
        assert each.offers.exists(), "both are offered this community"
    capacity.state_capacity(
        community=community,
        statement=Statement(total=1, has_waiting_list=True),
        members=(),
        by=SYSTEM,
        at=timezone.now(),
    )
    steps.joined(member)
    offer = waiting.offers.get()
    placing.join(
        referral_id=waiting.pk,
        offer_id=offer.pk,
        tells_practice=True,
        counts_visits=False,
        at=timezone.now(),
    )

    stop(community)
    run_jobs()

    for each in (member, waiting):
        each.refresh_from_db()
        assert each.business_status == "left-community"
        assert newest_told(each) == ("left-community", COMMUNITY_PAUSED)
        assert len(bodies(messages, each)) == 2
    assert not Reservation.objects.exclude(state=PlaceState.RELEASED).exists()
    assert Capacity.objects.get().used == 0
    assert not Job.objects.filter(kind=JobKind.OFFER_PLACE).exists()


def test_whoever_is_in_another_community_is_left_in_peace(
    referral: Referral, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    other = referral.offers.get(rank=2)
    placing.join(
        referral_id=referral.pk,
        offer_id=other.pk,
        tells_practice=True,
        counts_visits=False,
        at=timezone.now(),
    )
    referral.refresh_from_db()
    version, runs = referral.version, referral.match_runs.count()

    stop(first(referral))
    run_jobs()

    referral.refresh_from_db()
    assert (referral.business_status, referral.version) == ("joined", version)
    assert (len(bodies(messages, referral)), referral.match_runs.count()) == (1, runs)
    assert Placement.objects.get(left_at__isnull=True).community_id == other.community_id


def test_when_nothing_else_fits_the_practice_can_correct_and_the_patient_is_invited_anew(
    referral: Referral,
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    community = first(referral)
    Community.objects.exclude(pk=community.pk).update(listing=Listing.DRAFT)

    stop(community)
    run_jobs()

    referral.refresh_from_db()
    assert referral.business_status == "no-match"
    assert newest_told(referral) == ("no-match", "no-suitable-community")
    assert not referral.links.filter(revoked_at__isnull=True).exists()
    assert len(bodies(messages, referral)) == 1
    assert not reconcile(at=timezone.now()).unexplained

    Community.objects.filter(pk=community.pk).update(listing=Listing.LISTED)
    resource = gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}").json()
    answer = gp_system.put(
        f"/fhir/R4/ServiceRequest/{referral.pk}",
        cast.referral_for(person) | {"id": resource["id"]},
    )
    assert answer.status_code == 200, answer.content
    run_jobs()

    referral.refresh_from_db()
    assert referral.business_status == "invitation-sent"
    assert len(bodies(messages, referral)) == 2
    assert open_communities(referral) == {community.pk}


def test_nobody_writes_to_the_patient_of_a_referral_that_was_taken_back(
    referral: Referral,
    gp_system: cast.ClinicalSystem,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    placement = steps.joined(referral)
    steps.withdraw_referral(
        referral_id=referral.pk,
        is_mistake=False,
        reason_text="",
        expected_version=None,
        by=steps.actor_of(gp_system),
        at=timezone.now(),
    )
    referral.refresh_from_db()
    status, version = referral.business_status, referral.version

    stop(placement.community)
    run_jobs()

    for row in (placement, referral):
        row.refresh_from_db()
    assert placement.left_reason == COMMUNITY_PAUSED
    assert (referral.business_status, referral.version) == (status, version)
    assert len(bodies(messages, referral)) == 1


def test_an_offer_that_was_written_meanwhile_is_found_by_the_sweep(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.referred(gp_system, person)
    match_referral(referral_id=referral.pk, at=timezone.now())
    community = first(referral)
    Community.objects.filter(pk=community.pk).update(listing=Listing.SUSPENDED)

    assert sweep_referrals(at=timezone.now()) == 1
    assert sweep_referrals(at=timezone.now()) == 0
    run_jobs()

    assert community.pk not in open_communities(referral)


# What the practice sees


def _nothing(_referral: Referral) -> None:
    """Does not answer."""


def _joins(referral: Referral) -> None:
    steps.joined(referral, tells_practice=False)


def _joins_and_leaves(referral: Referral) -> None:
    _joins(referral)
    by = patient_actor(referral.pk)
    placing.leave(referral_id=referral.pk, reason="felt-worse", by=by, at=timezone.now())


def _joins_another(referral: Referral) -> None:
    placing.join(
        referral_id=referral.pk,
        offer_id=referral.offers.get(rank=2).pk,
        tells_practice=False,
        counts_visits=True,
        at=timezone.now(),
    )


def _waits(referral: Referral) -> None:
    capacity.state_capacity(
        community=first(referral),
        statement=Statement(total=0, has_waiting_list=True),
        members=(),
        by=SYSTEM,
        at=timezone.now(),
    )
    placement = placing.join(
        referral_id=referral.pk,
        offer_id=referral.offers.get(rank=1).pk,
        tells_practice=False,
        counts_visits=True,
        at=timezone.now(),
    )
    assert placement is None


WAYS: list[Callable[[Referral], None]] = [
    _nothing,
    _joins,
    _joins_and_leaves,
    _joins_another,
    _waits,
]


@pytest.mark.parametrize("is_only_one", [False, True])
def test_the_practice_sees_the_same_whatever_the_patient_did_in_silence(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, *, is_only_one: bool
) -> None:
    at = timezone.now()
    seen = []
    ways = [way for way in WAYS if not (is_only_one and way is _joins_another)]
    for way in ways:
        Community.objects.filter(listing=Listing.SUSPENDED).update(listing=Listing.LISTED)
        Community.objects.filter(listing=Listing.DRAFT).update(listing=Listing.LISTED)
        Capacity.objects.all().delete()
        with time_machine.travel(at, tick=False):
            referral = steps.invited(gp_system, person, run_jobs)
            way(referral)
            community = referral.offers.get(rank=1).community
            if is_only_one:
                Community.objects.exclude(pk=community.pk).update(listing=Listing.DRAFT)
            stop(community)
            run_jobs()
        with time_machine.travel(at + timedelta(days=28, seconds=1), tick=False):
            run_jobs()
        seen.append(_seen(gp_system, referral))

    for each in seen[1:]:
        assert each == seen[0]


# Many


def test_five_hundred_open_offers_are_recalled_each_for_its_own_practice(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    run_jobs: cast.RunJobs,
) -> None:
    own, foreign = (
        steps.invited(system, person, run_jobs)
        for system, person in zip((gp_system, other_gp_system), people(seed=5), strict=False)
    )
    community = first(own)
    Offer.objects.filter(referral=foreign).delete()
    copies = [*_copies(own, community, number=250), *_copies(foreign, community, number=250)]

    stop(community)
    run_jobs()

    assert not Offer.objects.filter(community=community, withdrawn_at__isnull=True).exists()
    recalls = Job.objects.filter(kind=JobKind.RECALL)
    assert [job.state for job in recalls] == [JobState.DONE] * 2  # in batches
    withdrawn = Job.objects.filter(kind=JobKind.WITHDRAW_OFFER, state=JobState.DONE)
    assert withdrawn.count() == len(copies) + 1 == MOST_AT_ONCE + 1
    assert set(withdrawn.values_list("tenant_id", flat=True)) == {
        own.practice_id,
        foreign.practice_id,
    }
    assert set(
        StatusChange.objects.filter(referral__in=copies, version=2).values_list("reason", flat=True)
    ) <= {COMMUNITY_PAUSED, "no-suitable-community"}
    assert StatusChange.objects.filter(referral__in=copies, version=2).count() == len(copies)
    assert not Job.objects.filter(state=JobState.DEAD).exists()


def _copies(pattern: Referral, community: Community, *, number: int) -> list[Referral]:
    """Referrals of the same practice and patient who must not be contacted, with one open offer each."""
    at = timezone.now()
    conditions = list(pattern.conditions.all())
    last = pattern.changes.latest("version")
    copies = [
        Referral(
            **{
                field.attname: getattr(pattern, field.attname)
                for field in Referral._meta.concrete_fields
            }
            | {"id": uuid4(), "reference": uuid4().hex[:12], "version": 1}
            | {"is_contact_prohibited": True}
        )
        for _ in range(number)
    ]
    Referral.objects.bulk_create(copies)
    Referral.conditions.through.objects.bulk_create(
        Referral.conditions.through(referral=each, condition=one)
        for each in copies
        for one in conditions
    )
    runs = MatchRun.objects.bulk_create(
        MatchRun(referral=each, at=at, matcher_version="0", considered=1, offered=1)
        for each in copies
    )
    Offer.objects.bulk_create(
        Offer(
            run=run, referral_id=run.referral_id, community=community, rank=1, score=1, reasons=[]
        )
        for run in runs
    )
    StatusChange.objects.bulk_create(
        StatusChange(
            referral=each,
            at=at,
            by="system",
            business_status=each.business_status,
            status=each.status,
            task_status=each.task_status,
            version=1,
            is_told=True,
            request_document_id=last.request_document_id,
        )
        for each in copies
    )
    return copies
