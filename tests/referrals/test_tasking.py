"""Tasks that a clinical system writes: kept word for word, in agreement with the referral, and answers to what was asked."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from config.fictional import Person
from referrals import codes, responding
from referrals.amending import StaleVersion
from referrals.lifecycle import MoveNotAllowed
from referrals.models import PracticeTask, PracticeTaskKind, Referral
from referrals.practice_tasks import ask_practice
from referrals.reading import Asked, Seen
from referrals.receiving import receive_referral
from referrals.selectors import change_at
from referrals.tasking import TaskKnown, amend_task, attach_task
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def attach(
    system: cast.ClinicalSystem, referral: Referral, *, status: str = "requested"
) -> Seen | None:
    return attach_task(
        referral_id=referral.pk,
        document='{"sent": 1}',
        status=status,
        by=steps.actor_of(system),
        at=timezone.now(),
    )


def amend(system: cast.ClinicalSystem, pk: Any, status: str, **more: Any) -> Seen | Asked | None:
    given = {"document": '{"sent": 2}', "reason_text": "", "expected_version": None, **more}
    return amend_task(
        task_id=pk, status=status, by=steps.actor_of(system), at=timezone.now(), **given
    )


def task_texts(referral: Referral) -> list[str | None]:
    """The sender's Task as each told version shows it."""
    rows = referral.changes.filter(is_told=True).order_by("version")
    return [row.task_document.text if row.task_document else None for row in rows]


def test_a_senders_task_is_kept_from_its_version_on(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    done = attach(gp_system, referral)

    assert done
    assert (done.change.version, done.change.business_status) == (4, "invitation-sent")
    assert task_texts(referral) == [None, None, None, '{"sent": 1}']
    withdrawn = amend(gp_system, referral.pk, "cancelled", reason_text="No longer needed")
    assert isinstance(withdrawn, Seen)
    assert withdrawn.change.reason_text == "No longer needed"
    assert task_texts(referral)[3:] == ['{"sent": 1}', '{"sent": 2}']


def test_a_second_task_for_one_referral_is_named_as_known(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    attach(gp_system, referral)

    with pytest.raises(TaskKnown) as known:
        attach(gp_system, referral)

    assert known.value.referral == referral
    assert len(task_texts(referral)) == 4


def test_a_task_that_comes_with_its_referral_is_in_the_first_version(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    new = steps.new_referral(person, task_document='{"sent": 0}')

    made = receive_referral(new=new, by=steps.actor_of(gp_system), at=timezone.now())

    first = change_at(made, 1)
    assert first
    assert first.task_document
    assert (first.request_document.text, first.task_document.text) == (
        new.document,
        '{"sent": 0}',
    )


@pytest.mark.parametrize(
    ("status", "state"), [("draft", "drafted"), ("requested", "received-by-service")]
)
def test_the_task_of_a_draft_is_a_draft_or_issues_it(
    gp_system: cast.ClinicalSystem, person: Person, status: str, state: str
) -> None:
    draft = steps.drafted(gp_system, person)

    done = attach(gp_system, draft, status=status)

    assert done
    assert (done.change.business_status, done.change.task_status) == (state, status)


def test_the_task_of_a_referral_that_was_issued_is_no_draft(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    with pytest.raises(MoveNotAllowed):
        attach(gp_system, referral, status="draft")


@pytest.mark.parametrize("status", ["draft", "requested", "rejected", "on-hold", "completed"])
def test_what_the_service_does_is_not_the_requesters_to_say(
    gp_system: cast.ClinicalSystem, referral: Referral, status: str
) -> None:
    with pytest.raises(MoveNotAllowed) as refused:
        amend(gp_system, referral.pk, status)

    assert refused.value.allowed == ("invitation-sent", "withdrawn", "entered-in-error")
    assert task_texts(referral) == [None] * 3


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", "invitation-sent"),
        ("cancelled", "withdrawn"),
        ("entered-in-error", "entered-in-error"),
    ],
)
def test_a_task_is_rewritten_or_takes_the_referral_back(
    gp_system: cast.ClinicalSystem, referral: Referral, status: str, state: str
) -> None:
    done = amend(gp_system, referral.pk, status, expected_version=3)

    assert isinstance(done, Seen)
    assert (done.change.business_status, done.change.task_status) == (state, status)
    with pytest.raises(StaleVersion):
        amend(gp_system, referral.pk, status, expected_version=3)


# What the practice was asked


def _ask(referral: Referral, kind: PracticeTaskKind) -> PracticeTask:
    ask_practice(referral, kind, at=timezone.now())
    return PracticeTask.objects.get(kind=kind)


@pytest.mark.parametrize("kind", ["link-locked", "message-refused"])
def test_what_needs_a_new_link_gets_one_when_the_practice_is_done(
    gp_system: cast.ClinicalSystem, person: Person, referral: Referral, kind: str
) -> None:
    old = referral.links.get()
    task = _ask(referral, PracticeTaskKind(kind))

    done = amend(gp_system, task.pk, "completed", expected_version=1)

    assert isinstance(done, Asked)
    assert (done.version, done.task.done_at) == (2, done.at)
    new = referral.links.exclude(pk=old.pk).get()
    responding.open_link(code=codes.code_of(new), birth_date=person.birth_date, at=timezone.now())
    with pytest.raises(responding.LinkDead):
        responding.open_link(
            code=codes.code_of(old), birth_date=date(1990, 1, 1), at=timezone.now()
        )


def test_who_must_not_be_contacted_gets_no_link_when_the_practice_is_done(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    task = _ask(referral, PracticeTaskKind.CONTACT_PROHIBITED)

    amend(gp_system, task.pk, "completed")

    task.refresh_from_db()
    assert task.done_at
    assert referral.links.count() == 1


def test_what_was_asked_is_done_once_and_can_be_nothing_else(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    task = _ask(referral, PracticeTaskKind.LINK_LOCKED)

    with pytest.raises(MoveNotAllowed) as refused:
        amend(gp_system, task.pk, "rejected")
    assert refused.value.allowed == ("completed",)
    amend(gp_system, task.pk, "completed")
    with pytest.raises(MoveNotAllowed) as refused:
        amend(gp_system, task.pk, "completed")
    assert refused.value.allowed == ()
    with pytest.raises(StaleVersion) as stale:
        amend(gp_system, task.pk, "completed", expected_version=1)
    assert stale.value.current == 2


def test_another_practices_task_is_as_if_it_were_not_there(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    task = _ask(referral, PracticeTaskKind.LINK_LOCKED)
    assert gp_system

    for pk in (referral.pk, task.pk, uuid4()):
        assert amend(other_gp_system, pk, "completed", expected_version=9) is None
    assert PracticeTask.objects.get().done_at is None
