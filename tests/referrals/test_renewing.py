"""A new link for a patient whose old one was lost or locked."""

from datetime import date, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from config.fictional import Person
from referrals.lifecycle import BusinessStatus
from referrals.models import Referral
from referrals.responding import BirthDateWrong, LinkDead, decline, open_link
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def renew(referral: Referral) -> str:
    said = StringIO()
    call_command("renew_link", referral.reference, stdout=said)
    return said.getvalue()


def test_a_locked_patient_gets_a_new_link_that_opens(
    referral: Referral,
    person: Person,
    messages: cast.Messages,
    run_jobs: cast.RunJobs,
    patient_browser: Client,
) -> None:
    old = cast.link_in(messages()[0])
    for _ in range(5):
        with pytest.raises(BirthDateWrong):
            open_link(code=old[3:], birth_date=date(1901, 1, 1), at=timezone.now())

    assert referral.reference in renew(referral)
    run_jobs()

    [new] = [cast.link_in(message) for message in messages() if cast.link_in(message) != old]
    assert cast.open_link(patient_browser, new, person)["Location"] == "/r/about"
    with pytest.raises(LinkDead):
        open_link(code=old[3:], birth_date=person.birth_date, at=timezone.now())


def test_whoever_has_joined_comes_back_to_the_same_place(
    referral: Referral, person: Person, messages: cast.Messages, run_jobs: cast.RunJobs
) -> None:
    placement = steps.joined(referral)
    old_end = referral.links.get().expires_at

    renew(referral)
    run_jobs()

    link = referral.links.get(revoked_at__isnull=True)
    assert link.expires_at == old_end
    codes = [cast.link_in(message)[3:] for message in messages()]
    opened = [open_link_or_none(code, person) for code in codes]
    assert [each for each in opened if each] == [referral]
    assert referral.placements.get() == placement


def open_link_or_none(code: str, person: Person) -> Referral | None:
    try:
        return open_link(code=code, birth_date=person.birth_date, at=timezone.now())
    except LinkDead:
        return None


def test_the_end_of_the_old_link_does_not_end_the_referral(
    referral: Referral, run_jobs: cast.RunJobs
) -> None:
    begin = timezone.now()
    with time_machine.travel(begin + timedelta(days=20)):
        renew(referral)
    with time_machine.travel(begin + timedelta(days=30)):
        run_jobs()
        referral.refresh_from_db()
        assert referral.business_status == BusinessStatus.INVITATION_SENT
    with time_machine.travel(begin + timedelta(days=49)):
        run_jobs()
        referral.refresh_from_db()
        assert referral.business_status == BusinessStatus.NOT_TAKEN_UP


def test_there_is_nothing_to_renew_once_the_patient_has_said_no(referral: Referral) -> None:
    decline(referral_id=referral.pk, reason="", at=timezone.now())

    with pytest.raises(CommandError, match="it is over"):
        renew(referral)


def test_an_unknown_reference_is_said_to_be_one() -> None:
    with pytest.raises(CommandError, match="There is no referral ZZZZ-ZZZZ"):
        call_command("renew_link", "zzzz-zzzz")
