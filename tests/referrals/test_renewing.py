"""A new link for a patient whose old one was lost or locked."""

from datetime import date, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.actors import SYSTEM, Actor, ActorKind
from audit.models import Action, Entry
from config.fictional import Person
from referrals.inviting import invite_patient
from referrals.lifecycle import BusinessStatus
from referrals.matching import match_referral
from referrals.models import Message, MessageState, Referral
from referrals.renewing import NothingToRenew, renew_link
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


def of_the_practice(referral: Referral) -> Actor:
    return Actor(ActorKind.CLIENT, str(referral.client_id), referral.practice_id)


def test_who_renewed_it_is_on_record(referral: Referral) -> None:
    by = of_the_practice(referral)

    renew_link(reference=referral.reference, by=by, at=timezone.now())

    assert Entry.objects.get(action=Action.LINK_RENEWED).actor == by.label


def test_another_practice_renews_nothing(
    referral: Referral, other_gp_system: cast.ClinicalSystem
) -> None:
    by = Actor(ActorKind.CLIENT, "x", other_gp_system.organisation.pk)

    with pytest.raises(Referral.DoesNotExist):
        renew_link(reference=referral.reference, by=by, at=timezone.now())

    assert referral.links.get().revoked_at is None


@pytest.mark.parametrize("has_joined", [False, True])
def test_a_practice_that_asks_after_the_end_is_not_told_whether_there_was_a_link(
    referral: Referral, run_jobs: cast.RunJobs, *, has_joined: bool
) -> None:
    if has_joined:
        steps.joined(referral, tells_practice=False)
    at = timezone.now() + timedelta(days=29)
    with time_machine.travel(at, tick=False):
        run_jobs()

        renew_link(reference=referral.reference, by=of_the_practice(referral), at=at)

        assert referral.links.filter(made_at=at).exists() == has_joined
        if not has_joined:
            with pytest.raises(NothingToRenew):
                renew_link(reference=referral.reference, by=SYSTEM, at=at)


def test_a_message_that_still_waits_is_not_sent_with_the_old_code(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    patient_browser: Client,
) -> None:
    referral = steps.referred(gp_system, person)
    match_referral(referral_id=referral.pk, at=timezone.now())
    invite_patient(referral_id=referral.pk, at=timezone.now())

    renew(referral)
    run_jobs()

    states = Message.objects.order_by("made_at").values_list("state", flat=True)
    assert list(states) == [MessageState.WITHDRAWN, MessageState.HANDED_OVER]
    [message] = messages()
    link = cast.link_in(message)
    assert cast.open_link(patient_browser, link, person)["Location"] == "/r/about"
