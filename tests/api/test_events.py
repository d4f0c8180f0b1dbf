"""Communities' signed reports: who may send them, what they may say, and what becomes of each event."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import HostKey, Organisation
from accounts.registering import make_host_key
from audit.models import Action, Entry
from config.fictional import Person
from engagement.models import Activity
from referrals.lifecycle import BusinessStatus
from referrals.models import Placement, Referral
from tests import cast
from tests.api.answers import Answer, errors, row_counts, stored_text
from tests.cast import activity
from tests.referrals import steps

CANARY = "canary-3f9d"

Event = dict[str, Any]

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    community: cast.Community,
) -> Placement:
    """Somebody who joined a community of the host, and agreed that visits are counted."""
    referral = steps.invited(gp_system, person, run_jobs)
    return steps.joined(referral, host=community.key.organisation)


@pytest.fixture
def other_community(member: Placement, community: cast.Community) -> cast.Community:
    """The software of another host."""
    host = Organisation.objects.filter(kind="host").exclude(pk=community.key.organisation_id)[0]
    return cast.Community(make_host_key(host=host, at=timezone.now()))


def receipts(answer: Answer, status: int = 202) -> list[str]:
    """What became of each event, in order."""
    assert answer.status_code == status, answer.content
    return [receipt["receipt"] for receipt in json.loads(answer.content)["receipts"]]


def post(
    key_id: object, body: bytes, headers: dict[str, str], *, content_type: str = cast.BATCH
) -> Answer:
    """POST with these headers."""
    return Client().post(f"/api/events/{key_id}", body, content_type=content_type, headers=headers)


def signature(key: HostKey, body: bytes, **changes: str) -> dict[str, str]:
    """Headers that are right, with changes."""
    now = timezone.now()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key.secret).sign("msg_1", now, body.decode()),
    } | {f"webhook-{name}": value for name, value in changes.items()}


# The signature


def test_a_signed_event_is_recorded_as_a_count(
    community: cast.Community, member: Placement
) -> None:
    event = activity(member.pseudonym, "read", count=12)

    answer = community.report(event)

    assert receipts(answer) == ["recorded"]
    assert json.loads(answer.content) == {"receipts": [{"id": event["id"], "receipt": "recorded"}]}
    row = Activity.objects.get()
    assert (row.placement, row.kind, row.count) == (member, "read", 12)
    assert row.day == timezone.localdate()
    entry = Entry.objects.get(action=Action.EVENTS_RECEIVED)
    assert entry.detail == {"events": 1}
    assert entry.organisation_id == community.key.organisation_id


WRONG_SIGNATURES = {
    "none": {"signature": ""},
    "nonsense": {"signature": "nonsense"},
    "no version": {"signature": "AAAA"},
    "an unknown version": {"signature": "v9,AAAA"},
    "of another text": {"signature": f"v1,{base64.b64encode(b'x' * 32).decode()}"},
    "not base64": {"signature": "v1,é"},
    "another id": {"id": "msg_2"},
    "no id": {"id": ""},
    "no time": {"timestamp": ""},
    "a time that is none": {"timestamp": "now"},
    "a time of no calendar": {"timestamp": "9" * 400},
    "infinity": {"timestamp": "inf"},
    "NaN": {"timestamp": "nan"},
}


@pytest.mark.parametrize("changes", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES)
def test_a_wrong_signature_is_refused_with_a_line_in_the_log_and_nothing_written(
    community: cast.Community, changes: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps([activity("psn_unknown")]).encode()
    before = row_counts()

    answer = post(community.key.pk, body, signature(community.key, body, **changes))

    errors(answer, 401)
    assert row_counts() == before
    [line] = [record for record in caplog.records if record.name == "api.events"]
    assert line.getMessage() == f"webhook refused: wrong signature for key {community.key.pk}"


def test_a_body_that_was_changed_is_refused(community: cast.Community) -> None:
    body = json.dumps([activity("psn_unknown", count=1)]).encode()
    headers = signature(community.key, body)

    errors(post(community.key.pk, body.replace(b'"count": 1', b'"count": 9'), headers), 401)
    errors(post(community.key.pk, body + b" ", headers), 401)


@pytest.mark.parametrize(
    ("seconds", "status"), [(-301, 401), (-299, 202), (0, 202), (299, 202), (301, 401)]
)
def test_a_signature_is_good_for_five_minutes_both_ways(
    community: cast.Community, seconds: int, status: int
) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        body = json.dumps([activity("psn_unknown")]).encode()

        answer = community.send(body, at=now + timedelta(seconds=seconds))

    assert answer.status_code == status


def test_a_request_that_is_sent_again_counts_once(
    community: cast.Community, member: Placement
) -> None:
    body = json.dumps([activity(member.pseudonym, count=3)]).encode()
    headers = signature(community.key, body)

    first, again = (post(community.key.pk, body, headers) for _ in range(2))

    assert (receipts(first), receipts(again)) == (["recorded"], ["duplicate"])
    assert [row.count for row in Activity.objects.all()] == [3]


def test_of_several_signatures_one_right_one_is_enough(
    community: cast.Community, member: Placement
) -> None:
    """So a host can sign with its old and its new secret while it changes them."""
    body = json.dumps([activity(member.pseudonym)]).encode()
    headers = signature(community.key, body)
    wrong = f"v1,{base64.b64encode(b'x' * 32).decode()}"
    both = headers | {"webhook-signature": f"{wrong} {headers['webhook-signature']}"}

    assert receipts(post(community.key.pk, body, both)) == ["recorded"]


def test_a_host_may_have_two_keys_while_it_changes_them(
    community: cast.Community, member: Placement
) -> None:
    newer = cast.Community(make_host_key(host=community.key.organisation, at=timezone.now()))

    for software in (community, newer):
        assert receipts(software.report(activity(member.pseudonym))) == ["recorded"]

    body = json.dumps([activity(member.pseudonym)]).encode()
    errors(post(newer.key.pk, body, signature(community.key, body)), 401)


@pytest.mark.parametrize("kind", ["unknown", "switched off"])
def test_a_key_that_is_not_live_is_answered_like_a_wrong_signature(
    community: cast.Community, kind: str
) -> None:
    body = json.dumps([activity("psn_unknown")]).encode()
    wrong = post(community.key.pk, body, signature(community.key, body, signature="v1,AAAA"))
    HostKey.objects.filter(pk=community.key.pk).update(is_active=kind == "unknown")
    key_id = uuid4() if kind == "unknown" else community.key.pk

    answer = post(key_id, body, signature(community.key, body))

    assert (answer.status_code, answer.content, dict(answer.items())) == (
        401,
        wrong.content,
        dict(wrong.items()),
    )
    assert not Activity.objects.exists()


def test_a_token_of_a_clinical_system_opens_nothing_here(
    gp_system: cast.ClinicalSystem, community: cast.Community
) -> None:
    answer = gp_system.post(f"/api/events/{community.key.pk}", [], Content_Type=cast.BATCH)

    errors(answer, 401)


def test_the_secret_is_kept_encrypted(community: cast.Community) -> None:
    secret = community.key.secret.removeprefix("whsec_")

    assert secret not in stored_text()
    assert HostKey.objects.get(pk=community.key.pk).secret == community.key.secret


# The contract

BROKEN: dict[str, dict[str, Any]] = {
    "another version": {"specversion": "0.3"},
    "no version": {"specversion": None},
    "no id": {"id": None},
    "an empty id": {"id": ""},
    "a number as id": {"id": 7},
    "a long id": {"id": "x" * 101},
    "an id with NUL": {"id": "a\x00b"},
    "an id with a line break": {"id": "a\nb"},
    "no source": {"source": None},
    "a long source": {"source": "x" * 201},
    "no type": {"type": None},
    "an unknown kind": {"type": "peer.engagement.cried.v1"},
    "another version of a kind": {"type": "peer.engagement.read.v2"},
    "somebody else's type": {"type": "com.github.push"},
    "a type with a line break": {"type": "peer.engagement.read.v1\n"},
    "no subject": {"subject": None},
    "a long subject": {"subject": "p" * 41},
    "an object as subject": {"subject": {"name": CANARY}},
    "no time": {"time": None},
    "a time that is none": {"time": "yesterday"},
    "a time without a zone": {"time": "2026-11-20T10:00:00"},
    "a day only": {"time": "2026-11-20"},
    "a time before all this": {"time": "0001-01-01T00:00:00Z"},
    "a time after all this": {"time": "9999-12-31T23:59:59Z"},
    "a text as data": {"data": CANARY},
    "a list as data": {"data": [1]},
    "no count": {"data": {"count": None}},
    "a count of none": {"data": {"count": 0}},
    "a count below none": {"data": {"count": -1}},
    "a count of too many": {"data": {"count": 10_001}},
    "a fraction": {"data": {"count": 1.5}},
    "a count as text": {"data": {"count": "3"}},
    "yes for a count": {"data": {"count": True}},
    "a count of no bounds": {"data": {"count": 10**30}},
    "another granularity": {"data": {"count": 1, "granularity": "minute"}},
    "content": {"data": {"count": 1, "content": CANARY}},
    "an unknown attribute": {"text": CANARY},
    "an extension attribute": {"tracestate": f"vendor={CANARY}"},
    "a trace that is none": {"traceparent": CANARY},
    "a trace with a line break": {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"
    },
    "a list as trace": {"traceparent": [CANARY]},
    "content in base64": {"data_base64": base64.b64encode(CANARY.encode()).decode()},
    "a schema of its own": {"dataschema": f"https://{CANARY}.example"},
}


def test_what_is_not_in_the_contract_is_refused_and_never_kept(community: cast.Community) -> None:
    """One test for all, because looking through the whole database takes its time."""
    for name, changes in BROKEN.items():
        event = activity("psn_unknown") | changes

        answer = community.report({key: value for key, value in event.items() if value is not None})

        assert receipts(answer, 422) == ["refused"], name
        [receipt] = json.loads(answer.content)["receipts"]
        assert receipt["reason"].endswith("."), name
        assert CANARY not in answer.content.decode(), name
    assert CANARY not in stored_text()
    assert not Activity.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"data": None},
        {"data": {}},
        {"data": {"count": 10_000, "granularity": "day"}},
        {"datacontenttype": "application/json"},
        {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        {"id": "x" * 100, "source": "y" * 200},
        {"id": "évt-£", "source": "urn:communauté"},
        {"time": "2026-11-20T10:00:00+14:00"},
    ],
)
def test_the_limits_of_the_contract_themselves_are_fine(
    community: cast.Community, member: Placement, changes: dict[str, Any]
) -> None:
    Placement.objects.filter(pk=member.pk).update(joined_at=datetime(2026, 1, 1, tzinfo=UTC))
    event = activity(member.pseudonym) | changes
    event = {name: value for name, value in event.items() if value is not None}

    with time_machine.travel(datetime(2026, 11, 25, tzinfo=UTC)):
        assert receipts(community.report(event)) == ["recorded"]


def test_one_event_may_come_alone(community: cast.Community, member: Placement) -> None:
    body = json.dumps(activity(member.pseudonym)).encode()

    answer = community.send(body, content_type="application/cloudevents+json; charset=utf-8")

    assert receipts(answer) == ["recorded"]


def test_a_batch_holds_at_most_500_events(community: cast.Community, member: Placement) -> None:
    events = [activity(member.pseudonym) for _ in range(501)]

    errors(community.report(*events), 400)
    assert not Activity.objects.exists()

    assert set(receipts(community.report(*events[:500]))) == {"recorded"}
    assert Activity.objects.count() == 500


# What becomes of each


def test_receipts_come_in_the_order_sent_and_one_bad_event_stops_no_other(
    community: cast.Community, member: Placement
) -> None:
    good = activity(member.pseudonym)
    events: list[Any] = [
        activity("psn_unknown"),
        good,
        {**good, "text": CANARY},
        "no event at all",
        good,
        activity(member.pseudonym, time="2020-01-01T00:00:00Z"),
        activity(member.pseudonym, time="2036-01-01T00:00:00Z"),
        activity(member.pseudonym, "posted"),
        None,
    ]

    answer = community.report(*events)

    assert receipts(answer) == [
        "unknown-subject",
        "recorded",
        "refused",
        "refused",
        "duplicate",
        "before-joining",
        "in-future",
        "recorded",
        "refused",
    ]
    ids = [receipt["id"] for receipt in json.loads(answer.content)["receipts"]]
    assert ids == [event.get("id", "") if isinstance(event, dict) else "" for event in events]
    assert Activity.objects.count() == 2
    assert CANARY not in stored_text()


def test_another_hosts_member_is_nobody(other_community: cast.Community, member: Placement) -> None:
    event = activity(member.pseudonym)

    foreign = other_community.report(event)
    absent = other_community.report({**event, "subject": "psn_unknown"})

    assert foreign.content == absent.content
    assert receipts(foreign) == ["unknown-subject"]
    assert not Activity.objects.exists()


def test_two_hosts_may_give_the_same_id_to_an_event(
    community: cast.Community, other_community: cast.Community, member: Placement
) -> None:
    event = activity(member.pseudonym)

    assert receipts(other_community.report(event)) == ["unknown-subject"]
    assert receipts(community.report(event)) == ["recorded"]
    assert receipts(community.report({**event, "source": "urn:other"})) == ["recorded"]
    assert receipts(community.report(event)) == ["duplicate"]


def test_nothing_is_counted_of_whoever_did_not_agree(
    community: cast.Community,
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, host=community.key.organisation, counts_visits=False)

    answer = community.report(
        *(activity(placement.pseudonym, kind) for kind in ("visited", "read", "posted"))
    )

    assert receipts(answer) == ["not-counted"] * 3
    assert not Activity.objects.exists()
    referral.refresh_from_db()
    assert referral.active_at is None
    assert referral.business_status == BusinessStatus.JOINED


def test_leaving_at_the_host_is_taken_from_everybody(
    community: cast.Community,
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, host=community.key.organisation, counts_visits=False)

    answer = community.report(*(activity(placement.pseudonym, "left") for _ in range(2)))

    assert receipts(answer) == ["recorded", "not-counted"]
    placement.refresh_from_db()
    referral.refresh_from_db()
    assert placement.left_reason == "left-at-host"
    assert referral.business_status == BusinessStatus.LEFT
    assert referral.changes.filter(business_status=BusinessStatus.LEFT).count() == 1


@pytest.mark.parametrize(
    "kind", ["visited", "read", "reacted", "posted", "replied", "session_attended"]
)
def test_reading_is_taking_part_like_any_other_activity(
    community: cast.Community, member: Placement, kind: str
) -> None:
    assert receipts(community.report(activity(member.pseudonym, kind))) == ["recorded"]

    referral = Referral.objects.get(pk=member.referral_id)
    assert referral.business_status == BusinessStatus.ENGAGED
    assert referral.active_at


def test_the_day_is_londons(community: cast.Community, member: Placement) -> None:
    Placement.objects.filter(pk=member.pk).update(joined_at=datetime(2026, 6, 1, tzinfo=UTC))

    with time_machine.travel(datetime(2026, 7, 2, tzinfo=UTC)):
        community.report(
            activity(member.pseudonym, time="2026-06-30T22:59:00Z"),
            activity(member.pseudonym, time="2026-06-30T23:00:00Z"),
            activity(member.pseudonym, time="2026-06-30T20:00:00-05:00"),
        )

    days = [row.day.isoformat() for row in Activity.objects.order_by("pk")]
    assert days == ["2026-06-30", "2026-07-01", "2026-07-01"]


def test_the_day_of_joining_counts_and_the_day_before_does_not(
    community: cast.Community, member: Placement
) -> None:
    # Half past midnight on 1 July in London is still June in UTC.
    moment = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    Placement.objects.filter(pk=member.pk).update(joined_at=moment)

    with time_machine.travel(moment + timedelta(hours=1), tick=False):
        answer = community.report(
            activity(member.pseudonym, time="2026-06-30T22:30:00Z"),
            activity(member.pseudonym, time="2026-06-30T23:10:00Z"),
            activity(member.pseudonym, time="2026-07-01T23:10:00Z"),
        )

    assert receipts(answer) == ["before-joining", "recorded", "in-future"]


def test_a_clock_that_is_ten_minutes_fast_is_forgiven_at_midnight(
    community: cast.Community, member: Placement
) -> None:
    nearly_midnight = datetime(2027, 1, 10, 23, 55, tzinfo=UTC)
    with time_machine.travel(nearly_midnight, tick=False) as clock:
        tomorrow = activity(member.pseudonym, time="2027-01-11T00:02:00Z")

        clock.shift(timedelta(minutes=-10))
        assert receipts(community.report(tomorrow)) == ["in-future"]

        clock.shift(timedelta(minutes=10))
        assert receipts(community.report(tomorrow)) == ["recorded"]
