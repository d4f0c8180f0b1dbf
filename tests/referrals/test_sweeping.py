"""The safety net: what has lost its job gets it again, once, and what is on its way is left alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from config.fictional import Person
from jobs.models import Job, JobKind, JobState
from referrals import sweeping
from referrals.inviting import LINK_LIFE, invite_patient
from referrals.lifecycle import BusinessStatus
from referrals.matching import match_referral
from referrals.models import PatientSession, Referral
from referrals.reconciling import reconcile
from referrals.sessions import begin_session
from referrals.sweeping import LATE, sweep_referrals
from referrals.tasks import sweep
from tests import application_role, cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db

MATCHED, SENT = BusinessStatus.MATCHED, BusinessStatus.INVITATION_SENT


def _received(referral: Referral) -> None:
    """Not matched yet."""


def _matched(referral: Referral) -> None:
    match_referral(referral_id=referral.pk, at=timezone.now())


def _invited(referral: Referral) -> None:
    _matched(referral)
    invite_patient(referral_id=referral.pk, at=timezone.now())


STEPS: dict[JobKind, Callable[[Referral], None]] = {
    JobKind.MATCH: _received,
    JobKind.INVITE: _matched,
    JobKind.HAND_OVER: _invited,
}


@pytest.mark.parametrize("kind", STEPS)
def test_what_has_lost_its_job_goes_on_to_the_patient(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    kind: JobKind,
) -> None:
    referral = steps.referred(gp_system, person)
    STEPS[kind](referral)
    Job.objects.filter(kind__in=[JobKind.MATCH, JobKind.INVITE, JobKind.HAND_OVER]).delete()

    with time_machine.travel(timezone.now() + 2 * LATE, tick=False):
        with application_role.as_product():
            sweep()
        others = Job.objects.exclude(kind__in=[JobKind.END_LINK, JobKind.TELL])
        assert list(others.values_list("kind", flat=True)) == [kind]
        run_jobs()

    referral.refresh_from_db()
    assert referral.business_status == SENT
    assert len(messages()) == 1


def test_an_end_that_was_lost_is_made_up_for_and_the_practice_told(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    Job.objects.all().delete()

    with time_machine.travel(timezone.now() + LINK_LIFE + 2 * LATE, tick=False):
        assert sweep_referrals(at=timezone.now()) == 1
        run_jobs()
        assert sweep_referrals(at=timezone.now()) == 0

    referral.refresh_from_db()
    assert referral.business_status == BusinessStatus.NOT_TAKEN_UP
    assert referral.changes.filter(business_status="invitation-ended").count() == 1


@pytest.mark.parametrize("state", ["queued", "dead", "running"])
def test_what_has_a_job_is_left_alone(
    gp_system: cast.ClinicalSystem, person: Person, state: str
) -> None:
    steps.referred(gp_system, person)
    at = timezone.now()
    changes: dict[JobState, dict[str, Any]] = {
        JobState.QUEUED: {},
        JobState.DEAD: {"ended_at": at},
        JobState.RUNNING: {"lease": "0190a000-0000-4000-8000-000000000000", "leased_until": at},
    }
    Job.objects.update(state=state, **changes[JobState(state)])

    assert sweep_referrals(at=at + 2 * LATE) == 0


def test_what_is_young_is_left_alone_and_twice_is_once(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    steps.referred(gp_system, person)
    Job.objects.all().delete()
    at = timezone.now()

    assert sweep_referrals(at=at) == 0
    assert [sweep_referrals(at=at + 2 * LATE) for _ in range(3)] == [1, 0, 0]


def test_one_sweep_writes_no_more_than_it_may(
    gp_system: cast.ClinicalSystem, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "MOST_AT_ONCE", 2)
    for _ in range(5):
        steps.referred(gp_system, person)
    Job.objects.all().delete()
    at = timezone.now() + 2 * LATE

    assert [sweep_referrals(at=at) for _ in range(4)] == [2, 2, 1, 0]


def test_somebody_who_must_not_be_contacted_is_asked_about_once(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.referred(gp_system, person)
    Referral.objects.filter(pk=referral.pk).update(is_contact_prohibited=True)
    run_jobs()
    Job.objects.all().delete()

    assert sweep_referrals(at=timezone.now() + 2 * LATE) == 0


def test_sessions_that_are_over_are_forgotten(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)
    begin_session(referral=referral, at=timezone.now() - timedelta(days=2))

    sweep()

    assert not PatientSession.objects.exists()


@pytest.mark.parametrize("is_taken_back", [False, True])
def test_neither_a_draft_nor_what_was_taken_back_waits_for_a_job(
    gp_system: cast.ClinicalSystem, person: Person, *, is_taken_back: bool
) -> None:
    referral = steps.drafted(gp_system, person)
    if is_taken_back:
        referral = steps.referred(gp_system, person)
        _invited(referral)
        steps.withdraw_referral(
            referral_id=referral.pk,
            is_mistake=False,
            reason_text="",
            expected_version=None,
            by=steps.actor_of(gp_system),
            at=timezone.now(),
        )
    Job.objects.all().delete()

    with time_machine.travel(timezone.now() + 2 * LINK_LIFE, tick=False):
        assert sweep_referrals(at=timezone.now()) == 0
        account = reconcile(at=timezone.now())

    assert (account.stuck, account.unexplained) == ([], [])
    assert (account.in_progress, account.terminal) == (1, int(is_taken_back))
