"""Both reviewers, and the host, act at the same moment: signed once, listed once, nothing half."""

import pytest
from django.db import connection
from django.utils import timezone

from communities import editing
from communities.models import Community, Listing, ReviewRole, Revision, RevisionState, SignOff
from tests.api.test_races import at_once
from tests.communities import people

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
    ),
]


def test_two_signatures_at_once_list_the_community_once() -> None:
    host = people.organisation("host", "Example Gardeners (fictional)")
    by = people.coordinator(host)
    revision = editing.propose_community(host=host.pk, facts=people.NEW, by=by, at=timezone.now())
    signers = [
        (ReviewRole.CLINICAL, people.clinician()),
        (ReviewRole.LIVED_EXPERIENCE, people.expert_by_experience()),
        (ReviewRole.CLINICAL, people.clinician("second")),
        (ReviewRole.LIVED_EXPERIENCE, people.expert_by_experience("second-expert")),
    ]

    def sign(number: int) -> str:
        role, who = signers[number]
        try:
            editing.sign_off(revision_id=revision.pk, role=role, by=who, at=timezone.now())
        except (editing.MayNotReview, editing.AlreadySettled) as refused:
            return type(refused).__name__
        return "signed"

    outcomes = at_once(sign, sides=4)

    assert outcomes.count("signed") == 2
    assert SignOff.objects.count() == 2
    assert Community.objects.get(host=host).listing == Listing.LISTED
    assert Revision.objects.get().state == RevisionState.APPROVED


def test_a_host_that_proposes_anew_while_it_is_signed_leaves_one_proposal_at_the_most() -> None:
    community = Community.objects.select_related("host").get(key="f001")
    by = people.coordinator(community.host)
    first = editing.propose_revision(
        community_id=community.pk, facts={"summary": "First."}, by=by, at=timezone.now()
    )
    clinical, lived = people.clinician(), people.expert_by_experience()
    at = timezone.now()
    editing.sign_off(revision_id=first.pk, role=ReviewRole.CLINICAL, by=clinical, at=at)

    def act(number: int) -> str:
        try:
            if number % 2:
                editing.propose_revision(
                    community_id=community.pk, facts={"cost": f"{number}"}, by=by, at=at
                )
            else:
                role = ReviewRole.LIVED_EXPERIENCE
                editing.sign_off(revision_id=first.pk, role=role, by=lived, at=at)
        except editing.AlreadySettled:
            return "settled"
        return "done"

    outcomes = at_once(act, sides=4)

    states = list(Revision.objects.values_list("state", flat=True))
    assert states.count(RevisionState.PROPOSED) == 1
    was_signed = Community.objects.get(pk=community.pk).summary == "First."
    assert was_signed is (RevisionState.APPROVED in states)
    assert outcomes[1::2] == ["done", "done"]
