"""What the practice sees never tells a patient who joined in silence from one who did not answer."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.actors import patient_actor
from config.fictional import people
from referrals import placing, responding
from referrals.models import Referral
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db

AFTER_THE_END = timedelta(days=28, seconds=1)


def _nothing(_referral: Referral) -> None:
    """Does not answer."""


def _opens(referral: Referral) -> None:
    Referral.objects.filter(pk=referral.pk).update(opened_at=timezone.now())


def _joins(referral: Referral) -> None:
    steps.joined(referral, tells_practice=False)


def _joins_and_is_active(referral: Referral) -> None:
    placement = steps.joined(referral, tells_practice=False)
    placing.note_active(placement=placement, by=steps.host_of(placement), at=timezone.now())


def _joins_and_leaves(referral: Referral) -> None:
    steps.joined(referral, tells_practice=False)
    by = patient_actor(referral.pk)
    placing.leave(referral_id=referral.pk, reason="felt-worse", by=by, at=timezone.now())


WAYS: list[Callable[[Referral], None]] = [
    _nothing,
    _opens,
    _joins,
    _joins_and_is_active,
    _joins_and_leaves,
]


def _seen(system: cast.ClinicalSystem, referral: Referral) -> list[Any]:
    """All versions of Task and ServiceRequest as the practice's system reads them, without what names the referral."""
    own = (str(referral.pk), str(referral.patient_id), referral.reference)
    answers = []
    for name in ("Task", "ServiceRequest"):
        for place in ("", *(f"/_history/{version}" for version in range(1, 8))):
            answer = system.get(f"/fhir/R4/{name}/{referral.pk}{place}")
            text = answer.content.decode()
            for word in own:
                text = text.replace(word, "…")
            body = json.loads(text)
            body.pop("contained", None)
            body.pop("identifier", None)
            answers.append((answer.status_code, answer.get("ETag"), body))
    return answers


@pytest.mark.parametrize("days", [1, 29, 100])
def test_every_silent_way_looks_the_same(
    gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs, days: int
) -> None:
    begin = timezone.now()
    with time_machine.travel(begin, tick=False):
        patients = list(islice(people(seed=5), len(WAYS)))
        referrals = [steps.invited(gp_system, person, run_jobs) for person in patients]
        for referral, way in zip(referrals, WAYS, strict=True):
            way(referral)
    with time_machine.travel(begin + timedelta(days=days), tick=False):
        run_jobs()
        gp_system.sign_in()
        views = [_seen(gp_system, referral) for referral in referrals]

    assert all(view == views[0] for view in views[1:])


def test_saying_no_after_the_end_is_kept_from_the_practice(
    gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs
) -> None:
    [person] = islice(people(seed=6), 1)
    referral = steps.invited(gp_system, person, run_jobs)
    _joins_and_leaves(referral)
    with time_machine.travel(timezone.now() + AFTER_THE_END, tick=False):
        run_jobs()
        gp_system.sign_in()
        before = _seen(gp_system, referral)

        responding.decline(referral_id=referral.pk, reason="other", at=timezone.now())

        assert _seen(gp_system, referral) == before


def test_what_follows_joining_is_not_told_even_to_a_practice_that_was_told_of_it(
    gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs
) -> None:
    [person] = islice(people(seed=7), 1)
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, tells_practice=True)
    before = _seen(gp_system, referral)

    placing.note_active(placement=placement, by=steps.host_of(placement), at=timezone.now())
    by = patient_actor(referral.pk)
    placing.leave(referral_id=referral.pk, reason="", by=by, at=timezone.now())

    assert _seen(gp_system, referral) == before
    [task, *_versions] = before
    assert task[2]["businessStatus"]["coding"][0]["code"] == "joined"
