"""The patient's pages when a community is full, when a place is held for somebody, and when a community pauses."""

from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import SYSTEM
from communities import capacity
from communities.capacity import Member, Statement
from communities.models import Community, Listing
from config.fictional import Person
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.models import Placement, Referral
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db

JOINING = {"tell_community": "on", "tell_practice": "on"}


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    return steps.invited(gp_system, person, run_jobs)


@pytest.fixture
def opened(
    referral: Referral, patient_browser: Client, messages: cast.Messages, person: Person
) -> Client:
    """The patient's browser after the date of birth."""
    cast.open_link(patient_browser, cast.link_in(messages()[-1]), person)
    return patient_browser


def first(referral: Referral) -> Community:
    return referral.offers.get(rank=1).community


def fill(community: Community, *, line: bool) -> Member:
    """One place, which somebody has."""
    somebody = Member(uuid4(), uuid4())
    capacity.state_capacity(
        community=community,
        statement=Statement(total=1, has_waiting_list=line),
        members=[somebody],
        by=SYSTEM,
        at=timezone.now(),
    )
    return somebody


def choose(browser: Client, referral: Referral, rank: int = 1) -> None:
    offer = referral.offers.get(rank=rank)
    assert browser.post("/r/choose", {"offer": str(offer.pk)})["Location"] == "/r/share"


def page(browser: Client, name: str) -> str:
    return browser.get(f"/r/{name}").content.decode()


def test_a_group_that_fills_up_before_joining_leads_to_the_others(
    opened: Client, referral: Referral
) -> None:
    choose(opened, referral)
    fill(first(referral), line=False)

    answer = opened.post("/r/share", JOINING)

    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "That group is full now. Choose another one" in shown
    assert "This group is full now." in shown
    assert not Placement.objects.exists()
    choose(opened, referral, rank=2)
    assert opened.post("/r/share", JOINING)["Location"] == "/r/done"


def test_waiting_for_a_place_being_offered_one_and_joining(
    opened: Client, referral: Referral, run_jobs: cast.RunJobs
) -> None:
    community = first(referral)
    member = fill(community, line=True)
    assert "You can wait for a place." in page(opened, "choose")
    choose(opened, referral)
    assert "Wait for a place" in page(opened, "share")

    assert opened.post("/r/share", JOINING)["Location"] == "/r/manage"

    waiting = page(opened, "manage")
    assert "On the waiting list" in waiting
    assert community.name in waiting
    assert "Stop waiting" in waiting
    assert community.url not in waiting

    capacity.release(community_id=community.pk, holder=member.holder, at=timezone.now())
    run_jobs()
    assert "There is a place for you" in page(opened, "manage")
    assert "Wait for a place" not in page(opened, "share")

    assert opened.post("/r/share", JOINING)["Location"] == "/r/done"
    assert "Joined" in page(opened, "manage")


def test_whoever_waits_can_stop_or_say_no(opened: Client, referral: Referral) -> None:
    fill(first(referral), line=True)
    choose(opened, referral)
    opened.post("/r/share", JOINING)

    assert opened.get("/r/leave").status_code == 200
    assert opened.post("/r/leave", {}).status_code == 200

    referral.refresh_from_db()
    assert referral.business_status == "left-community"
    assert capacity.awaited(referral.pk) is None


def test_whoever_was_in_a_group_that_pauses_reads_so_and_chooses_again(
    opened: Client, referral: Referral, run_jobs: cast.RunJobs
) -> None:
    choose(opened, referral)
    opened.post("/r/share", JOINING)
    community = first(referral)
    Community.objects.filter(pk=community.pk).update(listing=Listing.SUSPENDED)
    enqueue(
        JobKind.RECALL,
        tenant_id=community.host_id,
        at=timezone.now(),
        community_id=str(community.pk),
    )
    run_jobs()

    shown = page(opened, "manage")
    assert "The group takes a break" in shown
    assert "Choose a community" in shown
    assert community.name not in page(opened, "choose")
