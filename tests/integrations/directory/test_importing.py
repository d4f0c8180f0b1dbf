"""``manage.py import_openreferral``: leads and proposals of other directories, which nobody sees until two people sign."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import Membership, Organisation, Role, User
from audit.models import Entry
from communities import editing, feeding
from communities.facts import MOST_DRAFTS
from communities.models import (
    Community,
    Feed,
    FeedRow,
    Listing,
    ReviewRole,
    Revision,
    RevisionState,
)
from communities.selectors import listed_communities
from tests.communities import people
from tests.integrations.directory.feeds import (
    ID,
    attribute,
    counts,
    identity,
    run,
    schedule,
    service,
    written,
)

pytestmark = pytest.mark.django_db
DRAFT = "new: a draft with a proposal"
LEAD = "leads: not enough is stated for a draft"
PROPOSAL = "changed: a proposal for the reviewers"


def row(number: int = 1) -> FeedRow:
    return FeedRow.objects.select_related("community__host").get(service_id=identity(number))


def came_of(number: int = 1) -> Community:
    community = row(number).community
    assert community
    return community


def list_it(number: int = 1) -> Community:
    """Both reviewers sign what waits."""
    revision = came_of(number).revisions.get(state=RevisionState.PROPOSED)
    for role, by in (
        (ReviewRole.CLINICAL, people.clinician(f"clinician-{number}")),
        (ReviewRole.LIVED_EXPERIENCE, people.expert_by_experience(f"expert-{number}")),
    ):
        editing.sign_off(revision_id=revision.pk, role=role, by=by, at=timezone.now())
    return came_of(number)


def test_a_community_becomes_a_draft_with_a_proposal_and_is_not_listed(tmp_path: Path) -> None:
    said, ends = run(written(tmp_path, service()))

    community, revision = came_of(), Revision.objects.get()
    assert (ends, counts(said)) == ("", {"services read": 1, DRAFT: 1})
    assert (community.listing, community.host.name) == (
        Listing.DRAFT,
        "Example Harbour (fictional)",
    )
    assert not listed_communities(timezone.localdate()).filter(pk=community.pk).exists()
    assert (revision.state, revision.community_id) == (RevisionState.PROPOSED, community.pk)
    assert revision.facts == {
        "name": "Example Harbour Talk 1 (fictional)",
        "summary": "A made-up forum.",
        "url": "https://harbour-talk-1.example/",
        "state": "open",
        "cost": "free",
        "min_age": 18,
        "languages": ["en"],
        "areas": ["nation:UK"],
        "conditions": ["depression"],
        "audience": ["patients"],
        "format": "forum",
        "moderated_by": "staff",
        "time_zone": "Europe/London",
        "moderator_hours": [[day, "09:00", "17:00"] for day in range(1, 6)],
        "crisis_policy": "Made up: shows the crisis page",
        "first_response_minutes": 90,
    }


def test_nobody_can_sign_in_as_the_feed(tmp_path: Path) -> None:
    run(written(tmp_path, service()))

    account = Feed.objects.get().account
    [membership] = Membership.objects.filter(user=account)
    assert (account.is_active, account.has_usable_password()) == (False, False)
    assert (membership.organisation, membership.role) == (
        came_of().host,
        Role.COMMUNITY_COORDINATOR,
    )
    assert Entry.objects.filter(action="member-added", target=f"User/{account.pk}").exists()


def test_with_both_signatures_it_is_listed_with_what_the_feed_states(tmp_path: Path) -> None:
    run(written(tmp_path, service()))

    listed = list_it()

    assert (listed.listing, listed.cover) == (Listing.LISTED, "weekdays")
    assert listed.first_response_minutes == 90


def test_the_same_feed_again_changes_nothing(tmp_path: Path) -> None:
    run(written(tmp_path, service(), service(2, url=None)))
    before = list(Revision.objects.values()), list(FeedRow.objects.values())

    said, ends = run(tmp_path)

    assert (ends, counts(said)) == ("", {"services read": 2, "unchanged": 1, LEAD: 1})
    assert (list(Revision.objects.values()), list(FeedRow.objects.values())) == before


def test_a_change_of_a_listed_community_waits_for_the_reviewers(tmp_path: Path) -> None:
    run(written(tmp_path, service()))
    list_it()

    said, ends = run(written(tmp_path, service(description="Another made-up text.")))

    waiting = Revision.objects.get(state=RevisionState.PROPOSED)
    assert (ends, counts(said)) == ("", {"services read": 1, PROPOSAL: 1})
    assert waiting.facts == {"summary": "Another made-up text."}
    assert came_of().summary == "A made-up forum."


def test_what_promises_less_counts_at_once_and_the_report_says_so(tmp_path: Path) -> None:
    run(written(tmp_path, service()))
    list_it()

    said, _ends = run(written(tmp_path, service(schedules=[schedule("MO")])))

    assert "promises less than before, which counts at once: moderator_hours" in said
    assert came_of().cover == "sessions"


def test_what_the_feed_did_not_change_never_undoes_what_the_host_stated(tmp_path: Path) -> None:
    run(written(tmp_path, service()))
    community = list_it()
    host = people.coordinator(community.host)
    editing.propose_revision(
        community_id=community.pk, facts={"cost": "free to members"}, by=host, at=timezone.now()
    )

    run(written(tmp_path, service(name="Example Harbour, renamed (fictional)")))

    [waiting] = Revision.objects.filter(state=RevisionState.PROPOSED)
    assert waiting.facts == {
        "cost": "free to members",
        "name": "Example Harbour, renamed (fictional)",
    }


def test_what_was_rejected_is_not_proposed_again(tmp_path: Path) -> None:
    run(written(tmp_path, service()))
    revision = Revision.objects.get()
    editing.reject(revision_id=revision.pk, reason="No.", by=people.clinician(), at=timezone.now())

    said, _ends = run(tmp_path)

    assert counts(said) == {"services read": 1, "unchanged": 1}
    assert Revision.objects.count() == 1


def test_a_lead_becomes_a_draft_when_the_feed_states_what_it_lacked(tmp_path: Path) -> None:
    lead = service(url="http://harbour-talk.example/", languages=None, organization=None)
    said, ends = run(written(tmp_path, lead))

    assert (ends, counts(said)) == ("", {"services read": 1, LEAD: 1})
    assert "a lead, without url, languages, host." in said
    assert row().community is None
    assert not Organisation.objects.filter(name="Example Harbour (fictional)").exists()

    said, ends = run(written(tmp_path, service()))

    assert (ends, counts(said)) == ("", {"services read": 1, DRAFT: 1})
    assert came_of().listing == Listing.DRAFT


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"attributes": []}, "no online community: neither our format nor virtual locations only"),
        ({"attributes": [attribute("format", "in_person")]}, "meets in person only"),
        ({"status": "defunct"}, "not active"),
        (
            {
                "attributes": [],
                "service_at_locations": [
                    {"id": ID, "location": {"id": ID, "location_type": kind}}
                    for kind in ("virtual", "physical")
                ],
            },
            "no online community: neither our format nor virtual locations only",
        ),
    ],
)
def test_what_is_no_online_community_is_left_out_by_a_rule(
    tmp_path: Path, more: dict[str, Any], rule: str
) -> None:
    said, ends = run(written(tmp_path, service(**more)))

    assert (ends, counts(said)) == ("", {"services read": 1, f"left out: {rule}": 1})
    assert not FeedRow.objects.exists()


def test_a_service_with_virtual_locations_only_is_a_lead(tmp_path: Path) -> None:
    online = [{"id": ID, "location": {"id": ID, "location_type": "virtual"}}]

    said, _ends = run(written(tmp_path, service(attributes=[], service_at_locations=online)))

    assert counts(said) == {"services read": 1, LEAD: 1}
    assert "moderator_hours" not in row().facts  # opening hours are not the moderators' hours


def test_a_listed_community_that_the_feed_no_longer_has_is_flagged_and_stays(
    tmp_path: Path,
) -> None:
    run(written(tmp_path, service(), service(2)))
    list_it()

    said, ends = run(written(tmp_path, service(2)))

    assert (ends, counts(said)["no longer in the feed"]) == ("", 1)
    assert "LISTED here and no longer in the feed" in said
    assert (came_of().listing, row().missing_since is None) == (Listing.LISTED, False)

    run(written(tmp_path, service(), service(2)))

    assert row().missing_since is None


def test_a_feed_that_is_short_of_its_own_count_says_nothing_of_what_is_missing(
    tmp_path: Path,
) -> None:
    run(written(tmp_path, service(), service(2)))

    said, ends = run(written(tmp_path, service(2), total_items=2))

    assert "1 problems" in ends
    assert "$.total_items  It says 2, there are 1." in said
    assert (row().missing_since, "no longer in the feed" in counts(said)) == (None, False)


def test_one_that_has_faults_now_is_not_missing(tmp_path: Path) -> None:
    run(written(tmp_path, service()))

    said, ends = run(written(tmp_path, service(minimum_age="18")))

    assert "minimum_age  A whole number is expected, not text." in said
    assert "1 problems" in ends
    assert row().missing_since is None


def test_one_that_meets_in_person_only_now_is_flagged_as_missing(tmp_path: Path) -> None:
    run(written(tmp_path, service()))

    said, _ends = run(written(tmp_path, service(attributes=[attribute("format", "in_person")])))

    assert counts(said)["no longer in the feed"] == 1
    assert row().missing_since


def test_a_change_that_cannot_stand_is_named_every_time_until_it_can(tmp_path: Path) -> None:
    run(written(tmp_path, service()))
    written(tmp_path, service(maximum_age=17))

    for _time in range(2):
        said, ends = run(tmp_path)

        assert counts(said) == {"services read": 1, "cannot stand": 1, "problems": 1}
        assert "$.contents[0].maximum_age  max_age: This is less than where it begins." in said
        assert ends
    assert Revision.objects.count() == 1


def test_one_that_ends_is_offered_no_more_at_once(tmp_path: Path) -> None:
    run(written(tmp_path, service()))
    list_it()

    said, _ends = run(written(tmp_path, service(status="defunct")))

    assert counts(said) == {"services read": 1, PROPOSAL: 1}
    assert came_of().state == "may_be_closed"


def test_a_feed_cannot_change_what_it_did_not_bring(tmp_path: Path) -> None:
    ours = Community.objects.get(key="f001")
    stolen = service(id=str(ours.pk), name="Somebody else's")

    said, ends = run(written(tmp_path, stolen))

    assert (ends, counts(said)) == (
        "",
        {"services read": 1, "already here, not from this feed": 1},
    )
    assert "not this feed's to change" in said
    assert Community.objects.get(key="f001").name == ours.name
    assert not Revision.objects.exists()


def test_a_dry_run_reports_the_same_and_writes_nothing(tmp_path: Path) -> None:
    def rows() -> list[int]:
        tables = (Community, Feed, FeedRow, Revision, Organisation, User, Membership, Entry)
        return [table.objects.count() for table in tables]

    written(tmp_path, service(), service(2, status="wrong"), service(3, url=None))
    before = rows()
    dry, dry_ends = run(tmp_path, dry_run=True)

    assert rows() == before
    assert dry.endswith("Nothing was changed: this was a dry run.\n")

    wet, wet_ends = run(tmp_path)

    assert (dry.splitlines()[:-1], dry_ends) == (wet.splitlines(), wet_ends)
    assert rows() != before


def test_the_good_services_of_a_bad_feed_are_taken(tmp_path: Path) -> None:
    said, ends = run(written(tmp_path, service(name=7), service(2), service(3, id="nonsense")))

    assert counts(said) == {"services read": 3, DRAFT: 1, "with faults, left out": 2, "problems": 2}
    assert ends == "2 problems; services without faults are taken."
    assert came_of(2).listing == Listing.DRAFT


def test_snomed_ct_terms_lead_to_our_conditions(tmp_path: Path) -> None:
    code = "35489007"  # Depressive disorder
    term = {
        "id": "x1",
        "name": "x",
        "description": "x",
        "term_uri": f"http://snomed.info/id/{code}",
    }
    given = [each for each in service()["attributes"] if "depression" not in json.dumps(each)]

    run(written(tmp_path, service(attributes=[*given, {"id": ID, "taxonomy_term": term}])))

    assert row().facts["conditions"] == ["depression"]


def test_two_feeds_do_not_mix(tmp_path: Path) -> None:
    run(written(tmp_path, service()), feed="north")

    organization = {"id": ID, "name": "Example Moor (fictional)", "description": "Made up"}
    said, _ends = run(written(tmp_path, service(2, organization=organization)), feed="south")

    assert counts(said) == {"services read": 1, DRAFT: 1}
    assert row().missing_since is None


def test_a_feed_speaks_for_no_host_that_it_did_not_bring_until_it_is_linked(tmp_path: Path) -> None:
    host = Organisation.objects.create(kind="host", name="example harbour (fictional)")

    said, ends = run(written(tmp_path, service()))

    assert counts(said) == {"services read": 1, "cannot stand": 1, "problems": 1}
    assert "This host is known here; link it" in said
    assert ends
    assert not Membership.objects.filter(organisation=host).exists()

    account = Feed.objects.get().account
    Membership.objects.create(user=account, organisation=host, role=Role.COMMUNITY_COORDINATOR)
    said, ends = run(tmp_path)

    assert (counts(said), ends) == ({"services read": 1, DRAFT: 1}, "")
    assert came_of().host == host
    assert counts(run(tmp_path)[0]) == {"services read": 1, "unchanged": 1}


@pytest.mark.parametrize("number", ["nan", "inf", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_a_problem_of_its_service_alone(
    tmp_path: Path, number: str
) -> None:
    bad = attribute("statement", "centre_latitude", number)
    lead = service(attributes=[bad], languages=[])

    said, ends = run(written(tmp_path, lead, service(2)))

    assert counts(said)[DRAFT] == 1
    assert "cannot be read as centre latitude" in said
    assert ends == "1 problems; services without faults are taken."


def test_what_fails_in_one_service_undoes_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = feeding.take

    def failing(feed: Feed, found: feeding.Service, **more: Any) -> feeding.Taken:
        taken = take(feed, found, **more)
        if found.id == identity():
            raise IntegrityError
        return taken

    monkeypatch.setattr(feeding, "take", failing)

    said, ends = run(written(tmp_path, service(), service(2)))

    assert f"{identity()}  $.contents[0]  This could not be taken (IntegrityError)" in said
    assert ends
    assert [each.service_id for each in FeedRow.objects.all()] == [identity(2)]
    assert Community.objects.filter(name="Example Harbour Talk 2 (fictional)").exists()
    assert not Community.objects.filter(name="Example Harbour Talk 1 (fictional)").exists()


def test_a_terminal_is_given_no_control_characters(tmp_path: Path) -> None:
    said, _ends = run(written(tmp_path, service(id="\x9b31m\x1b[2J\u202e"), service(2)))

    assert all(line.isprintable() for line in said.splitlines())
    assert not set(said) & set("\x9b\x1b\u202e")


def test_a_host_has_so_many_drafts_and_no_more(tmp_path: Path) -> None:
    many = [service(number) for number in range(1, MOST_DRAFTS + 2)]

    said, _ends = run(written(tmp_path, *many))

    assert counts(said)[DRAFT] == MOST_DRAFTS
    assert counts(said)["cannot stand"] == 1
    assert "wait for the reviewers already" in said

    list_it(1)
    said, ends = run(tmp_path)

    assert (counts(said)[DRAFT], ends) == (1, "")
