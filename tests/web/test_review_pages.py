"""The reviewers' pages: two people, neither of them the host, and a community that is taken out at once."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.timezone import localdate

from accounts.actors import Actor
from accounts.models import Membership, Role, User
from communities import editing
from communities.models import (
    Community,
    Listing,
    PlaceState,
    Reservation,
    Revision,
    RevisionState,
)
from jobs.models import Job, JobKind
from tests.communities import people

if TYPE_CHECKING:  # what Django's test client answers with has no public name
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

QUEUE = "/reviews/"


@pytest.fixture
def own(db: None) -> Community:
    return Community.objects.select_related("host").get(key="f002")


@pytest.fixture
def coordinator(own: Community) -> Actor:
    return people.coordinator(own.host)


@pytest.fixture
def clinical(db: None) -> Client:
    return people.browser_of(people.clinician())


@pytest.fixture
def lived(db: None) -> Client:
    return people.browser_of(people.expert_by_experience())


def words_of(answer: "Answer") -> str:
    return " ".join(strip_tags(answer.content.decode()).split())


def propose(own: Community, by: Actor, **facts: Any) -> str:
    revision = editing.propose_revision(community_id=own.pk, facts=facts, by=by, at=timezone.now())
    return f"{QUEUE}{revision.pk}/"


def test_the_queue_shows_what_waits_with_its_change_of_tier(
    own: Community, coordinator: Actor, clinical: Client
) -> None:
    better = {"moderated_by": "professional", "moderator_hours": [[1, "00:00", "24:00"]]}
    address = propose(own, coordinator, **better, supervision="")

    text = words_of(clinical.get(QUEUE))

    assert own.name in text
    assert "Safety facts were lowered" in text
    assert "Trained people, every day → Somebody moderates" in text  # as it was before they were
    assert address in clinical.get(QUEUE).content.decode()


def test_a_proposal_shows_old_and_new_side_by_side(
    own: Community, coordinator: Actor, clinical: Client
) -> None:
    every_hour = [[day, "00:00", "24:00"] for day in range(1, 8)]
    address = propose(
        own,
        coordinator,
        summary="Something new.",
        moderated_by="professional",
        moderator_hours=every_hour,
        escalation_role="Lead",
        supervision="Every month",
    )

    text = words_of(clinical.get(address))

    assert own.summary in text
    assert "Something new." in text
    assert "Day and night" in text
    assert (
        "Moderation changes from “Trained people, every day” to “Professionals, day and night”"
        in text
    )


def test_two_people_sign_and_it_counts(
    own: Community, coordinator: Actor, clinical: Client, lived: Client
) -> None:
    address = propose(own, coordinator, summary="Something new.")

    first = clinical.post(address, {"role": "clinical", "note": "Seen."}, follow=True)
    own.refresh_from_db()
    assert own.summary != "Something new."
    assert "Another person has to sign, too." in words_of(first)
    assert "Seen." in words_of(lived.get(address))

    second = lived.post(address, {"role": "lived-experience"}, follow=True)
    own.refresh_from_db()
    assert own.summary == "Something new."
    assert own.reviewed_on == localdate()
    assert "It counts from now on." in words_of(second)
    assert clinical.get(address).status_code == 404


def test_nobody_signs_twice_or_in_a_role_they_have_not(
    own: Community, coordinator: Actor, clinical: Client, lived: Client
) -> None:
    address = propose(own, coordinator, summary="Something new.")
    reviewer = User.objects.get(email="clinician@example.test")
    Membership.objects.create(
        user=reviewer,
        organisation=people.organisation("operator"),
        role=Role.LIVED_EXPERIENCE_REVIEWER,
    )

    assert lived.post(address, {"role": "clinical"}).status_code == 422
    assert clinical.post(address, {"role": "clinical"}).status_code == 302
    page = clinical.get(address).content.decode()
    assert 'value="lived-experience"' not in page
    assert "The other reviewer has to be somebody else" in page
    assert clinical.post(address, {"role": "lived-experience"}).status_code == 422
    assert Revision.objects.get().state == RevisionState.PROPOSED


def test_whoever_works_for_the_host_does_not_review_it(own: Community, coordinator: Actor) -> None:
    address = propose(own, coordinator)
    both = people.clinician("both")
    Membership.objects.create(
        user_id=both.id, organisation=own.host, role=Role.COMMUNITY_COORDINATOR
    )

    answer = people.browser_of(both).post(address, {"role": "clinical"})

    assert answer.status_code == 422
    assert not Revision.objects.get().sign_offs.exists()


def test_rejecting_needs_a_reason_that_the_host_is_shown(
    own: Community, coordinator: Actor, clinical: Client
) -> None:
    address = propose(own, coordinator, summary="Something new.")

    without = clinical.post(address, {"decision": "reject"})
    assert without.status_code == 422
    assert "Say why you reject it" in words_of(without)

    clinical.post(address, {"decision": "reject", "note": "The summary promises a cure."})
    assert Revision.objects.get().state == RevisionState.REJECTED
    host_page = people.browser_of(coordinator).get("/community/f002/")
    assert "The summary promises a cure." in words_of(host_page)


@pytest.mark.parametrize(
    "sent", [{}, {"role": "friend"}, {"decision": "accept"}, {"role": ""}], ids=str
)
def test_what_is_no_decision_changes_nothing(
    own: Community, coordinator: Actor, clinical: Client, sent: dict[str, str]
) -> None:
    address = propose(own, coordinator)

    assert clinical.post(address, sent).status_code == 422
    assert Revision.objects.get().state == RevisionState.PROPOSED


def test_reviews_that_are_due_are_listed_the_first_due_first(
    own: Community, clinical: Client
) -> None:
    today = localdate()
    Community.objects.filter(key="f002").update(review_due=today - timedelta(days=1))
    Community.objects.filter(key="f001").update(review_due=today + timedelta(days=10))

    text = words_of(clinical.get(QUEUE))

    overdue = text.partition("Overdue")[2].partition("Due within")[0]
    soon = text.partition("Due within")[2].partition("Suspended")[0]
    assert own.name in overdue
    assert "Example Steady Days" in soon
    assert own.name not in soon


def _take_places(community: Community, *, placed: int, waiting: int) -> None:
    for number in range(placed + waiting):
        Reservation.objects.create(
            community=community,
            holder=uuid4(),
            tenant_id=uuid4(),
            state=PlaceState.TAKEN if number < placed else PlaceState.WAITING,
            asked_at=timezone.now(),
        )


def test_a_community_is_suspended_for_a_reason_and_listed_again(
    own: Community, clinical: Client
) -> None:
    address = f"{QUEUE}f002/suspend"
    assert address in clinical.get(QUEUE, {"name": "type 2"}).content.decode()
    assert "people have a place there" not in words_of(clinical.get(address))
    _take_places(own, placed=2, waiting=1)
    page = words_of(clinical.get(address))
    assert "2 people have a place there, 1 person waits for one." in page

    assert clinical.post(address).status_code == 422
    assert clinical.post(address, {"reason": "because"}).status_code == 422
    own.refresh_from_db()
    assert own.listing == Listing.LISTED

    clinical.post(address, {"reason": "safety-concern"})
    own.refresh_from_db()
    assert (own.listing, own.listing_reason) == (Listing.SUSPENDED, "safety-concern")
    assert Job.objects.filter(kind=JobKind.RECALL).count() == 1

    assert "There is a safety concern" in words_of(clinical.get(address))
    assert clinical.post(address).status_code == 422
    clinical.post(address, {"note": "Moderators are back."})
    own.refresh_from_db()
    assert (own.listing, own.listing_note) == (Listing.LISTED, "Moderators are back.")


@pytest.mark.parametrize(
    "address", [f"{QUEUE}{uuid4()}/", f"{QUEUE}nothing/suspend"], ids=["a", "b"]
)
def test_what_is_not_there_is_not_found(clinical: Client, address: str) -> None:
    assert clinical.get(address).status_code == 404
    assert clinical.post(address).status_code == 404


def test_what_was_lowered_is_shown_with_what_was_agreed_before_and_comes_first(
    own: Community, coordinator: Actor, clinical: Client
) -> None:
    other = Community.objects.select_related("host").get(key="f001")
    elsewhere = people.coordinator(other.host, "elsewhere")
    editing.propose_revision(
        community_id=other.pk, facts={"summary": "First."}, by=elsewhere, at=timezone.now()
    )
    was = own.crisis_policy
    address = propose(own, coordinator, crisis_policy="", summary="It is the safest of all.")

    queue, page = words_of(clinical.get(QUEUE)), words_of(clinical.get(address))

    assert queue.index(own.name) < queue.index(other.name)
    assert "Safety facts were lowered" in queue
    assert was in page
    assert "it was “Trained people, every day”, and is “Somebody moderates” since then" in page
    assert "Less than before: counts already" in page
    assert "being reviewed" in words_of(Client().get("/communities/f002/"))
    assert own.summary not in words_of(Client().get("/communities/", {"text": "type 2 diabetes"}))


def test_what_was_lowered_and_taken_back_is_shown_with_the_next_proposal(
    own: Community, coordinator: Actor, clinical: Client, lived: Client
) -> None:
    was = own.crisis_policy
    propose(own, coordinator, crisis_policy="")
    first = Revision.objects.get()
    editing.withdraw(revision_id=first.pk, by=coordinator, at=timezone.now())
    assert "being reviewed" in words_of(Client().get("/communities/f002/"))

    address = propose(own, coordinator)

    page = words_of(clinical.get(address))
    assert was in page
    assert "Safety facts were lowered" in page
    clinical.post(address, {"role": "clinical"})
    lived.post(address, {"role": "lived-experience"})
    assert "being reviewed" not in words_of(Client().get("/communities/f002/"))


def test_everything_that_is_renewed_is_shown(
    own: Community, coordinator: Actor, clinical: Client
) -> None:
    page = clinical.get(propose(own, coordinator))

    assert own.crisis_policy in words_of(page)
    assert own.moderator_training in words_of(page)
    assert 'href="/communities/f002/"' in page.content.decode()
    assert "You sign for the whole listing" in words_of(page)


def test_a_hosts_own_pause_is_not_ended_by_a_reviewer(
    own: Community, coordinator: Actor, clinical: Client
) -> None:
    people.browser_of(coordinator).post("/community/f002/pause")
    queue = words_of(clinical.get(QUEUE))
    assert "The host asked for it" in queue
    assert f"By {coordinator.label}" in queue

    assert clinical.post(f"{QUEUE}f002/suspend", {"note": "Go on."}).status_code == 422
    clinical.post(f"{QUEUE}f002/suspend", {"reason": "safety-concern"})

    own.refresh_from_db()
    assert (own.listing, own.listing_reason) == (Listing.SUSPENDED, "safety-concern")
    people.browser_of(coordinator).post("/community/f002/resume")
    own.refresh_from_db()
    assert own.listing == Listing.SUSPENDED
