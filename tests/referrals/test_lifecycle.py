"""The table of allowed moves, against a list written for this test alone."""

from itertools import product

import pytest

from accounts.actors import SYSTEM, Actor, ActorKind
from config.fictional import Person
from referrals import lifecycle
from referrals.changing import move
from referrals.lifecycle import (
    STATUSES,
    BusinessStatus,
    MoveNotAllowed,
    RequestStatus,
    TaskStatus,
    is_over,
    moves_open_to,
)
from referrals.models import Referral, StatusChange
from tests import cast
from tests.referrals import steps

# from → to: by whom. Whatever is not here must not be possible.
ALLOWED = {
    ("drafted", "drafted"): {"client"},
    ("drafted", "received-by-service"): {"client"},
    ("received-by-service", "received-by-service"): {"client"},
    ("received-by-service", "matched"): {"system"},
    ("received-by-service", "no-match"): {"system"},
    ("no-match", "received-by-service"): {"client"},
    ("matched", "matched"): {"client"},
    ("matched", "invitation-sent"): {"system"},
    ("matched", "joined"): {"patient"},
    ("matched", "waitlist"): {"patient"},
    ("matched", "patient-declined"): {"patient"},
    ("matched", "no-match"): {"system"},
    ("matched", "not-taken-up"): {"system"},
    ("invitation-sent", "invitation-sent"): {"client"},
    ("invitation-sent", "joined"): {"patient"},
    ("invitation-sent", "waitlist"): {"patient"},
    ("invitation-sent", "patient-declined"): {"patient"},
    ("invitation-sent", "no-match"): {"system"},
    ("invitation-sent", "not-taken-up"): {"system"},
    ("joined", "joined"): {"client"},
    ("joined", "waitlist"): {"host"},
    ("joined", "engaged"): {"host"},
    ("joined", "left-community"): {"patient", "host", "system"},
    ("waitlist", "waitlist"): {"client"},
    ("waitlist", "joined"): {"patient", "host"},
    ("waitlist", "patient-declined"): {"patient"},
    ("waitlist", "left-community"): {"patient", "host", "system"},
    ("engaged", "left-community"): {"patient", "host", "system"},
    ("left-community", "left-community"): {"client"},
    ("left-community", "joined"): {"patient"},
    ("left-community", "waitlist"): {"patient"},
    ("left-community", "patient-declined"): {"patient"},
    ("left-community", "no-match"): {"system"},
    **{
        (told, "withdrawn"): {"client"}
        for told in (
            "drafted",
            "received-by-service",
            "no-match",
            "matched",
            "invitation-sent",
            "joined",
            "waitlist",
            "left-community",
        )
    },
    # From wherever the practice can be told that it stands; of the other states it is never told.
    **{
        (told, "entered-in-error"): {"client"}
        for told in (
            "drafted",
            "received-by-service",
            "no-match",
            "matched",
            "invitation-sent",
            "joined",
            "waitlist",
            "left-community",
            "patient-declined",
            "invitation-ended",
            "withdrawn",
        )
    },
}

# What the referring system sees: ServiceRequest.status, Task.status.
SEEN = {
    "drafted": ("draft", "draft"),
    "received-by-service": ("active", "requested"),
    "matched": ("active", "accepted"),
    "no-match": ("active", "rejected"),
    "invitation-sent": ("active", "accepted"),
    "joined": ("active", "in-progress"),
    "waitlist": ("active", "accepted"),
    "engaged": ("active", "in-progress"),
    "left-community": ("active", "in-progress"),
    "patient-declined": ("revoked", "cancelled"),
    "not-taken-up": ("revoked", "failed"),
    "invitation-ended": ("completed", "completed"),
    "withdrawn": ("revoked", "cancelled"),
    "entered-in-error": ("entered-in-error", "entered-in-error"),
}
# Told to the practice in place of a state, and never a state itself.
ONLY_TOLD = {"invitation-ended"}

EVERY_MOVE = list(product(BusinessStatus, BusinessStatus, ActorKind))


@pytest.mark.parametrize(("current", "target", "kind"), EVERY_MOVE)
def test_every_move_is_allowed_or_refused_as_listed(
    current: BusinessStatus, target: BusinessStatus, kind: ActorKind
) -> None:
    is_allowed = kind.value in ALLOWED.get((current.value, target.value), set())

    if is_allowed:
        lifecycle.check(current, target, kind)
    else:
        with pytest.raises(MoveNotAllowed):
            lifecycle.check(current, target, kind)
    assert (target in lifecycle.allowed(current, kind)) == is_allowed


