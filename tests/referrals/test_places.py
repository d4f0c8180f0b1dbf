"""Joining takes a place, leaving frees it, and a full community has a line or is said to be full."""

from collections.abc import Callable
from datetime import timedelta
from itertools import islice

import pytest
import time_machine
from django.utils import timezone

from accounts.actors import SYSTEM, patient_actor
from communities import capacity
from communities.capacity import HOLD, Statement
from communities.models import Capacity, Community, Listing, PlaceState, Reservation
from config.fictional import people
from jobs.models import Job, JobKind
from referrals import placing, responding
from referrals.lifecycle import BusinessStatus
from referrals.models import Placement, Referral
from referrals.responding import OfferFull
from referrals.sweeping import sweep_referrals
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db

Referrals = Callable[[int], list[Referral]]


@pytest.fixture
def invited(gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs) -> Referrals:
    """Referrals of different people who all have the link, and the same community as their first offer."""

    def make(number: int) -> list[Referral]:
        crowd = [
            each for each in islice(people(seed=2), 400) if 30 <= 2026 - each.birth_date.year <= 50
        ]
        found = [steps.invited(gp_system, person, run_jobs) for person in crowd[:number]]
        assert len({first(each).pk for each in found}) == 1
        return found

    return make


def first(referral: Referral) -> Community:
    return referral.offers.order_by("rank")[0].community


def state(community: Community, total: int, *, line: bool = True) -> Capacity:
    return capacity.state_capacity(
        community=community,
        statement=Statement(total=total, has_waiting_list=line),
        members=(),
        by=SYSTEM,
        at=timezone.now(),
    )


def join(referral: Referral, rank: int = 1, *, tells: bool = True) -> Placement | None:
    placement = placing.join(
        referral_id=referral.pk,
        offer_id=referral.offers.get(rank=rank, withdrawn_at__isnull=True).pk,
        tells_practice=tells,
        counts_visits=False,
        at=timezone.now(),
    )
    referral.refresh_from_db()
    return placement


def told(referral: Referral) -> str:
    return referral.changes.filter(is_told=True).latest("version").business_status


def standing(referral: Referral) -> PlaceState | None:
    live = Reservation.objects.filter(holder=referral.pk).exclude(state=PlaceState.RELEASED)
    found = live.first()
    return PlaceState(found.state) if found else None


def test_joining_takes_a_place_and_leaving_frees_it(invited: Referrals) -> None:
    [referral] = invited(1)
    places = state(first(referral), 1)

    join(referral)
    places.refresh_from_db()
    assert (places.used, standing(referral)) == (1, PlaceState.TAKEN)

    placing.leave(
        referral_id=referral.pk, reason="", by=patient_actor(referral.pk), at=timezone.now()
    )
    places.refresh_from_db()
    assert (places.used, standing(referral)) == (0, None)


def test_a_full_community_without_a_line_is_full_and_others_remain(invited: Referrals) -> None:
    [referral] = invited(1)
    state(first(referral), 0, line=False)

    with pytest.raises(OfferFull):
        join(referral)

    referral.refresh_from_db()
    assert referral.business_status == BusinessStatus.INVITATION_SENT
    assert join(referral, 2) is not None


