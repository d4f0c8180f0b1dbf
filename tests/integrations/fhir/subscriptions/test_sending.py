"""How subscribers are told: the handshake, in order, at least once, with growing pauses, and never what was not told."""

import socket
import time
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Client
from audit.models import Action, Entry
from config.fictional import Person, people
from integrations.fhir.subscriptions import reading, sending, subscribing
from integrations.fhir.subscriptions.models import Event, Subscription, SubscriptionStatus
from integrations.fhir.subscriptions.tasks import sweep
from integrations.fhir.subscriptions.telling import tell_subscribers
from jobs.models import Circuit, Job, JobKind, JobState
from privacy.tenancy import acting_for
from referrals import responding
from referrals.models import Referral
from tests import application_role, cast
from tests.integrations.fhir.subscriptions.subscriber import (
    BASE,
    SCOPE,
    URL,
    actor,
    amend,
    arrived,
    events_in,
    in_turn,
    kinds,
    status_in,
    subscribe,
    wish,
)
from tests.integrations.outbound.conftest import NAME, PUBLIC, Internet, says
from tests.referrals import steps

pytestmark = pytest.mark.django_db

FAILS = says(status="500 Error")


@pytest.fixture
def system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that may subscribe."""
    return cast.clinical_system(gp_system.organisation, scope=SCOPE)


@pytest.fixture
def referral(system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A patient who is invited before anybody subscribes."""
    return steps.invited(system, person, run_jobs)


def is_now(row: Subscription) -> Subscription:
    row.refresh_from_db()
    return row


def take_turn(system: cast.ClinicalSystem, row: Subscription) -> sending.Turn | None:
    """Begin to send, as a worker does."""
    with acting_for(system.organisation.pk):
        return sending.take_turn(subscription_id=row.pk, base_url=BASE, at=timezone.now())


def error_of(row: Subscription) -> str:
    return row.versions.get(version=is_now(row).version).error


# The handshake


def test_a_subscription_is_active_when_its_endpoint_has_taken_the_handshake(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    row = subscribe(system, wish(channel={"header": ["Authorization: Bearer abc", "X-Key: 7"]}))
    assert row.status == SubscriptionStatus.REQUESTED

    run_jobs()

    assert is_now(row).status == SubscriptionStatus.ACTIVE
    assert [version.status for version in row.versions.order_by("version")] == [
        "requested",
        "active",
    ]
    [bundle] = arrived(internet)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "history")
    assert bundle["entry"][0]["request"] == {
        "method": "GET",
        "url": f"{BASE}/Subscription/{row.pk}/$status",
    }
    assert status_in(bundle) == {
        "subscription": {"reference": f"{BASE}/Subscription/{row.pk}"},
        "topic": f"{BASE}/SubscriptionTopic/task-changed",
        "status": "requested",
        "type": "handshake",
        "events-since-subscription-start": "0",
    }
    head = internet.requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "POST /told?of=us HTTP/1.1"
    assert {"Content-Type: application/fhir+json", "Authorization: Bearer abc"} < set(head)
    assert "X-Key: 7" in head
    assert internet.connected_to == [PUBLIC]


def _hangs(connection: socket.socket) -> None:
    time.sleep(1.5)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def _closes(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (says(status="500 Error"), "The endpoint answered with the status 500."),
        (says(status="404 Not Found"), "The endpoint answered with the status 404."),
        (says(status="302 Found", headers=f"Location: {URL}\r\n"), sending.UNREACHED),
        (_hangs, sending.UNREACHED),
        (_closes, sending.UNREACHED),
    ],
)
def test_a_handshake_that_fails_puts_the_subscription_in_error(
    system: cast.ClinicalSystem,
    internet: Internet,
    run_jobs: cast.RunJobs,
    reply: object,
    error: str,
) -> None:
    internet.reply = reply  # type: ignore[assignment]
    row = subscribe(system, wish(numbers={reading.TIMEOUT: 1}))

    run_jobs()

    assert (is_now(row).status, row.due_at, error_of(row)) == ("error", None, error)
    assert len(internet.requests) == 1


