"""Taking communities out and back, looking through the directory, and what waits for whom."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils.timezone import localdate
from pytest_django import DjangoAssertNumQueries

from accounts.actors import Actor
from accounts.models import Membership, Role
from audit.models import Entry
from communities import listing
from communities.directory import (
    PAGE_SIZE,
    Search,
    communities_of_host,
    community_shown_to,
    page_of,
    review_queue,
    reviews_due,
    search_directory,
)
from communities.editing import MayNotReview, NotTheirCommunity, propose_revision
from communities.loading import DATA, load_directory
from communities.matching.candidate import Circle
from communities.matching.need import ACCESS, STAGES
from communities.models import Community, Listing, ListingReason
from communities.places import Place, place_at
from communities.selectors import moderation_of
from communities.tiers import Cover, SearchVisibility, Tier, tier_of
from communities.value_sets import Accessibility, Audience, Readiness, Sex
from jobs.models import Job, JobKind
from tests.communities import people

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/London"))
DAY = date(2026, 11, 23)


@pytest.fixture
def listed() -> Community:
    return Community.objects.select_related("host").get(key="f001")


def suspend(community: Community, by: Actor, reason: str = "host-asked") -> Community:
    return listing.suspend(community_id=community.pk, reason=ListingReason(reason), by=by, at=AT)


def test_a_suspended_community_is_offered_no_more_and_its_offers_are_recalled_once(
    listed: Community,
) -> None:
    by = people.clinician()

    suspend(listed, by, "safety-concern")
    suspend(listed, by, "safety-concern")

    row = Community.objects.get(pk=listed.pk)
    assert (row.listing, row.listing_reason, row.updated_at) == ("suspended", "safety-concern", AT)
    assert not Community.objects.listed_on(DAY).filter(pk=listed.pk).exists()
    [job] = Job.objects.filter(kind=JobKind.RECALL)
    assert (job.payload, job.run_at) == ({"community_id": str(listed.pk)}, AT)
    [entry] = Entry.objects.filter(target=f"Community/{listed.pk}")
    assert (entry.action, entry.detail) == ("community-suspended", {"reason": "safety-concern"})


def test_a_community_is_listed_again_and_closed_for_good(listed: Community) -> None:
    by = people.coordinator(listed.host)
    suspend(listed, by)

    listing.resume(community_id=listed.pk, by=by, at=AT)
    again = Community.objects.get(pk=listed.pk)
    listing.close(community_id=listed.pk, reason=ListingReason.HOST_ASKED, by=by, at=AT)

    assert (again.listing, again.listing_reason) == (Listing.LISTED, "")
    assert Community.objects.get(pk=listed.pk).listing == Listing.CLOSED
    assert Job.objects.filter(kind=JobKind.RECALL).count() == 2
    with pytest.raises(listing.NotListed):
        listing.resume(community_id=listed.pk, by=by, at=AT)
    with pytest.raises(listing.NotListed):
        suspend(listed, by)


def test_a_host_does_not_undo_what_a_reviewer_has_done(listed: Community) -> None:
    host, reviewer = people.coordinator(listed.host), people.expert_by_experience()
    suspend(listed, reviewer, "moderation-lapsed")
    partial = people.clinician("partial")
    Membership.objects.create(user_id=partial.id, organisation=listed.host, role=Role.CLINICIAN)

    for by in (host, partial):
        with pytest.raises(MayNotReview):
            listing.resume(community_id=listed.pk, by=by, at=AT)
    with pytest.raises(listing.NoteMissing):
        listing.resume(community_id=listed.pk, by=reviewer, at=AT, note=" ")
    listing.resume(community_id=listed.pk, by=reviewer, at=AT, note="Moderators are back.")

    again = Community.objects.get(pk=listed.pk)
    assert (again.listing, again.listing_note) == (Listing.LISTED, "Moderators are back.")
    assert (again.listing_by, again.listing_at) == (reviewer.label, AT)


def test_a_reviewer_does_not_end_a_hosts_pause_but_may_take_its_place(listed: Community) -> None:
    host, reviewer = people.coordinator(listed.host), people.clinician()
    suspend(listed, host)

    with pytest.raises(MayNotReview):
        listing.resume(community_id=listed.pk, by=reviewer, at=AT, note="Go on.")
    suspend(listed, reviewer, "safety-concern")
    suspend(listed, host)

    row = Community.objects.get(pk=listed.pk)
    assert (row.listing, row.listing_reason) == (Listing.SUSPENDED, "safety-concern")
    with pytest.raises(MayNotReview):
        listing.resume(community_id=listed.pk, by=host, at=AT)


def test_only_the_host_and_reviewers_take_a_community_out(listed: Community) -> None:
    elsewhere = people.coordinator(people.organisation("host", "Example Others (fictional)"), "o")
    commissioner = people.member("c", listed.host, Role.COMMISSIONER)
    host = people.coordinator(listed.host)

    for by in (elsewhere, commissioner, replace(elsewhere, organisation_id=listed.host_id)):
        with pytest.raises(NotTheirCommunity):
            suspend(listed, by)
    with pytest.raises(MayNotReview):
        suspend(listed, host, "safety-concern")
    with pytest.raises(NotTheirCommunity):
        listing.suspend(community_id=uuid4(), reason=ListingReason.HOST_ASKED, by=host, at=AT)
    assert Community.objects.get(pk=listed.pk).listing == Listing.LISTED
    assert not Job.objects.filter(kind=JobKind.RECALL).exists()


def test_loading_the_table_again_does_not_list_what_was_suspended(listed: Community) -> None:
    suspend(listed, people.clinician(), "safety-concern")

    load_directory(
        DATA / "demo" / "fictional.csv",
        is_fictional=True,
        reviewed_on=DAY,
        review_due=DAY + timedelta(days=300),
        reviewed_by="Somebody else",
        at=AT,
    )

    row = Community.objects.get(pk=listed.pk)
    assert (row.listing, row.reviewed_by) == (Listing.SUSPENDED, "Somebody else")


def test_a_host_sees_its_own_communities_in_whatever_state(listed: Community) -> None:
    by = people.coordinator(listed.host)
    elsewhere = people.coordinator(people.organisation("host", "Example Others (fictional)"), "o")
    suspend(listed, by)

    own = set(communities_of_host(by))

    assert own == set(Community.objects.filter(host=listed.host))
    assert listed in own
    assert not communities_of_host(elsewhere)
    assert not communities_of_host(people.member("c", listed.host, Role.COMMISSIONER))
    day = localdate()
    assert community_shown_to(by, listed.pk, day=day) == listed
    assert community_shown_to(people.clinician(), listed.pk, day=day) == listed
    assert community_shown_to(elsewhere, listed.pk, day=day) is None
    assert community_shown_to(None, listed.pk, day=day) is None
    assert community_shown_to(None, Community.objects.get(key="f002").pk, day=day)


def test_reviewers_see_what_waits_the_oldest_first(
    listed: Community, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    by = people.coordinator(listed.host)
    first, second = communities_of_host(by)[:2]
    later = AT + timedelta(hours=1)
    new = propose_revision(community_id=first.pk, facts={}, by=by, at=later)
    old = propose_revision(community_id=second.pk, facts={}, by=by, at=AT)
    reviewer = people.expert_by_experience()

    with django_assert_max_num_queries(4):
        queue = [
            (revision.pk, revision.community.host.name, len(revision.sign_offs.all()))
            for revision in review_queue(reviewer)
        ]

    assert [pk for pk, _host, _signed in queue] == [old.pk, new.pk]
    assert not review_queue(by)


def test_reviews_that_are_due_within_60_days_are_listed(listed: Community) -> None:
    Community.objects.filter(key="f001").update(review_due=DAY + timedelta(days=60))
    Community.objects.filter(key="f002").update(review_due=DAY - timedelta(days=1))
    Community.objects.filter(key="f004").update(review_due=DAY + timedelta(days=61))
    reviewer, host = people.clinician(), people.coordinator(listed.host)

    assert [row.key for row in reviews_due(reviewer, day=DAY)] == ["f002", "f001"]
    assert [row.key for row in reviews_due(host, day=DAY)] == ["f001"]
    assert not reviews_due(people.coordinator(people.organisation("host", "O"), "o"), day=DAY)


# Looking through the directory: the fast SQL against a slow, plain reading.


def found(**what: Any) -> set[str]:
    return {row.key for row in search_directory(Search(**what), day=localdate())}


def slowly(fits: Any) -> set[str]:
    rows = Community.objects.select_related("host").prefetch_related("conditions", "areas")
    return {row.key for row in rows if fits(row)}


SEARCHES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda row: True),
    (
        {"tiers": frozenset({Tier.B, Tier.D})},
        lambda row: tier_of(moderation_of(row)) in {Tier.B, Tier.D},
    ),
    ({"covers": frozenset({Cover.DAILY})}, lambda row: row.cover == "daily"),
    ({"language": "bn"}, lambda row: "bn" in row.languages),
    ({"language": "EN-gb"}, lambda row: "en" in row.languages),
    ({"audience": Audience.CARERS}, lambda row: "carers" in row.audience),
    ({"sex": Sex.MALE}, lambda row: row.sex in {"any", "male"}),
    (
        {"age": 17},
        lambda row: (row.min_age or 18) <= 17 and (row.max_age is None or row.max_age >= 17),
    ),
    (
        {"age": 30},
        lambda row: (row.min_age or 18) <= 30 and (row.max_age is None or row.max_age >= 30),
    ),
    ({"is_anonymous": True}, lambda row: row.anonymity == "pseudonym_allowed"),
    ({"is_members_only": True}, lambda row: row.search_visibility == SearchVisibility.MEMBERS_ONLY),
    ({"is_free": True}, lambda row: row.cost == "free"),
    (
        {"condition_keys": frozenset({"depression"})},
        lambda row: (
            {each.key for each in row.conditions.all()} & {"depression", "mental-health-general"}
        ),
    ),
    (
        {"is_everywhere": True},
        lambda row: "nation:UK" in {area.place for area in row.areas.all()},
    ),
    (
        {"text": "diabetes TOGETHER"},
        lambda row: all(
            word in f"{row.name} | {row.summary} | {row.host.name}".lower()
            for word in ("diabetes", "together")
        ),
    ),
    ({"text": "100%"}, lambda row: "100%" in f"{row.name} | {row.summary} | {row.host.name}"),
    (
        {"condition_keys": frozenset({"carer"}), "audience": Audience.CARERS, "age": 40},
        lambda row: (
            "carer" in {each.key for each in row.conditions.all()}
            and "carers" in row.audience
            and (row.min_age or 18) <= 40
        ),
    ),
]


@pytest.mark.parametrize(
    ("what", "fits"), SEARCHES, ids=lambda one: "+".join(one) if isinstance(one, dict) else ""
)
def test_a_search_finds_exactly_what_fits(what: dict[str, Any], fits: Any) -> None:
    expected = slowly(fits)

    assert found(**what) == expected
    assert expected or what == {"text": "100%"}


@pytest.mark.parametrize("text", ["\x00", "'; --", '"', "%", "_", "\\", "x" * 5000, "٪ ک"])
def test_whatever_is_looked_for_is_only_text(text: str) -> None:
    assert isinstance(found(text=text, language=text), set)


def test_communities_are_found_by_the_place_that_they_serve(listed: Community) -> None:
    barking, wales = place_at("E09000002"), place_at("Wales")
    practice = people.organisation("practice", "Example Practice")
    type(practice).objects.filter(pk=practice.pk).update(ods_code="X99999")
    own = Community.objects.create(
        key="own",
        name="Example practice group",
        host=listed.host,
        listing="listed",
        reviewed_on=localdate(),
        review_due=localdate() + timedelta(days=9),
        reviewed_by="x",
    )
    own.practices.add(practice)

    in_barking, in_wales = found(place=barking), found(place=wales)

    assert {"f001", "f005"} <= in_barking
    assert "f005" not in in_wales
    assert in_wales == slowly(
        lambda row: {area.place for area in row.areas.all()} & {"nation:UK", "nation:Wales"}
    )
    assert "own" not in in_barking
    assert "own" in found(place=barking, practice_ods="X99999")
    assert "own" not in found(place=barking, practice_ods="X99998")


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (51.5, 0.0),
        (51.5, 0.71),
        (51.5, 0.73),
        (51.94, 0.0),
        (51.96, 0.0),
        (51.2, 0.5),
        (60.0, -1.0),
    ],
)
def test_communities_are_found_by_their_circle(
    listed: Community, latitude: float, longitude: float
) -> None:
    Community.objects.filter(pk=listed.pk).update(
        centre_latitude=51.5, centre_longitude=0.0, radius_km=50
    )
    listed.areas.clear()
    place = Place("", "", "", latitude=latitude, longitude=longitude)

    assert ("f001" in found(place=place)) is Circle(51.5, 0.0, 50).holds(latitude, longitude)


def test_what_is_not_listed_is_not_found(listed: Community) -> None:
    day = localdate()
    for change in (
        {"listing": Listing.DRAFT},
        {"listing": Listing.SUSPENDED},
        {"review_due": day - timedelta(days=1), "listing": Listing.LISTED},
        {"review_due": day, "valid_from": day + timedelta(days=1)},
        {"valid_from": None, "valid_to": day - timedelta(days=1)},
    ):
        Community.objects.filter(pk=listed.pk).update(**change)

        assert "f001" not in found()


def test_a_directory_is_paged_by_name_in_few_queries(
    listed: Community, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = search_directory(Search(), day=localdate())

    with django_assert_max_num_queries(6):
        first = page_of(rows)
    second, last = page_of(rows, 2), page_of(rows, 10**6)

    names = [row.name for row in first.rows + second.rows]
    assert len(first.rows) == PAGE_SIZE
    assert first.has_next
    assert names == [row.name for row in rows[: 2 * PAGE_SIZE]]
    assert (last.rows, last.has_next) == ([], False)
    assert page_of(rows, -5).rows == first.rows


def test_the_value_sets_of_needs_and_of_communities_agree() -> None:
    assert {str(each) for each in Accessibility} == {str(each) for each in ACCESS}
    assert {str(each) for each in Readiness} == {str(each) for each in STAGES}
