"""What the practice is asked to do: once while it is open, in plain words, and never what the patient did."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.actors import SYSTEM
from config.fictional import Person, people
from integrations.fhir.task import PRACTICE_TASKS
from referrals import codes, responding
from referrals.models import Message, PracticeTask, PracticeTaskKind, Referral
from referrals.practice_tasks import ask_practice
from referrals.renewing import renew_link
from tests import cast
from tests.integrations.fhir.cast import check
from tests.referrals import steps

pytestmark = pytest.mark.django_db

AFTER_THE_END = timedelta(days=28, seconds=1)


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def lock(referral: Referral) -> None:
    link = referral.links.filter(revoked_at__isnull=True).get()
    for _ in range(responding.MOST_FAILED_CHECKS):
        with pytest.raises(responding.BirthDateWrong):
            responding.open_link(
                code=codes.code_of(link), birth_date=date(1901, 1, 1), at=timezone.now()
            )


def tasks_of(system: cast.ClinicalSystem, referral: Referral) -> list[dict[str, Any]]:
    """The Tasks that the practice has to do, as its system finds them."""
    answer = system.get(f"/fhir/R4/Task?focus=ServiceRequest/{referral.pk}")
    assert answer.status_code == 200
    found = [entry["resource"] for entry in json.loads(answer.content)["entry"]]
    asked = [task for task in found if task["id"] != str(referral.pk)]
    assert len(found) == len(asked) + 1
    return asked


def test_a_locked_link_is_a_task_for_the_practice(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    assert tasks_of(gp_system, referral) == []

    lock(referral)

    [task] = tasks_of(gp_system, referral)
    assert task["status"] == "requested"
    assert task["code"]["coding"][0]["code"] == "link-locked"
    assert task["owner"]["identifier"]["value"] == gp_system.organisation.ods_code
    assert task["focus"] == {"reference": f"ServiceRequest/{referral.pk}"}
    assert "date of birth" in task["description"]
    assert check(task) == []


def test_it_is_read_by_its_own_id_and_in_its_versions(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    lock(referral)
    [found] = tasks_of(gp_system, referral)
    path = f"/fhir/R4/Task/{found['id']}"
    raised = gp_system.get(path)
    assert (raised["ETag"], json.loads(raised.content)) == ('W/"1"', found)
    assert gp_system.get(f"{path}/_history/2").status_code == 404

    renew_link(reference=referral.reference, by=SYSTEM, at=timezone.now())

    done = gp_system.get(path)
    assert (done["ETag"], json.loads(done.content)["status"]) == ('W/"2"', "completed")
    assert gp_system.get(f"{path}/_history/1").content == raised.content
    assert gp_system.get(f"{path}/_history/2").content == done.content
    assert gp_system.get(f"{path}/_history/3").status_code == 404


def test_another_practice_does_not_find_it(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    lock(referral)
    [task] = tasks_of(gp_system, referral)

    foreign = other_gp_system.get(f"/fhir/R4/Task/{task['id']}")
    absent = other_gp_system.get(f"/fhir/R4/Task/{uuid4()}")

    assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content)
    assert foreign.status_code == 404


def test_a_message_that_no_carrier_takes_is_a_task(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, settings: Settings
) -> None:
    settings.MESSENGER = "integrations.messaging.smtp.SmtpMessenger"

    referral = steps.invited(gp_system, person, run_jobs)

    [task] = tasks_of(gp_system, referral)
    assert task["code"]["coding"][0]["code"] == "message-refused"


@pytest.fixture
def forbidden(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral of somebody who must not be contacted."""
    referral = steps.referred(gp_system, person)
    Referral.objects.filter(pk=referral.pk).update(is_contact_prohibited=True)
    run_jobs()
    referral.refresh_from_db()
    return referral


def test_nobody_writes_to_a_patient_who_must_not_be_contacted_and_the_practice_is_asked(
    gp_system: cast.ClinicalSystem, forbidden: Referral, messages: cast.Messages
) -> None:
    assert (messages(), Message.objects.count(), forbidden.links.count()) == ([], 0, 0)
    [task] = tasks_of(gp_system, forbidden)
    assert task["code"]["coding"][0]["code"] == "contact-prohibited"


