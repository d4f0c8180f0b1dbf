"""Opening the link, choosing, declining, and what becomes of a link that nobody takes up."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.models import Action, Entry
from communities.models import Community, Listing
from config.fictional import Person
from jobs.models import Job, JobKind
from referrals import codes, inviting, placing, responding
from referrals.lifecycle import BusinessStatus, MoveNotAllowed
from referrals.models import Link, Offer, Placement, Referral
from referrals.responding import BirthDateWrong, LinkDead, OfferGone
from tests import cast
from tests.api.answers import row_counts
from tests.referrals import steps

WRONG_DATE = date(1901, 1, 1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has the link."""
    return steps.invited(gp_system, person, run_jobs)


def code_of(referral: Referral) -> str:
    return codes.code_of(referral.links.get())


def open_with(referral: Referral, birth_date: date, *, at: datetime | None = None) -> Referral:
    return responding.open_link(
        code=code_of(referral), birth_date=birth_date, at=at or timezone.now()
    )


# Opening


def test_the_right_date_of_birth_opens_the_link(referral: Referral, person: Person) -> None:
    assert open_with(referral, person.birth_date) == referral

    referral.refresh_from_db()
    assert referral.opened_at == referral.links.get().opened_at
    assert Entry.objects.filter(action=Action.LINK_OPENED).count() == 1


def test_opening_again_is_not_opening_first(referral: Referral, person: Person) -> None:
    open_with(referral, person.birth_date)
    first = Referral.objects.get().opened_at

    open_with(referral, person.birth_date, at=timezone.now() + timedelta(days=1))

    assert Referral.objects.get().opened_at == first
    assert Entry.objects.filter(action=Action.LINK_OPENED).count() == 1


def test_five_wrong_dates_lock_the_link_for_good(referral: Referral, person: Person) -> None:
    for wrong in range(1, 6):
        with pytest.raises(BirthDateWrong):
            open_with(referral, WRONG_DATE)
        assert referral.links.get().failed_checks == wrong

    assert referral.links.get().locked_at
    for birth_date in (person.birth_date, WRONG_DATE):
        with pytest.raises(LinkDead):
            open_with(referral, birth_date, at=timezone.now() + timedelta(days=27))
    assert referral.links.get().failed_checks == 5
    actions = Entry.objects.filter(action__startswith="link-").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        *[Action.LINK_CHECK_FAILED] * 4,
        Action.LINK_LOCKED,
    ]


def test_wrong_dates_are_counted_although_the_page_says_no(
    referral: Referral, person: Person, patient_browser: Client, messages: cast.Messages
) -> None:
    path = cast.link_in(messages()[0])
    wrong = {"day": "1", "month": "1", "year": "1901"}

    for _ in range(5):
        patient_browser.get(path)
        assert patient_browser.post("/r/check", wrong).status_code == 422

    locked = cast.open_link(patient_browser, path, person)
    assert locked.status_code == 404
    assert referral.links.get().failed_checks == 5


def test_five_wrong_dates_in_a_row_lock_not_five_in_half_a_year(
    referral: Referral, person: Person
) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(BirthDateWrong):
                open_with(referral, WRONG_DATE)
        open_with(referral, person.birth_date)

    for _ in range(5):
        with pytest.raises(BirthDateWrong):
            open_with(referral, WRONG_DATE)

    with pytest.raises(LinkDead):
        open_with(referral, person.birth_date)


DEAD: dict[str, dict[str, Any]] = {
    "expired": {"expires_at": timezone.now() - timedelta(seconds=1)},
    "locked": {"locked_at": timezone.now()},
    "revoked": {"revoked_at": timezone.now()},
    "unknown": {"code_hash": "x"},
}


@pytest.mark.parametrize("change", DEAD.values(), ids=DEAD)
def test_every_dead_link_looks_the_same(
    referral: Referral,
    person: Person,
    messages: cast.Messages,
    stranger: Client,
    patient_browser: Client,
    change: dict[str, Any],
) -> None:
    Link.objects.update(**change)
    before = row_counts()

    made_up = cast.open_link(stranger, f"/r/{'a' * 32}", person)
    dead = cast.open_link(patient_browser, cast.link_in(messages()[0]), person)

    assert dead.status_code == made_up.status_code == 404
    assert _without_token(dead.content) == _without_token(made_up.content)
    assert row_counts() == before
    referral.refresh_from_db()
    assert referral.opened_at is None


def _without_token(page: bytes) -> list[bytes]:
    return [line for line in page.splitlines() if b"csrfmiddlewaretoken" not in line]


def test_a_link_works_to_the_last_moment(referral: Referral, person: Person) -> None:
    end = referral.links.get().expires_at

    assert end == referral.links.get().made_at + timedelta(days=28)
    open_with(referral, person.birth_date, at=end - timedelta(microseconds=1))
    with pytest.raises(LinkDead):
        open_with(referral, person.birth_date, at=end)


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_at_a_link_changes_nothing(
    referral: Referral, messages: cast.Messages, stranger: Client, method: str
) -> None:
    """Scanners and previews follow every link in a message."""
    before, link = row_counts(), Link.objects.values().get()
    path = cast.link_in(messages()[0])

    for address in (path, "/r/start", "/r/check", "/r/about", "/r/choose", "/r/share", "/r/leave"):
        getattr(stranger, method)(address)

    assert row_counts() == before
    assert Link.objects.values().get() == link
    referral.refresh_from_db()
    assert referral.version == 3


# Choosing