def test_whoever_waits_is_called_when_there_is_a_place_and_joins_by_the_same_link(
    invited: Referrals, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    member, waiting = invited(2)
    state(first(member), 1)
    join(member)

    assert join(waiting) is None
    assert (waiting.business_status, told(waiting)) == ("waitlist", "waitlist")
    assert waiting.joined_at is None
    before = len(messages())
    placing.leave(referral_id=member.pk, reason="", by=patient_actor(member.pk), at=timezone.now())
    run_jobs()

    assert standing(waiting) == PlaceState.OFFERED
    [invitation, call] = [each for each in messages() if each["referral"] == waiting.reference]
    assert len(messages()) == before + 1
    assert call["body"] == invitation["body"]  # the same link, and not a word of what it is about
    assert waiting.links.count() == 1

    placement = join(waiting)
    assert placement is not None
    assert (waiting.business_status, standing(waiting)) == ("joined", PlaceState.TAKEN)
    assert Capacity.objects.get().used == 1


def test_a_place_that_is_not_taken_in_time_goes_to_the_next(
    invited: Referrals, run_jobs: cast.RunJobs
) -> None:
    member, second, third = invited(3)
    state(first(member), 1)
    for referral in (member, second, third):
        join(referral)
    placing.leave(referral_id=member.pk, reason="", by=patient_actor(member.pk), at=timezone.now())
    run_jobs()
    version = second.version

    with time_machine.travel(timezone.now() + HOLD + timedelta(minutes=1), tick=False):
        run_jobs()

    for referral in (second, third):
        referral.refresh_from_db()
    assert (second.business_status, standing(second)) == ("left-community", None)
    assert (third.business_status, standing(third)) == ("waitlist", PlaceState.OFFERED)
    assert second.version == version  # the practice learns nothing of it


def test_a_hold_that_has_lost_its_job_ends_too(invited: Referrals, run_jobs: cast.RunJobs) -> None:
    member, waiting = invited(2)
    state(first(member), 1)
    join(member)
    join(waiting)
    placing.leave(referral_id=member.pk, reason="", by=patient_actor(member.pk), at=timezone.now())
    Job.objects.filter(kind=JobKind.END_HOLD).delete()

    with time_machine.travel(timezone.now() + HOLD + timedelta(hours=1), tick=False):
        sweep_referrals(at=timezone.now())
        run_jobs()

    assert standing(waiting) is None


def test_whoever_waits_may_join_another_one_instead(invited: Referrals) -> None:
    member, waiting = invited(2)
    state(first(member), 1)
    join(member)
    join(waiting)

    placement = join(waiting, 2)

    assert placement is not None
    assert (waiting.business_status, standing(waiting)) == ("joined", None)


def test_whoever_has_a_place_does_not_give_it_up_for_one_in_a_line(invited: Referrals) -> None:
    [referral] = invited(1)
    placement = join(referral)
    state(referral.offers.get(rank=2).community, 0)

    with pytest.raises(OfferFull):
        join(referral, 2)

    assert Placement.objects.get(left_at__isnull=True) == placement


def _declines(referral: Referral, _system: cast.ClinicalSystem) -> None:
    responding.decline(referral_id=referral.pk, reason="", at=timezone.now())


def _stops(referral: Referral, _system: cast.ClinicalSystem) -> None:
    by = patient_actor(referral.pk)
    placing.leave(referral_id=referral.pk, reason="", by=by, at=timezone.now())


def _is_withdrawn(referral: Referral, system: cast.ClinicalSystem) -> None:
    steps.withdraw_referral(
        referral_id=referral.pk,
        is_mistake=False,
        reason_text="",
        expected_version=None,
        by=steps.actor_of(system),
        at=timezone.now(),
    )


@pytest.mark.parametrize(
    ("ends", "status"),
    [(_declines, "patient-declined"), (_stops, "left-community"), (_is_withdrawn, "withdrawn")],
)
def test_whoever_no_longer_wants_is_no_longer_in_the_line(
    invited: Referrals,
    gp_system: cast.ClinicalSystem,
    ends: Callable[[Referral, cast.ClinicalSystem], None],
    status: str,
) -> None:
    member, waiting = invited(2)
    state(first(member), 1)
    join(member)
    join(waiting)

    ends(waiting, gp_system)

    waiting.refresh_from_db()
    assert (waiting.business_status, standing(waiting)) == (status, None)
    places = Capacity.objects.get()
    assert places.used == 1


def test_what_the_host_says_of_a_member_frees_the_place(invited: Referrals) -> None:
    one, two = invited(2)
    state(first(one), 2)
    leaver, declined = join(one), join(two)
    assert leaver
    assert declined

    placing.note_left(placement=leaver, by=steps.host_of(leaver), at=timezone.now())
    placing.decline_member(placement=declined, by=steps.host_of(declined), at=timezone.now())

    assert Capacity.objects.get().used == 0


def test_an_overdue_review_gives_no_new_places_and_takes_none(invited: Referrals) -> None:
    member, waiting = invited(2)
    community = first(member)
    state(community, 1)
    join(member)
    join(waiting)

    Community.objects.filter(pk=community.pk).update(review_due="2026-01-01")
    placing.leave(referral_id=member.pk, reason="", by=patient_actor(member.pk), at=timezone.now())

    assert standing(waiting) == PlaceState.WAITING
    assert Community.objects.get(pk=community.pk).listing == Listing.LISTED