def test_a_refused_move_says_what_is_possible() -> None:
    with pytest.raises(MoveNotAllowed) as refused:
        lifecycle.check(BusinessStatus.INVITATION_SENT, BusinessStatus.ENGAGED, ActorKind.PATIENT)

    assert str(refused.value) == (
        "A referral that is invitation-sent cannot become engaged."
        " Possible now: joined, waitlist, patient-declined."
    )


def test_every_state_has_its_fhir_statuses() -> None:
    shown = {
        state.value: (statuses.request.value, statuses.task.value)
        for state, statuses in STATUSES.items()
    }

    assert shown == SEEN


def test_every_state_can_be_reached_and_none_is_a_trap_by_mistake() -> None:
    states = {state.value for state in BusinessStatus} - ONLY_TOLD
    left_alone = {(start, to): by - {"client"} for (start, to), by in ALLOWED.items()}
    stops = states - {start for (start, _to), by in left_alone.items() if by}

    assert {to for _, to in ALLOWED} == states
    # A draft waits for its requester. All the others are over.
    assert stops == {"drafted", *(state for state in states if is_over(BusinessStatus(state)))}
    assert stops - {"drafted"} == {
        "no-match",
        "patient-declined",
        "not-taken-up",
        "withdrawn",
        "entered-in-error",
    }


@pytest.mark.parametrize("told", BusinessStatus)
def test_every_move_of_a_requester_has_a_name_and_its_statuses(told: BusinessStatus) -> None:
    possible = moves_open_to(told, ActorKind.CLIENT)

    names = [one.name for one in possible]
    assert len(set(names)) == len(names)
    assert set(names) <= {"issue", "correct", "withdraw", "mark-as-error"}
    for one in possible:
        assert (one.request_status, one.task_status) == SEEN[one.business_status]
        assert one.takes_reason == (one.name in ("withdraw", "mark-as-error"))


# The one way to move


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person) -> Referral:
    return steps.referred(gp_system, person)


def test_a_move_writes_the_row_its_history_and_a_version(referral: Referral) -> None:
    move(referral, BusinessStatus.MATCHED, by=SYSTEM, at=referral.received_at)

    kept = Referral.objects.get()
    assert (kept.status, kept.task_status, kept.version) == ("active", "accepted", 2)
    newest = StatusChange.objects.latest("pk")
    assert (newest.business_status, newest.version, newest.by) == ("matched", 2, "system")


def test_a_step_kept_from_the_practice_makes_no_version(referral: Referral) -> None:
    move(referral, BusinessStatus.MATCHED, by=SYSTEM, at=referral.received_at, is_told=False)

    assert Referral.objects.get().version == 1
    assert StatusChange.objects.latest("pk").version == 1


def test_a_refused_move_writes_nothing(referral: Referral) -> None:
    patient = Actor(ActorKind.PATIENT, str(referral.pk))
    before = Referral.objects.values().get()

    with pytest.raises(MoveNotAllowed):
        move(referral, BusinessStatus.JOINED, by=patient, at=referral.received_at)

    assert Referral.objects.values().get() == before
    assert StatusChange.objects.count() == 1


def test_the_row_decides_and_not_an_old_copy_of_it(referral: Referral) -> None:
    old_copy = Referral.objects.get()
    move(referral, BusinessStatus.NO_MATCH, by=SYSTEM, at=referral.received_at)

    with pytest.raises(MoveNotAllowed):
        move(old_copy, BusinessStatus.MATCHED, by=SYSTEM, at=referral.received_at)

    assert Referral.objects.get().business_status == BusinessStatus.NO_MATCH


def test_the_codes_are_those_of_fhir() -> None:
    assert set(RequestStatus.values) <= {
        "draft",
        "active",
        "on-hold",
        "revoked",
        "completed",
        "entered-in-error",
        "unknown",
    }
    assert set(TaskStatus.values) <= {
        "draft",
        "requested",
        "received",
        "accepted",
        "rejected",
        "ready",
        "cancelled",
        "in-progress",
        "on-hold",
        "failed",
        "completed",
        "entered-in-error",
    }