def test_the_practice_gets_a_letter_to_hand_over_when_it_asks(
    gp_system: cast.ClinicalSystem,
    forbidden: Referral,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
) -> None:
    renew_link(reference=forbidden.reference, by=SYSTEM, at=timezone.now())
    run_jobs()

    [message] = messages()
    assert (message["channel"], message["to"]) == ("letter", gp_system.organisation.name)
    assert [task["status"] for task in tasks_of(gp_system, forbidden)] == ["completed"]
    forbidden.refresh_from_db()
    assert forbidden.business_status == "invitation-sent"


# Once


def test_a_task_is_raised_once_while_it_is_open(referral: Referral) -> None:
    for _ in range(2):
        ask_practice(referral, PracticeTaskKind.LINK_LOCKED, at=timezone.now())
    assert PracticeTask.objects.count() == 1

    renew_link(reference=referral.reference, by=SYSTEM, at=timezone.now())
    ask_practice(referral, PracticeTaskKind.LINK_LOCKED, at=timezone.now())

    assert PracticeTask.objects.filter(done_at__isnull=True).count() == 1
    assert PracticeTask.objects.count() == 2


def test_the_database_refuses_a_second_one_and_an_unknown_kind(referral: Referral) -> None:
    def add(kind: str) -> PracticeTask:
        return PracticeTask.objects.create(referral=referral, kind=kind, raised_at=timezone.now())

    add("link-locked")

    for kind in ("link-locked", "something"):
        with pytest.raises(IntegrityError), transaction.atomic():
            add(kind)


@pytest.mark.parametrize("kind", PracticeTaskKind)
def test_every_kind_has_its_name_and_its_sentence(kind: PracticeTaskKind) -> None:
    assert PRACTICE_TASKS[kind]
    assert PracticeTask(kind=kind).sentence.endswith(".")


# Silence


def _nothing(_referral: Referral) -> None:
    """Does not answer."""


def _chooses(referral: Referral) -> None:
    offer = referral.offers.order_by("rank")[0]
    responding.choose_offer(referral_id=referral.pk, offer_id=offer.pk, at=timezone.now())


def _joins(referral: Referral) -> None:
    steps.joined(referral, tells_practice=False)


WAYS: list[Callable[[Referral], None]] = [_nothing, _chooses, _joins]


def _shape(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    own = {"id", "focus", "for"}
    return [{name: task[name] for name in task if name not in own} for task in tasks]


@pytest.mark.parametrize("days", [1, 29, 60])
def test_a_task_looks_the_same_whether_or_not_the_patient_has_joined(
    gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs, days: int
) -> None:
    begin = timezone.now()
    with time_machine.travel(begin, tick=False):
        crowd = islice(people(seed=9), len(WAYS))
        referrals = [steps.invited(gp_system, person, run_jobs) for person in crowd]
        for referral, way in zip(referrals, WAYS, strict=True):
            way(referral)
            lock(referral)
    with time_machine.travel(begin + timedelta(days=days), tick=False):
        run_jobs()
        gp_system.sign_in()
        seen = [_shape(tasks_of(gp_system, referral)) for referral in referrals]

    assert [task["status"] for task in seen[0]] == ["requested" if days == 1 else "completed"]
    assert all(each == seen[0] for each in seen)


def test_a_link_that_is_locked_after_the_time_to_answer_raises_no_task(
    gp_system: cast.ClinicalSystem, referral: Referral, run_jobs: cast.RunJobs
) -> None:
    """Only somebody who joined still has one then."""
    _joins(referral)
    with time_machine.travel(timezone.now() + AFTER_THE_END, tick=False):
        run_jobs()
        gp_system.sign_in()

        lock(referral)

        assert referral.links.get().locked_at is not None
        assert tasks_of(gp_system, referral) == []
