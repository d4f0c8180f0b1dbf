"""What a community says of a member's place: accepted, waiting, declined; told to the practice as far as the patient wants."""

import json
from collections.abc import Callable
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from config.fictional import Person
from referrals import placing
from referrals.models import Placement, Referral
from referrals.selectors import offers_of
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db

Join = Callable[..., Placement]


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


@pytest.fixture
def join(referral: Referral, community: cast.Community) -> Join:
    """Lets the patient join one of this host's communities."""

    return partial(steps.joined, referral, host=community.key.organisation)


def told(referral: Referral) -> list[str]:
    """The states that the practice was told after the invitation, oldest first."""
    rows = referral.changes.filter(is_told=True, version__gt=3).order_by("version")
    return list(rows.values_list("business_status", flat=True))


def says(community: cast.Community, placement: Placement, kind: str) -> str:
    """The receipt for one event."""
    answer = community.report(cast.activity(placement.pseudonym, kind))
    [receipt] = json.loads(answer.content)["receipts"]
    return str(receipt["receipt"])


def state_of(referral: Referral) -> str:
    referral.refresh_from_db()
    return referral.business_status


@pytest.mark.parametrize("tells_practice", [True, False])
def test_a_member_waits_and_then_has_a_place(
    referral: Referral, community: cast.Community, join: Join, tells_practice: bool
) -> None:
    placement = join(tells_practice=tells_practice, counts_visits=False)

    assert says(community, placement, "waitlisted") == "recorded"
    assert state_of(referral) == "waitlist"
    assert says(community, placement, "accepted") == "recorded"
    assert state_of(referral) == "joined"

    assert told(referral) == (["joined", "waitlist", "joined"] if tells_practice else [])


def test_the_same_again_changes_nothing(
    referral: Referral, community: cast.Community, join: Join
) -> None:
    placement = join()

    for kind in ("accepted", "waitlisted", "waitlisted"):
        assert says(community, placement, kind) == "recorded"

    assert told(referral) == ["joined", "waitlist"]


def test_whoever_takes_part_waits_no_longer(
    referral: Referral, community: cast.Community, join: Join
) -> None:
    placement = join()
    says(community, placement, "waitlisted")

    says(community, placement, "read")
    says(community, placement, "waitlisted")

    assert state_of(referral) == "engaged"
    assert told(referral) == ["joined", "waitlist", "joined"], "that they take part is theirs"


@pytest.mark.parametrize("tells_practice", [True, False])
def test_whoever_is_declined_may_choose_another_community(
    referral: Referral, community: cast.Community, join: Join, tells_practice: bool
) -> None:
    before = set(offers_of(referral.pk, on=timezone.localdate()))
    placement = join(tells_practice=tells_practice)

    assert says(community, placement, "declined") == "recorded"

    placement.refresh_from_db()
    assert (state_of(referral), placement.left_reason) == ("left-community", "declined-by-host")
    assert told(referral) == (["joined", "left-community"] if tells_practice else [])
    after = set(offers_of(referral.pk, on=timezone.localdate()))
    assert {offer.community_id for offer in before - after} == {placement.community_id}
    other = after.pop()
    placing.join(
        referral_id=referral.pk,
        offer_id=other.pk,
        tells_practice=False,
        counts_visits=False,
        at=timezone.now(),
    )
    assert state_of(referral) == "joined"


def test_the_practice_is_told_that_there_was_no_place_and_not_that_the_patient_left(
    gp_system: cast.ClinicalSystem, referral: Referral, community: cast.Community, join: Join
) -> None:
    says(community, join(), "declined")

    task = json.loads(gp_system.get(f"/fhir/R4/Task/{referral.pk}").content)

    assert (task["status"], task["businessStatus"]["coding"][0]["code"]) == (
        "in-progress",
        "left-community",
    )
    assert task["statusReason"]["text"].startswith("The community could not take the patient")


def test_a_choice_taken_back_keeps_what_follows_from_the_practice(
    referral: Referral, community: cast.Community, join: Join
) -> None:
    placement = join(tells_practice=True)
    join(tells_practice=False)

    says(community, placement, "waitlisted")
    says(community, placement, "declined")

    assert told(referral) == ["joined"]


def test_who_agrees_to_tell_while_waiting_is_told_as_waiting_and_engaged_as_joined(
    referral: Referral, community: cast.Community, join: Join
) -> None:
    placement = join(tells_practice=False)
    says(community, placement, "waitlisted")
    join(tells_practice=True)
    join(tells_practice=False)
    says(community, placement, "read")
    join(tells_practice=True)

    assert state_of(referral) == "engaged"
    assert told(referral) == ["waitlist", "joined"]


def test_a_community_that_the_patient_has_left_says_nothing_more_of_them(
    referral: Referral, community: cast.Community, join: Join
) -> None:
    old = join()
    other = referral.offers.exclude(community_id=old.community_id)[0]
    new = placing.join(
        referral_id=referral.pk,
        offer_id=other.pk,
        tells_practice=False,
        counts_visits=False,
        at=timezone.now(),
    )

    assert new
    assert says(community, old, "declined") == "not-counted"
    placing.decline_member(placement=old, by=steps.host_of(old), at=timezone.now())

    new.refresh_from_db()
    assert new.left_at is None


def test_another_hosts_member_is_unknown(referral: Referral, community: cast.Community) -> None:
    offer = referral.offers.exclude(community__host=community.key.organisation)[0]
    placement = placing.join(
        referral_id=referral.pk,
        offer_id=offer.pk,
        tells_practice=True,
        counts_visits=True,
        at=timezone.now(),
    )

    assert placement
    assert says(community, placement, "declined") == "unknown-subject"
    assert state_of(referral) == "joined"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("waitlisted", "On the waiting list"),
        ("accepted", "Joined"),
        ("declined", "The community has no place for you at present"),
    ],
)
def test_the_patient_sees_what_the_community_said(
    community: cast.Community,
    join: Join,
    patient_browser: Client,
    messages: cast.Messages,
    person: Person,
    kind: str,
    words: str,
) -> None:
    says(community, join(), kind)
    [message] = messages()
    cast.open_link(patient_browser, cast.link_in(message), person)

    page = patient_browser.get("/r/manage").content.decode()

    assert words in page
    assert ("You left" in page) is False