def test_choosing_another_later_is_fine_and_counts_once(referral: Referral) -> None:
    offers = list(referral.offers.order_by("rank"))
    moments = [timezone.now() + timedelta(minutes=minute) for minute in range(len(offers))]

    for offer, at in zip(offers, moments, strict=True):
        responding.choose_offer(referral_id=referral.pk, offer_id=offer.pk, at=at)

    referral.refresh_from_db()
    assert len(offers) > 1
    assert referral.chose_at == moments[0]
    assert Entry.objects.filter(action=Action.OFFER_CHOSEN).count() == len(offers)


Step = Callable[[Referral, Offer], object]

STEPS: dict[str, Step] = {
    "choosing": lambda referral, offer: responding.choose_offer(
        referral_id=referral.pk, offer_id=offer.pk, at=timezone.now()
    ),
    "joining": lambda referral, offer: placing.join(
        referral_id=referral.pk,
        offer_id=offer.pk,
        tells_practice=True,
        counts_visits=True,
        at=timezone.now(),
    ),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_somebody_elses_offer_is_none(
    referral: Referral, gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs, step: Step
) -> None:
    other = steps.invited(gp_system, next(iter(_others())), run_jobs)
    before = row_counts()

    with pytest.raises(OfferGone):
        step(referral, other.offers.order_by("rank")[0])

    assert row_counts() == before


def _others() -> list[Person]:
    born = date(1970, 1, 1)
    return [
        Person(
            given_name="Other",
            family_name="Example",
            gender="female",
            birth_date=born,
            nhs_number="9990000018",
            phone="07700 900001",
        )
    ]


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(
    "change",
    [
        {"listing": Listing.SUSPENDED},
        {"listing": Listing.CLOSED},
        {"review_due": date(2020, 1, 2)},
    ],
    ids=["suspended", "closed", "overdue for its review"],
)
def test_a_community_that_may_no_longer_be_offered_is_gone(
    referral: Referral, step: Step, change: dict[str, Any]
) -> None:
    offer = referral.offers.order_by("rank")[0]
    Community.objects.filter(pk=offer.community_id).update(**change)

    with pytest.raises(OfferGone):
        step(referral, offer)

    assert not Placement.objects.exists()


# Declining


def test_the_practice_is_told_of_a_no_and_never_why(
    referral: Referral, gp_system: cast.ClinicalSystem
) -> None:
    for _ in range(2):
        responding.decline(referral_id=referral.pk, reason="not-now", at=timezone.now())

    task = json.loads(gp_system.get(f"/fhir/R4/Task/{referral.pk}").content)
    request = json.loads(gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}").content)
    assert (task["status"], request["status"]) == ("cancelled", "revoked")
    assert task["businessStatus"]["coding"][0]["code"] == "patient-declined"
    assert "statusReason" not in task
    assert "not-now" not in json.dumps([task, request])
    assert referral.changes.filter(business_status=BusinessStatus.PATIENT_DECLINED).count() == 1
    assert referral.changes.latest("pk").reason == "not-now"


def test_after_a_no_nothing_can_be_joined(referral: Referral) -> None:
    responding.decline(referral_id=referral.pk, reason="", at=timezone.now())
    before = row_counts()

    with pytest.raises(MoveNotAllowed):
        steps.joined(referral)

    assert row_counts() == before


# A link that nobody takes up


def after(referral: Referral, **time: int) -> datetime:
    end: datetime = referral.links.get().expires_at
    return end + timedelta(**time)


def test_a_link_that_ends_unused_closes_the_referral_and_the_practice_learns_that_time_is_up(
    referral: Referral, gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs
) -> None:
    with time_machine.travel(after(referral, seconds=-1), tick=False):
        assert run_jobs() == 0
    with time_machine.travel(after(referral, seconds=1), tick=False):
        assert run_jobs() == 2  # the end, and whom to tell of it
        gp_system.sign_in()
        task = json.loads(gp_system.get(f"/fhir/R4/Task/{referral.pk}").content)

    assert task["status"] == "completed"
    assert task["businessStatus"]["coding"][0]["code"] == "invitation-ended"
    assert "theirs to tell" in task["statusReason"]["text"]
    referral.refresh_from_db()
    assert referral.business_status == BusinessStatus.NOT_TAKEN_UP


def test_looking_and_choosing_is_not_taking_it_up(
    referral: Referral, person: Person, run_jobs: cast.RunJobs
) -> None:
    open_with(referral, person.birth_date)
    STEPS["choosing"](referral, referral.offers.order_by("rank")[0])

    with time_machine.travel(after(referral, seconds=1)):
        run_jobs()

    referral.refresh_from_db()
    assert referral.business_status == BusinessStatus.NOT_TAKEN_UP


@pytest.mark.parametrize("answer", ["joined", "declined"])
def test_whoever_answered_is_not_closed(
    referral: Referral, run_jobs: cast.RunJobs, answer: str
) -> None:
    end = after(referral, seconds=1)
    if answer == "joined":
        steps.joined(referral)
    else:
        responding.decline(referral_id=referral.pk, reason="", at=timezone.now())
    state = Referral.objects.get().business_status

    with time_machine.travel(end):
        run_jobs()

    assert Referral.objects.get().business_status == state
    assert not Job.objects.filter(kind=JobKind.END_LINK, state="queued").exists()


def test_whoever_joined_can_come_back_long_after_the_invitation(
    referral: Referral, person: Person
) -> None:
    end = after(referral, days=1)
    steps.joined(referral)

    assert open_with(referral, person.birth_date, at=end) == referral


def test_a_younger_link_keeps_the_referral_open(referral: Referral, run_jobs: cast.RunJobs) -> None:
    end = after(referral, seconds=1)
    inviting.make_link(referral, at=timezone.now() + timedelta(days=7))

    with time_machine.travel(end):
        run_jobs()

    assert Referral.objects.get().business_status == BusinessStatus.INVITATION_SENT