@pytest.mark.parametrize(
    "found", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_a_name_that_leads_inside_is_never_asked_and_nothing_is_said_of_the_inside(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, found: str
) -> None:
    internet.names = [[found]]
    row = subscribe(system, wish())

    run_jobs()

    assert internet.connected_to == []
    assert (is_now(row).status, error_of(row)) == ("error", sending.UNREACHED)


def test_in_a_demonstration_this_machine_itself_may_be_told(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, settings: Settings
) -> None:
    settings.DEMO = True
    internet.names = [["127.0.0.1"]]
    subscribe(system, wish(channel={"endpoint": "http://localhost:9/told"}))

    run_jobs()

    assert internet.connected_to == ["127.0.0.1"]


# Events


def test_a_subscriber_is_told_which_task_has_changed_and_nothing_more(
    system: cast.ClinicalSystem,
    internet: Internet,
    run_jobs: cast.RunJobs,
    referral: Referral,
    person: Person,
) -> None:
    row = subscribe(system, wish())
    run_jobs()

    steps.joined(referral, tells_practice=True)
    run_jobs()

    bundle = arrived(internet)[-1]
    assert list(events_in(bundle)) == [(1, f"{BASE}/Task/{referral.pk}")]
    assert status_in(bundle)["type"] == "event-notification"
    assert status_in(bundle)["events-since-subscription-start"] == "1"
    assert len(bundle["entry"]) == 1
    assert person.family_name not in str(bundle)
    assert (is_now(row).event_count, row.sent_count) == (1, 1)


def test_the_service_request_can_be_subscribed_to_as_well(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    subscribe(system, wish("service-request-changed"))
    run_jobs()

    responding.decline(referral_id=referral.pk, reason="other", at=timezone.now())
    run_jobs()

    focus = f"{BASE}/ServiceRequest/{referral.pk}"
    assert list(events_in(arrived(internet)[-1])) == [(1, focus)]


def test_an_empty_notification_names_neither_topic_nor_focus(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    subscribe(system, wish(content="empty"))
    run_jobs()

    steps.joined(referral, tells_practice=True)
    run_jobs()

    bundle = arrived(internet)[-1]
    assert list(events_in(bundle)) == [(1, "")]
    assert "topic" not in status_in(bundle)
    assert str(referral.pk) not in str(bundle)


def test_a_full_notification_holds_the_resource_as_it_was_told_and_is_audited_as_read(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    subscribe(system, wish(content="full-resource"))
    run_jobs()
    Entry.objects.filter(
        action=Action.REFERRAL_READ
    )  # append-only: what is new is looked for below
    before = Entry.objects.filter(action=Action.REFERRAL_READ).count()

    steps.joined(referral, tells_practice=True)
    run_jobs()

    entry = arrived(internet)[-1]["entry"][1]
    assert entry["fullUrl"] == f"{BASE}/Task/{referral.pk}"
    assert entry["resource"] == system.get(f"/fhir/R4/Task/{referral.pk}").json()
    assert entry["resource"]["businessStatus"]["coding"][0]["code"] == "joined"
    assert entry["response"]["etag"] == f'W/"{referral.version}"'
    reads = Entry.objects.filter(action=Action.REFERRAL_READ).order_by("pk")[before:]
    assert [(read.actor, read.target) for read in reads][:1] == [
        (f"client/{system.client_id}", f"ServiceRequest/{referral.pk}")
    ]


@pytest.mark.parametrize(
    ("filters", "is_told"),
    [
        (("Task?status=in-progress",), True),
        (("Task?status=failed,in-progress",), True),
        (("Task?status=completed",), False),
        (("Task?business-status=joined",), True),
        (("Task?patient=Patient/{patient}",), True),
        (("Task?patient={patient}", "Task?focus=ServiceRequest/{referral}"), True),
        (("Task?patient={patient}&status=completed",), False),
        (("Task?patient={patient}", "Task?status=completed"), False),
        ((f"Task?patient=Patient/{uuid4()}",), False),
    ],
)
def test_filters_say_which_changes_are_told(
    system: cast.ClinicalSystem,
    internet: Internet,
    run_jobs: cast.RunJobs,
    referral: Referral,
    filters: tuple[str, ...],
    is_told: bool,
) -> None:
    ids = {"patient": str(referral.patient_id), "referral": str(referral.pk)}
    subscribe(system, wish("task-changed", *(one.format(**ids) for one in filters)))
    run_jobs()

    steps.joined(referral, tells_practice=True)
    run_jobs()

    assert kinds(internet) == ["handshake"] + ["event-notification"] * is_told


def test_every_step_is_told_in_its_order_and_numbered_without_a_gap(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    subscribe(system, wish())
    run_jobs()
    crowd = people(seed=11)
    referrals = [steps.referred(system, next(crowd)) for _ in range(3)]

    run_jobs()

    told = list(events_in(*arrived(internet)))
    assert [number for number, _ in told] == list(range(1, 10))
    for referral in referrals:
        events = Event.objects.filter(referral=referral).order_by("number")
        assert list(events.values_list("focus_version", flat=True)) == [1, 2, 3]
        assert sum(focus.endswith(str(referral.pk)) for _, focus in told) == 3


def test_jobs_that_run_in_the_wrong_order_or_twice_tell_once_and_in_order(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    row = subscribe(system, wish())
    referral = steps.invited(system, next(people(seed=15)), run_jobs)
    changes = list(referral.changes.order_by("-version"))
    Event.objects.all().delete()
    Subscription.objects.update(event_count=0, sent_count=0)

    for change in (*changes, *changes):
        tell_subscribers(change_id=change.pk, at=timezone.now())

    events = Event.objects.order_by("number").values_list("number", "focus_version")
    assert list(events) == [(1, 1), (2, 2), (3, 3)]
    assert is_now(row).event_count == 3


def test_several_events_share_a_notification_where_the_subscriber_allows(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    internet.reply = in_turn(says(), FAILS, says())
    subscribe(system, wish(numbers={reading.MAX_COUNT: 5}))
    run_jobs()
    steps.invited(system, next(people(seed=12)), run_jobs)

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        run_jobs()

    last = arrived(internet)[-1]
    assert [number for number, _ in events_in(last)] == [1, 2, 3]
    assert status_in(last)["events-since-subscription-start"] == "3"


# What the practice is not told


def test_joining_in_silence_tells_nobody_and_the_end_of_the_invitation_tells_everybody(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    row = subscribe(system, wish(content="full-resource"))
    run_jobs()

    steps.joined(referral, tells_practice=False)
    run_jobs()

    assert kinds(internet) == ["handshake"]
    assert is_now(row).event_count == 0

    with time_machine.travel(timezone.now() + timedelta(days=29)):
        run_jobs()

    assert kinds(internet) == ["handshake", "event-notification"]
    [resource] = [entry["resource"] for entry in arrived(internet)[-1]["entry"][1:]]
    assert resource["businessStatus"]["coding"][0]["code"] == "invitation-ended"


def test_another_practices_changes_and_those_before_the_subscription_are_not_told(
    system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    internet: Internet,
    run_jobs: cast.RunJobs,
    referral: Referral,
) -> None:
    row = subscribe(system, wish())

    steps.invited(other_gp_system, next(people(seed=13)), run_jobs)

    assert referral.version > 1
    assert is_now(row).event_count == 0
    assert kinds(internet) == ["handshake"]


# When the endpoint fails


def _due_in(row: Subscription) -> timedelta:
    due_at = is_now(row).due_at
    assert due_at
    return due_at - timezone.now()


def test_what_fails_is_sent_again_with_growing_pauses_then_the_subscription_is_in_error(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    internet.reply = in_turn(says(), FAILS)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        row = subscribe(system, wish())
        run_jobs()
        steps.joined(referral, tells_practice=True)
        run_jobs()
        for pause in sending.PAUSES:
            assert pause <= _due_in(row) <= pause * 1.1
            clock.shift(_due_in(row) - timedelta(seconds=1))
            sent = len(internet.requests)
            run_jobs()
            assert len(internet.requests) == sent
            clock.shift(timedelta(seconds=2))
            run_jobs()
            assert len(internet.requests) == sent + 1

    assert (is_now(row).status, row.due_at) == ("error", None)
    assert error_of(row) == "The endpoint answered with the status 500."
    assert {number for number, _ in events_in(*arrived(internet))} == {1}
    assert not Circuit.objects.exists()


def test_one_subscriber_that_fails_holds_up_no_other(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    rows = [subscribe(system, wish()) for _ in range(2)]
    run_jobs()
    internet.reply = in_turn(FAILS, says())

    steps.joined(referral, tells_practice=True)
    run_jobs()

    assert sorted(is_now(row).sent_count for row in rows) == [0, 1]


def test_after_an_error_a_new_request_brings_a_handshake_and_what_was_missed(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    row = subscribe(system, wish())
    run_jobs()
    is_now(row)
    with acting_for(system.organisation.pk):
        subscribing.change_status(
            row, SubscriptionStatus.ERROR, by=actor(system), at=timezone.now(), error="So."
        )
        row.save()
    steps.invited(system, next(people(seed=14)), run_jobs)
    assert (is_now(row).event_count, row.sent_count) == (3, 0)
    assert kinds(internet) == ["handshake"]

    amend(system, row, wish(status="requested"))
    run_jobs()

    assert is_now(row).status == "active"
    assert kinds(internet) == ["handshake"] * 2 + ["event-notification"] * 3
    assert [number for number, _ in events_in(*arrived(internet))] == [1, 2, 3]


def test_what_was_sent_by_a_worker_that_died_before_it_could_say_so_is_sent_again(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    row = subscribe(system, wish())
    run_jobs()
    steps.joined(referral, tells_practice=True)
    tell_subscribers(change_id=referral.changes.latest("version").pk, at=timezone.now())
    turn = take_turn(system, row)
    assert turn
    assert sending.send(turn) == ""
    run_jobs()
    assert len(internet.requests) == 2  # while it may still come back, nobody else sends

    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        run_jobs()

    assert [number for number, _ in events_in(*arrived(internet))] == [1, 1]
    assert (is_now(row).event_count, row.sent_count, row.turn) == (1, 1, None)
    with acting_for(system.organisation.pk):
        assert not sending.note(turn, "", at=timezone.now())  # too late to count


def test_what_has_lost_its_job_is_found_by_the_sweep(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    row = subscribe(system, wish(end=(timezone.now() + timedelta(hours=1)).isoformat()))

    seen = []
    for later in (timedelta(minutes=11), timedelta(minutes=71)):
        Job.objects.all().delete()
        with time_machine.travel(timezone.now() + later):
            with application_role.as_product():
                sweep()
            run_jobs()
        seen.append(is_now(row).status)

    assert seen == ["active", "off"]
    assert kinds(internet) == ["handshake"]


# Heartbeat, off, the end


def test_while_nothing_happens_a_heartbeat_says_that_the_way_is_open(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        subscribe(system, wish(numbers={reading.HEARTBEAT_PERIOD: 600}))
        run_jobs()
        clock.shift(timedelta(seconds=400))
        steps.joined(referral, tells_practice=True)
        run_jobs()
        clock.shift(timedelta(seconds=400))
        run_jobs()
        assert kinds(internet) == ["handshake", "event-notification"]  # that was a sign of life
        for _ in range(3):
            clock.shift(timedelta(seconds=601))
            run_jobs()

    assert kinds(internet) == ["handshake", "event-notification"] + ["heartbeat"] * 3
    assert status_in(arrived(internet)[-1])["events-since-subscription-start"] == "1"
    assert Job.objects.filter(kind=JobKind.NOTIFY, state=JobState.QUEUED).count() == 1


def test_off_stops_the_telling(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    row = subscribe(system, wish())
    run_jobs()

    amend(system, row, wish(status="off"))
    steps.joined(referral, tells_practice=True)
    run_jobs()

    assert (is_now(row).status, row.event_count) == ("off", 0)
    assert kinds(internet) == ["handshake"]


def test_a_deleted_subscription_is_told_nothing_and_leaves_nothing(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs, referral: Referral
) -> None:
    row = subscribe(system, wish())
    run_jobs()
    steps.joined(referral, tells_practice=True)

    with acting_for(system.organisation.pk):
        is_deleted = subscribing.delete_subscription(
            subscription_id=row.pk, by=actor(system), at=timezone.now()
        )
    run_jobs()

    assert is_deleted
    assert kinds(internet) == ["handshake"]
    assert not Event.objects.exists()


def test_a_subscription_goes_off_at_its_end(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    end = timezone.now() + timedelta(days=1)
    row = subscribe(system, wish(end=end.isoformat()))
    run_jobs()

    with time_machine.travel(end + timedelta(seconds=1)):
        run_jobs()

    assert is_now(row).status == "off"
    assert kinds(internet) == ["handshake"]


def test_what_fails_after_the_end_is_not_sent_again(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    end = timezone.now() + timedelta(seconds=10)
    row = subscribe(system, wish(end=end.isoformat()))
    turn = take_turn(system, row)
    assert turn

    with time_machine.travel(end + timedelta(seconds=1)):
        run_jobs()
        with acting_for(system.organisation.pk):
            assert not sending.note(turn, sending.UNREACHED, at=timezone.now())

    assert (is_now(row).status, row.due_at) == ("off", None)


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"scope": "system/ServiceRequest.crs"}], ids=["off", "scope"]
)
def test_a_client_that_may_not_read_any_more_is_not_told_either(
    system: cast.ClinicalSystem,
    internet: Internet,
    run_jobs: cast.RunJobs,
    referral: Referral,
    change: dict[str, object],
) -> None:
    row = subscribe(system, wish())
    run_jobs()
    Client.objects.filter(pk=system.client_id).update(**change)

    steps.joined(referral, tells_practice=True)
    run_jobs()

    assert kinds(internet) == ["handshake"]
    assert (is_now(row).status, error_of(row)) == ("error", sending.NOT_ALLOWED)


def test_a_change_while_a_notification_is_under_way_wins_over_its_answer(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    row = subscribe(system, wish())
    turn = take_turn(system, row)
    assert turn

    amend(system, row, wish(channel={"endpoint": f"https://{NAME}/elsewhere"}))
    with acting_for(system.organisation.pk):
        sending.note(turn, "", at=timezone.now())

    assert is_now(row).status == "requested"  # the new endpoint has taken no handshake yet
    run_jobs()
    assert is_now(row).status == "active"
    assert internet.requests[0].startswith(b"POST /elsewhere ")
