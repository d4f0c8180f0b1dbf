"""Joining, changing and leaving a community, and who learns of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from accounts.actors import host_actor, patient_actor
from audit.models import Action, Entry
from communities.models import Community, HandOff
from config.fictional import Person
from referrals import placing
from referrals.lifecycle import BusinessStatus
from referrals.models import Placement, Referral
from tests import cast
from tests.api.answers import row_counts
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def told(system: cast.ClinicalSystem, referral: Referral) -> list[tuple[bytes, str, str]]:
    """All that the practice's system can see of how things stand."""
    return [
        (answer.content, answer["ETag"], answer["Last-Modified"])
        for answer in (
            system.get(f"/fhir/R4/{name}/{referral.pk}") for name in ("Task", "ServiceRequest")
        )
    ]


def task_of(system: cast.ClinicalSystem, referral: Referral) -> dict[str, Any]:
    task: dict[str, Any] = json.loads(system.get(f"/fhir/R4/Task/{referral.pk}").content)
    return task


def join(referral: Referral, rank: int = 1, **choices: bool) -> Placement:
    """Join the community at a rank."""
    placement = placing.join(
        referral_id=referral.pk,
        offer_id=referral.offers.get(rank=rank).pk,
        at=timezone.now(),
        **{"tells_practice": True, "counts_visits": True, **choices},
    )
    assert placement
    referral.refresh_from_db()
    return placement


def leave(referral: Referral, reason: str = "not-for-me") -> None:
    placing.leave(
        referral_id=referral.pk, reason=reason, by=patient_actor(referral.pk), at=timezone.now()
    )
    referral.refresh_from_db()


# Joining


def test_joining_makes_a_placement_under_a_pseudonym_that_tells_nothing(
    referral: Referral, person: Person
) -> None:
    placement = join(referral)

    assert placement.community == referral.offers.get(rank=1).community
    assert referral.business_status == BusinessStatus.JOINED
    assert referral.joined_at == placement.joined_at
    assert placement.pseudonym.startswith("psn_")
    assert len(placement.pseudonym) == len("psn_") + 26  # 128 bits
    for known in (referral.reference, str(referral.pk), referral.pk.hex, person.nhs_number):
        assert known not in placement.pseudonym


def test_whoever_joins_again_elsewhere_has_another_pseudonym(referral: Referral) -> None:
    pseudonyms = {join(referral, rank).pseudonym for rank in (1, 2, 1)}

    assert len(pseudonyms) == 3


def test_the_way_to_the_community_carries_the_pseudonym_and_nothing_else(
    referral: Referral,
) -> None:
    placement = join(referral)
    Community.objects.filter(pk=placement.community_id).update(
        hand_off=HandOff.LINK, url="https://community.example/start?from=x"
    )
    placement.community.refresh_from_db()

    parts = urlsplit(placing.join_address(placement))

    assert (parts.netloc, parts.path) == ("community.example", "/start")
    assert parse_qs(parts.query) == {"from": ["x"], "member": [placement.pseudonym]}


def test_a_community_that_knows_no_pseudonyms_gets_none(referral: Referral) -> None:
    placement = join(referral)
    placement.community.hand_off = HandOff.ADDRESS

    assert placing.join_address(placement) == placement.community.url


def test_joining_the_same_one_twice_is_joining_once(referral: Referral) -> None:
    first, again = join(referral), join(referral)

    assert first == again
    assert Placement.objects.count() == 1
    assert referral.changes.filter(business_status=BusinessStatus.JOINED).count() == 1


# Who is told


def test_the_practice_is_told_when_the_patient_agrees(
    referral: Referral, gp_system: cast.ClinicalSystem
) -> None:
    before = int(task_of(gp_system, referral)["meta"]["versionId"])

    join(referral, tells_practice=True)

    task = task_of(gp_system, referral)
    assert task["status"] == "in-progress"
    assert task["businessStatus"]["coding"][0]["code"] == "joined"
    assert int(task["meta"]["versionId"]) == before + 1


