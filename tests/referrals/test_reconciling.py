"""Every referral that was accepted is at its end, on its way, or on the list of the stuck with the reason."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.actors import patient_actor
from config.fictional import Person
from jobs.models import Job, JobKind, JobState
from referrals import codes, placing, responding
from referrals.inviting import LINK_LIFE
from referrals.lifecycle import UNANSWERED, BusinessStatus, is_over
from referrals.models import Link, Message, Referral, StatusChange
from referrals.standing import Known, Standing, Stuck, standing_of
from tests import cast
from tests.referrals import steps

AT = datetime.fromisoformat("2026-11-22T12:00:00Z")


# The rules


@pytest.mark.parametrize("status", BusinessStatus)
@pytest.mark.parametrize("has_job", [False, True])
def test_every_state_has_a_verdict(status: BusinessStatus, *, has_job: bool) -> None:
    known = Known(business_status=status, told=status, has_live_job=has_job)

    verdict = standing_of(known, at=AT)

    assert verdict
    assert (verdict.standing is Standing.STUCK) == (verdict.why is not None)
    if is_over(status):
        assert verdict.standing is Standing.TERMINAL
    elif has_job:
        assert verdict.standing is not Standing.STUCK


@pytest.mark.parametrize("status", [BusinessStatus.RECEIVED, *UNANSWERED])
def test_what_waits_for_us_and_has_no_job_is_stuck(status: BusinessStatus) -> None:
    verdict = standing_of(Known(business_status=status, told=status), at=AT)

    assert verdict
    assert verdict.why is Stuck.NO_JOB


@pytest.mark.parametrize(
    "known",
    [
        Known(business_status="from-a-newer-release", told="matched"),
        Known(business_status="matched", told="matched", has_gapless_history=False),
    ],
)
def test_what_no_rule_explains_has_no_verdict(known: Known) -> None:
    assert standing_of(known, at=AT) is None


def test_a_practice_that_was_not_told_of_the_end_is_not_the_end() -> None:
    known = Known(business_status="not-taken-up", told="matched", answer_by=AT - timedelta(days=1))

    verdict = standing_of(known, at=AT)

    assert verdict
    assert verdict.why is Stuck.PAST_DEADLINE


# The command


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def account() -> dict[str, Any]:
    said = StringIO()
    call_command("reconcile", "--json", stdout=said)
    found: dict[str, Any] = json.loads(said.getvalue())
    parts = found["terminal"] + found["in_progress"] + len(found["stuck"])
    assert found["accepted"] == parts == Referral.objects.count()
    return found


def reasons() -> list[str]:
    return [each["why"] for each in account()["stuck"]]


def test_a_referral_on_its_way_is_in_progress_at_every_step(
    db: None, gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    assert account()["accepted"] == 0
    referral = steps.referred(gp_system, person)
    assert account()["in_progress"] == 1
    run_jobs()
    assert account()["in_progress"] == 1
    steps.joined(referral)
    assert account()["in_progress"] == 1
    by = patient_actor(referral.pk)
    placing.leave(referral_id=referral.pk, reason="", by=by, at=timezone.now())
    assert account()["in_progress"] == 1

    with time_machine.travel(timezone.now() + timedelta(days=200)):
        run_jobs()
        assert account()["terminal"] == 1


@pytest.mark.django_db
def test_a_referral_that_nobody_took_up_is_at_its_end(
    referral: Referral, run_jobs: cast.RunJobs
) -> None:
    assert referral
    with time_machine.travel(timezone.now() + LINK_LIFE + timedelta(seconds=1)):
        run_jobs()

        assert account()["terminal"] == 1


def _jobs_are_lost(_referral: Referral) -> None:
    Job.objects.all().delete()


def _job_is_dead(_referral: Referral) -> None:
    end = Job.objects.filter(kind=JobKind.END_LINK)
    end.update(state=JobState.DEAD, ended_at=timezone.now())


def _link_is_locked(referral: Referral) -> None:
    for _ in range(responding.MOST_FAILED_CHECKS):
        with pytest.raises(responding.BirthDateWrong):
            responding.open_link(
                code=codes.code_of(referral.links.get()),
                birth_date=date(1901, 1, 1),
                at=timezone.now(),
            )


def _message_is_refused(_referral: Referral) -> None:
    Message.objects.update(state="refused", handed_over_at=None)


def _letter_is_refused(_referral: Referral) -> None:
    Message.objects.update(state="refused", handed_over_at=None, channel="letter")


def _end_is_lost(referral: Referral) -> None:
    Job.objects.all().delete()
    Link.objects.update(made_at=timezone.now() - LINK_LIFE - timedelta(days=1))


STUCK: list[tuple[Callable[[Referral], None], Stuck]] = [
    (_jobs_are_lost, Stuck.NO_JOB),
    (_job_is_dead, Stuck.DEAD_JOB),
    (_link_is_locked, Stuck.LINK_LOCKED),
    (_message_is_refused, Stuck.MESSAGE_REFUSED),
    (_letter_is_refused, Stuck.NO_CONTACT_ROUTE),
    (_end_is_lost, Stuck.PAST_DEADLINE),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("happens", "why"), STUCK, ids=[why.name for _, why in STUCK])
def test_what_is_stuck_is_listed_with_the_reason(
    referral: Referral, happens: Callable[[Referral], None], why: Stuck
) -> None:
    happens(referral)

    assert account()["stuck"] == [{"reference": referral.reference, "why": why}]
    said = StringIO()
    call_command("reconcile", stdout=said)
    assert f"{referral.reference}  {why}" in said.getvalue()


@pytest.mark.django_db
def test_somebody_who_must_not_be_contacted_is_listed(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.referred(gp_system, person)
    Referral.objects.filter(pk=referral.pk).update(is_contact_prohibited=True)
    run_jobs()

    assert reasons() == [Stuck.CONTACT_PROHIBITED]


@pytest.mark.django_db
def test_every_reason_can_happen() -> None:
    assert {why for _, why in STUCK} | {Stuck.CONTACT_PROHIBITED} == set(Stuck)


@pytest.mark.django_db
def test_a_message_without_its_job_is_stuck_although_the_end_is_due_one_day(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, settings: Settings
) -> None:
    settings.MESSAGES_FOLDER = "/dev/null/x"  # nothing can be handed over
    steps.invited(gp_system, person, run_jobs)
    assert reasons() == []

    Job.objects.filter(kind=JobKind.HAND_OVER).delete()

    assert reasons() == [Stuck.NO_JOB]


@pytest.mark.django_db
def test_a_gap_in_the_history_fails_the_command(referral: Referral) -> None:
    StatusChange.objects.filter(referral=referral, version=2).delete()

    with pytest.raises(CommandError, match=referral.reference):
        call_command("reconcile", stdout=StringIO())
