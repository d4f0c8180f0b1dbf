"""Hosts propose, two people sign, and what promises less counts at once."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import SYSTEM, Actor
from accounts.models import Membership, Organisation, Role
from audit.models import Entry
from communities import editing
from communities.facts import FACTS, FactsRefused, stated
from communities.hours import follows_from
from communities.models import (
    Community,
    Listing,
    ReviewRole,
    Revision,
    RevisionState,
    SignOff,
)
from communities.promises import lessened
from communities.selectors import moderation_of
from communities.tiers import ModeratedBy, ModerationModel, SearchVisibility, Tier, tier_of
from tests.communities import people
from tests.communities.people import NEW

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/London"))
LATER = AT + timedelta(days=3)
RANKS = {Tier.A: 0, Tier.B: 1, Tier.C: 2, Tier.D: 3, Tier.U: 3}  # D and U are not offered


@pytest.fixture
def listed() -> Community:
    """A listed community of tier A."""
    return Community.objects.select_related("host").get(key="f001")


@pytest.fixture
def coordinator(listed: Community) -> Actor:
    return people.coordinator(listed.host)


@pytest.fixture
def clinical() -> Actor:
    return people.clinician()


@pytest.fixture
def lived() -> Actor:
    return people.expert_by_experience()


def propose(community: Community, by: Actor, at: datetime = AT, /, **facts: Any) -> Revision:
    return editing.propose_revision(community_id=community.pk, facts=facts, by=by, at=at)


def sign_both(revision: Revision, clinical: Actor, lived: Actor, *, at: datetime = LATER) -> None:
    editing.sign_off(revision_id=revision.pk, role=ReviewRole.CLINICAL, by=clinical, at=at)
    editing.sign_off(revision_id=revision.pk, role=ReviewRole.LIVED_EXPERIENCE, by=lived, at=at)


def recorded(target: str) -> list[str]:
    return list(Entry.objects.filter(target=target).order_by("pk").values_list("action", flat=True))


def test_a_new_community_is_listed_when_two_people_have_signed(
    clinical: Actor, lived: Actor
) -> None:
    host = people.organisation("host", "Example Gardeners (fictional)")
    revision = editing.propose_community(
        host=host.pk, facts=NEW, by=people.coordinator(host), at=AT
    )
    draft = Community.objects.get(pk=revision.community_id)
    assert (draft.listing, draft.name) == (Listing.DRAFT, NEW["name"])
    assert not draft.conditions.exists()

    editing.sign_off(revision_id=revision.pk, role=ReviewRole.CLINICAL, by=clinical, at=LATER)
    assert Community.objects.get(pk=draft.pk).listing == Listing.DRAFT
    editing.sign_off(revision_id=revision.pk, role=ReviewRole.LIVED_EXPERIENCE, by=lived, at=LATER)

    community = Community.objects.select_related("host").get(pk=draft.pk)
    assert community.listing == Listing.LISTED
    assert {name: stated(community)[name] for name in NEW} == NEW
    assert (community.cover, community.hours_text) == ("daily", "Every day 08:00 to 22:00")
    assert community.reviewed_on == date(2026, 11, 26)
    assert community.review_due == date(2027, 11, 26)
    assert community.reviewed_by == "A clinical reviewer and a lived-experience reviewer"
    assert community.updated_at == LATER
    assert tier_of(moderation_of(community), on=community.review_due) is Tier.B
    assert tier_of(moderation_of(community), on=date(2027, 11, 27)) is Tier.U
    assert recorded(f"Community/{community.pk}") == ["community-changed", "community-listed"]
    assert recorded(f"Revision/{revision.pk}") == [
        "revision-proposed",
        "revision-signed",
        "revision-signed",
    ]


def test_nothing_that_promises_more_counts_before_both_have_signed(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    revision = propose(listed, coordinator, summary="Something new.", first_response_minutes=5)
    editing.sign_off(revision_id=revision.pk, role=ReviewRole.LIVED_EXPERIENCE, by=lived, at=AT)

    before = Community.objects.get(pk=listed.pk)
    editing.sign_off(revision_id=revision.pk, role=ReviewRole.CLINICAL, by=clinical, at=LATER)
    after = Community.objects.get(pk=listed.pk)

    assert (before.summary, before.first_response_minutes) == (listed.summary, 15)
    assert before.updated_at == listed.updated_at
    assert (after.summary, after.first_response_minutes) == ("Something new.", 5)
    assert revision.at_once == []


def test_what_lowers_the_tier_counts_at_once_and_waits_in_the_queue_all_the_same(
    listed: Community, coordinator: Actor
) -> None:
    revision = propose(listed, coordinator, supervision="", summary="Something new.")

    now = Community.objects.select_related("host").get(pk=listed.pk)
    assert tier_of(moderation_of(now)) is Tier.B
    assert now.summary == listed.summary
    assert now.updated_at == AT
    assert (revision.at_once, revision.state) == (["supervision"], RevisionState.PROPOSED)
    assert recorded(f"Community/{listed.pk}") == ["community-changed"]
    detail = Entry.objects.get(target=f"Community/{listed.pk}").detail
    assert detail == {"facts": "supervision"}


def test_of_other_hours_those_count_at_once_that_both_calendars_hold(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    weekdays = [[day, "10:00", "18:00"] for day in range(1, 6)]
    sign_both(propose(listed, coordinator, moderator_hours=weekdays), clinical, lived)
    later = [[day, "12:00", "20:00"] for day in range(1, 6)]

    revision = propose(listed, coordinator, moderator_hours=later)
    waiting = Community.objects.get(pk=listed.pk)
    sign_both(revision, clinical, lived)
    signed = Community.objects.get(pk=listed.pk)

    assert waiting.hours_text == "Monday to Friday 12:00 to 18:00"
    assert waiting.cover == "weekdays"
    assert signed.hours_text == "Monday to Friday 12:00 to 20:00"


VALUES = {
    "moderated_by": st.sampled_from([str(each) for each in ModeratedBy]),
    "moderation_model": st.sampled_from([str(each) for each in ModerationModel]),
    "search_visibility": st.sampled_from([str(each) for each in SearchVisibility]),
    "kind": st.sampled_from(["moderated_forum", "public_social_group"]),
    "supervision": st.sampled_from(["", "Stated"]),
    "crisis_policy": st.sampled_from(["", "Stated"]),
    "escalation_role": st.sampled_from(["", "Stated"]),
    "moderator_training": st.sampled_from(["", "Stated"]),
    "first_response_minutes": st.sampled_from([None, 5, 500]),
    "moderator_hours": st.sampled_from(
        [
            [],
            [[day, "00:00", "24:00"] for day in range(1, 8)],
            [[day, "08:00", "12:00"] for day in range(1, 8)],
            [[day, "14:00", "22:00"] for day in range(1, 6)],
        ]
    ),
}
SAFETY = st.fixed_dictionaries(VALUES)


@given(old=SAFETY, new=st.fixed_dictionaries({}, optional=VALUES))
def test_until_it_is_signed_nothing_that_a_host_states_raises_its_tier(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    def tier(facts: dict[str, Any]) -> Tier:
        columns = {**facts, **follows_from(facts["moderator_hours"])}
        return tier_of(moderation_of(Community(host=Organisation(name="Example"), **columns)))

    in_force = RANKS[tier(old | lessened(old, new))]

    assert in_force >= RANKS[tier(old)]
    assert in_force >= RANKS[tier(old | new)]


def test_a_second_proposal_takes_the_first_one_up_and_is_signed_anew(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    first = propose(listed, coordinator, summary="First.", cost="£2 a month")
    editing.sign_off(revision_id=first.pk, role=ReviewRole.CLINICAL, by=clinical, at=AT)

    second = propose(listed, coordinator, summary="Second.")

    first.refresh_from_db()
    assert first.state == RevisionState.WITHDRAWN
    assert second.facts == {"summary": "Second.", "cost": "£2 a month"}
    assert not second.sign_offs.exists()


def test_attesting_without_a_change_renews_the_review(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    sign_both(propose(listed, coordinator), clinical, lived)

    after = Community.objects.get(pk=listed.pk)
    assert after.review_due == date(2027, 11, 26)
    assert stated(after) == stated(listed)


def test_a_suspended_community_is_reviewed_and_stays_suspended(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    Community.objects.filter(pk=listed.pk).update(
        listing=Listing.SUSPENDED, listing_reason="safety-concern"
    )

    sign_both(propose(listed, coordinator), clinical, lived)

    assert Community.objects.get(pk=listed.pk).listing == Listing.SUSPENDED


def test_a_rejected_proposal_changes_nothing_but_what_counted_at_once(
    listed: Community, coordinator: Actor, clinical: Actor
) -> None:
    revision = propose(listed, coordinator, summary="Something new.", supervision="")

    editing.reject(revision_id=revision.pk, reason="Made up", by=clinical, at=LATER)

    after = Community.objects.get(pk=listed.pk)
    assert (after.summary, after.supervision) == (listed.summary, "")
    revision.refresh_from_db()
    assert (revision.state, revision.reason, revision.settled_at) == ("rejected", "Made up", LATER)
    assert recorded(f"Revision/{revision.pk}")[-1] == "revision-rejected"
    with pytest.raises(editing.AlreadySettled):
        editing.sign_off(revision_id=revision.pk, role=ReviewRole.CLINICAL, by=clinical, at=LATER)


def test_a_rejected_new_community_is_proposed_again_with_what_was_stated(
    clinical: Actor, lived: Actor
) -> None:
    host = people.organisation("host", "Example Gardeners (fictional)")
    by = people.coordinator(host)
    first = editing.propose_community(host=host.pk, facts=NEW, by=by, at=AT)
    editing.reject(revision_id=first.pk, reason="Made up", by=clinical, at=AT)

    again = propose(first.community, by, summary="Put better.")
    sign_both(again, clinical, lived)

    community = Community.objects.get(pk=first.community_id)
    assert (community.listing, community.summary) == (Listing.LISTED, "Put better.")
    assert stated(community)["conditions"] == ["depression"]


def test_a_host_takes_its_own_proposal_back(listed: Community, coordinator: Actor) -> None:
    revision = propose(listed, coordinator, summary="Something new.")
    stranger = people.coordinator(people.organisation("host", "Example Others (fictional)"), "o")

    with pytest.raises(editing.NotTheirCommunity):
        editing.withdraw(revision_id=revision.pk, by=stranger, at=AT)
    editing.withdraw(revision_id=revision.pk, by=coordinator, at=AT)

    revision.refresh_from_db()
    assert revision.state == RevisionState.WITHDRAWN


def test_only_the_hosts_coordinators_propose(listed: Community, coordinator: Actor) -> None:
    elsewhere = people.organisation("host", "Example Others (fictional)")
    commissioner = people.member("x", listed.host, Role.COMMISSIONER)
    borrowed = replace(people.coordinator(elsewhere, "o"), organisation_id=listed.host_id)
    reviewer = people.clinician()

    for by in (people.coordinator(elsewhere, "p"), commissioner, borrowed, reviewer, SYSTEM):
        with pytest.raises(editing.NotTheirCommunity):
            propose(listed, by, summary="Something new.")
        with pytest.raises(editing.NotTheirCommunity):
            editing.propose_community(host=listed.host_id, facts=NEW, by=by, at=AT)
    with pytest.raises(editing.NotTheirCommunity):
        editing.propose_revision(community_id=uuid4(), facts={}, by=coordinator, at=AT)
    assert not Revision.objects.exists()


def test_who_signs_has_the_role_is_not_the_hosts_and_signs_once(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    revision = propose(listed, coordinator, summary="Something new.")
    both = people.clinician("both")
    Membership.objects.create(
        user_id=both.id,
        organisation=people.organisation("operator"),
        role=Role.LIVED_EXPERIENCE_REVIEWER,
    )
    the_hosts = people.clinician("hosts")
    Membership.objects.create(user_id=the_hosts.id, organisation=listed.host, role=Role.CLINICIAN)
    elsewhere = people.member("e", people.organisation("host", "E"), Role.CLINICAL_REVIEWER)

    def sign(role: ReviewRole, by: Actor) -> Revision:
        return editing.sign_off(revision_id=revision.pk, role=role, by=by, at=AT)

    for by in (coordinator, lived, the_hosts, elsewhere, SYSTEM):
        with pytest.raises(editing.MayNotReview):
            sign(ReviewRole.CLINICAL, by)
    sign(ReviewRole.CLINICAL, both)
    sign(ReviewRole.CLINICAL, both)
    with pytest.raises(editing.MayNotReview):
        sign(ReviewRole.LIVED_EXPERIENCE, both)
    with pytest.raises(editing.MayNotReview):
        sign(ReviewRole.CLINICAL, clinical)
    assert SignOff.objects.count() == 1
    assert Community.objects.get(pk=listed.pk).summary == listed.summary


def test_nobody_signs_what_is_over_or_is_not_there(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    revision = propose(listed, coordinator)
    sign_both(revision, clinical, lived)

    for act in (editing.sign_off, editing.reject):
        more = {"role": ReviewRole.CLINICAL} if act is editing.sign_off else {"reason": "x"}
        with pytest.raises(editing.AlreadySettled):
            act(revision_id=revision.pk, by=clinical, at=AT, **more)
        with pytest.raises(editing.NotTheirCommunity):
            act(revision_id=uuid4(), by=clinical, at=AT, **more)


def test_a_closed_community_is_not_changed_any_more(listed: Community, coordinator: Actor) -> None:
    Community.objects.filter(pk=listed.pk).update(listing=Listing.CLOSED)

    with pytest.raises(editing.AlreadySettled):
        propose(listed, coordinator, summary="Something new.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", None),
        ("name", 5),
        ("name", ["x"]),
        ("name", "x" * 121),
        ("name", "a\x00b"),
        ("summary", "x" * 301),
        ("url", "not an address"),
        ("url", "http://plain.example/"),
        ("url", "javascript:alert(1)"),
        ("kind", "a_kind"),
        ("kind", ["moderated_forum"]),
        ("kind", {}),
        ("audience", "patients"),
        ("audience", ["everybody"]),
        ("audience", []),
        ("audience", [["patients"]]),
        ("conditions", ["no-such-condition"]),
        ("conditions", ["\x00"]),
        ("conditions", ["depression"] * 201),
        ("areas", ["icb:NONE"]),
        ("practices", ["QMF"]),
        ("languages", ["English please"]),
        ("languages", []),
        ("min_age", -1),
        ("min_age", 10**30),
        ("min_age", 17.5),
        ("min_age", True),
        ("min_age", "18"),
        ("max_age", 121),
        ("can_look_first", "yes"),
        ("evidence_on", "2026-13-01"),
        ("evidence_on", "2026-11-24"),
        ("osa_assessed_on", "2027-01-01"),
        ("data_country", "gb"),
        ("data_country", None),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("moderator_hours", [[1, "9", "10"]]),
        ("moderator_hours", {}),
        ("valid_to", "tomorrow"),
        ("tier_by_facts", "A"),
        ("listing", "listed"),
        ("review_due", "2036-01-01"),
        ("reviewed_by", "Me"),
        ("cover", "24_7"),
        ("hours_text", "Day and night"),
        ("host", str(UUID(int=1))),
        ("is_fictional", False),
        ("key", "c001"),
    ],
)
def test_a_fact_that_cannot_stand_is_refused_by_name_and_nothing_is_written(
    listed: Community, coordinator: Actor, name: str, value: Any
) -> None:
    Community.objects.filter(pk=listed.pk).update(max_age=60)

    with pytest.raises(FactsRefused) as refused:
        propose(listed, coordinator, **{name: value})

    assert list(refused.value.errors) == [name]
    assert not Revision.objects.exists()
    assert stated(Community.objects.get(pk=listed.pk)) == stated(listed) | {"max_age": 60}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Two\nlines"),
        ("name", "A tab\there"),
        ("name", "turned \u202e round"),
        ("summary", "a zero\u200bwidth space"),
        ("summary", "a line\u2028end"),
        ("name", "\x9b31m"),
        ("crisis_policy", "hidden\u2066words"),
        ("url", "https://nhs.example@evil.example/"),
        ("url", "https://user:word@forum.example/"),
        ("url", "https://192.0.2.1/"),
        ("url", "https://[2001:db8::1]/"),
        ("url", "https://localhost/"),
        ("radius_km", float("nan")),
    ],
    ids=ascii,
)
def test_what_would_deceive_a_reader_is_refused(
    listed: Community, coordinator: Actor, name: str, value: Any
) -> None:
    with pytest.raises(FactsRefused) as refused:
        propose(listed, coordinator, **{name: value})

    assert name in refused.value.errors


def test_a_policy_may_have_lines_and_an_address_any_script(
    listed: Community, coordinator: Actor
) -> None:
    url = "https://xn--e1afmkfd.xn--p1ai:8443/forum?of=1@2"

    revision = propose(listed, coordinator, crisis_policy="One.\nTwo.", url=url)

    assert revision.facts["url"] == url


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ({"min_age": 30, "max_age": 20}, "max_age"),
        ({"first_response_minutes": 1000}, "first_response_p90_minutes"),
        ({"valid_from": "2027-01-01", "valid_to": "2026-12-31"}, "valid_to"),
        ({"radius_km": 10}, "radius_km"),
        ({"centre_latitude": 51.5, "centre_longitude": 0.1}, "radius_km"),
        ({"centre_latitude": 91, "centre_longitude": 0.1, "radius_km": 5}, "centre_latitude"),
        (
            {"centre_latitude": 51.5, "centre_longitude": float("nan"), "radius_km": 5},
            "centre_longitude",
        ),
    ],
)
def test_facts_that_cannot_be_true_together_are_refused(
    listed: Community, coordinator: Actor, facts: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(FactsRefused) as refused:
        propose(listed, coordinator, **facts)

    assert list(refused.value.errors) == [wrong]


def test_all_that_is_wrong_is_said_at_once(listed: Community, coordinator: Actor) -> None:
    with pytest.raises(FactsRefused) as refused:
        propose(listed, coordinator, name="", kind="x", languages=5, listing="listed", min_age=-4)

    assert set(refused.value.errors) == {"name", "kind", "languages", "listing", "min_age"}
    assert all(refused.value.errors.values())


def test_a_new_community_needs_its_first_facts(clinical: Actor) -> None:
    host = people.organisation("host", "Example Gardeners (fictional)")

    with pytest.raises(FactsRefused) as refused:
        editing.propose_community(host=host.pk, facts={}, by=people.coordinator(host), at=AT)

    assert set(refused.value.errors) == {
        "name",
        "summary",
        "url",
        "conditions",
        "audience",
        "languages",
    }
    assert not Community.objects.filter(host=host).exists()


def test_every_fact_of_a_real_community_can_be_stated_again(coordinator: Actor) -> None:
    community = Community.objects.get(key="f008")
    by = people.coordinator(community.host, "again")
    facts = stated(community)

    revision = editing.propose_revision(community_id=community.pk, facts=facts, by=by, at=AT)

    assert revision.facts == facts
    assert revision.at_once == []
    assert set(facts) == set(FACTS)


def test_the_rules_of_a_review_stand_in_the_database_too(
    listed: Community, coordinator: Actor, clinical: Actor, lived: Actor
) -> None:
    revision = propose(listed, coordinator)
    SignOff.objects.create(revision=revision, role="clinical", by_id=clinical.id, at=AT)

    def refused(constraint: str, **row: Any) -> None:
        model = row.pop("model")
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            model.objects.create(**row)

    sign = {"model": SignOff, "revision": revision, "at": AT}
    propose_ = {"model": Revision, "community": listed, "proposed_by_id": coordinator.id}
    refused("sign_off|UNIQUE", **sign, role="clinical", by_id=lived.id)
    refused("sign_off|UNIQUE", **sign, role="lived-experience", by_id=clinical.id)
    refused("sign_off_known_role", **sign, role="friend", by_id=lived.id)
    refused("revision_open_once|UNIQUE", **propose_, proposed_at=AT)
    refused("revision_settled", **propose_, proposed_at=AT, state="approved")
    refused("revision_known_state", **propose_, proposed_at=AT, state="x")