def test_a_silent_member_leaves_no_trace_at_the_practice(
    referral: Referral, gp_system: cast.ClinicalSystem
) -> None:
    """Joining, taking part, leaving and joining another: not even a version or a time moves."""
    before = told(gp_system, referral)

    placement = join(referral, tells_practice=False)
    assert told(gp_system, referral) == before
    host = host_actor(placement.community.host)
    placing.note_active(placement=placement, by=host, at=timezone.now())
    assert told(gp_system, referral) == before
    join(referral, rank=2, tells_practice=False)
    assert told(gp_system, referral) == before
    leave(referral)
    assert told(gp_system, referral) == before

    states = list(referral.changes.order_by("pk").values_list("business_status", "is_told"))
    assert states[3:] == [
        ("joined", False),
        ("engaged", False),
        ("left-community", False),
        ("joined", False),
        ("left-community", False),
    ]
    for version in (4, 5):
        path = f"/fhir/R4/Task/{referral.pk}/_history/{version}"
        assert gp_system.get(path).status_code == 404


def test_no_community_and_no_sharing_choice_is_ever_named_to_the_practice(
    referral: Referral, gp_system: cast.ClinicalSystem
) -> None:
    placement = join(referral, tells_practice=True)
    leave(referral, reason="did-not-feel-safe")

    seen = b"".join(content for content, _, _ in told(gp_system, referral)).decode()

    for secret in (
        placement.community.name,
        placement.community.host.name,
        placement.pseudonym,
        str(placement.pk),
        "did-not-feel-safe",
    ):
        assert secret not in seen
    assert task_of(gp_system, referral)["businessStatus"]["coding"][0]["code"] == "joined"


def test_whoever_agrees_later_is_made_known_then(
    referral: Referral, gp_system: cast.ClinicalSystem
) -> None:
    join(referral, tells_practice=False)
    before = int(task_of(gp_system, referral)["meta"]["versionId"])

    placement = join(referral, tells_practice=True)

    task = task_of(gp_system, referral)
    assert placement.tells_practice
    assert task["businessStatus"]["coding"][0]["code"] == "joined"
    assert int(task["meta"]["versionId"]) == before + 1


def test_whoever_changes_their_mind_is_silent_from_then_on(
    referral: Referral, gp_system: cast.ClinicalSystem
) -> None:
    join(referral, tells_practice=True)
    before = told(gp_system, referral)

    placement = join(referral, tells_practice=False, counts_visits=False)
    leave(referral)

    assert not placement.counts_visits
    assert told(gp_system, referral) == before


def test_choices_are_on_record(referral: Referral) -> None:
    join(referral, tells_practice=False, counts_visits=True)

    entry = Entry.objects.get(action=Action.COMMUNITY_JOINED)
    assert entry.detail == {"tells-practice": 0, "counts-visits": 1}


# Changing and leaving


def test_whoever_changes_leaves_the_first_one(referral: Referral) -> None:
    first = join(referral)
    joined_at = referral.joined_at

    second = join(referral, rank=2)

    first.refresh_from_db()
    assert (first.left_at, first.left_reason) == (second.joined_at, "changed-choice")
    assert second.left_at is None
    assert referral.joined_at == joined_at, "the first time counts"
    assert referral.business_status == BusinessStatus.JOINED


def test_leaving_twice_is_leaving_once(referral: Referral) -> None:
    placement = join(referral)
    leave(referral, "too-busy")
    before = row_counts()

    leave(referral, "other")

    assert row_counts() == before
    placement.refresh_from_db()
    assert placement.left_reason == "too-busy"


def test_leaving_without_having_joined_is_nothing(referral: Referral) -> None:
    before = row_counts()

    leave(referral)

    assert row_counts() == before


def test_activity_in_a_community_left_does_not_bring_anybody_back(
    referral: Referral, community: cast.Community
) -> None:
    placement = steps.joined(referral, host=community.key.organisation)
    leave(referral)

    community.report(cast.activity(placement.pseudonym))

    referral.refresh_from_db()
    assert referral.business_status == BusinessStatus.LEFT


def test_being_active_again_is_noted_once(referral: Referral) -> None:
    placement = join(referral)
    by = host_actor(placement.community.host)
    moments = [datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(3)]

    for at in moments:
        placing.note_active(placement=placement, by=by, at=at)

    referral.refresh_from_db()
    assert referral.active_at == moments[0]
    assert referral.changes.filter(business_status=BusinessStatus.ENGAGED).count() == 1
