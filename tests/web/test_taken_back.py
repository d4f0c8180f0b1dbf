"""What a patient meets when the practice has taken the referral back: their place stays, an unused link opens nothing."""

import pytest
from django.test import Client
from django.utils import timezone

from config.fictional import Person
from referrals.models import Referral
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


@pytest.fixture
def path(referral: Referral, messages: cast.Messages) -> str:
    """The way in."""
    assert referral
    [message] = messages()
    return cast.link_in(message)


def take_back(system: cast.ClinicalSystem, referral: Referral) -> None:
    steps.withdraw_referral(
        referral_id=referral.pk,
        is_mistake=False,
        reason_text="Sent twice",
        expected_version=None,
        by=steps.actor_of(system),
        at=timezone.now(),
    )


def test_an_unused_link_opens_nothing_and_the_page_says_nothing_else(
    gp_system: cast.ClinicalSystem,
    patient_browser: Client,
    stranger: Client,
    referral: Referral,
    path: str,
    person: Person,
) -> None:
    take_back(gp_system, referral)

    answer = cast.open_link(patient_browser, path, person)
    unknown = cast.open_link(stranger, "/r/" + "a" * 32, person)

    assert (answer.status_code, answer.content) == (404, unknown.content)


def test_whoever_is_looking_is_signed_out(
    gp_system: cast.ClinicalSystem,
    patient_browser: Client,
    referral: Referral,
    path: str,
    person: Person,
) -> None:
    cast.open_link(patient_browser, path, person)
    take_back(gp_system, referral)

    answer = patient_browser.post("/r/choose", {"offer": str(referral.offers.all()[0].pk)})

    assert answer.status_code == 302
    assert answer["Location"] == "/r/"


def test_a_member_keeps_the_place_and_can_leave_it(
    gp_system: cast.ClinicalSystem,
    patient_browser: Client,
    referral: Referral,
    path: str,
    person: Person,
) -> None:
    placement = steps.joined(referral, tells_practice=False)
    take_back(gp_system, referral)

    cast.open_link(patient_browser, path, person)
    page = patient_browser.get("/r/manage").content.decode()
    left = patient_browser.post("/r/leave", {"reason": ""})
    after = patient_browser.get("/r/manage").content.decode()

    assert "Leave this community" in page
    assert "Change to another community" not in page
    assert "Sent twice" not in page
    assert left.status_code == 200
    placement.refresh_from_db()
    assert placement.left_at
    assert "This suggestion has ended" in after
