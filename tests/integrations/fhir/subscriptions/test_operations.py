"""$status and $events: what a subscriber asks for itself, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from audit.models import Action, Entry
from config.fictional import people
from integrations.fhir.checking import check
from integrations.fhir.subscriptions.models import Subscription
from tests import cast
from tests.api.answers import issues
from tests.integrations.fhir.subscriptions.subscriber import (
    BASE,
    SCOPE,
    arrived,
    events_in,
    status_in,
    subscribe,
    wish,
)
from tests.integrations.outbound.conftest import Internet, says
from tests.referrals import steps

pytestmark = pytest.mark.django_db

STATUS, EVENTS = "/fhir/R4/Subscription/$status", "/fhir/R4/Subscription/{}/$events"


@pytest.fixture
def system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that may subscribe."""
    return cast.clinical_system(gp_system.organisation, scope=SCOPE)


@pytest.fixture
def told(system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs) -> Subscription:
    """A subscription that was told of three steps."""
    row = subscribe(system, wish())
    run_jobs()
    steps.invited(system, next(people(seed=21)), run_jobs)
    return row


def _statuses(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    entries = bundle.get("entry", [])
    assert bundle["total"] == len(entries)
    return [status_in({"entry": [entry]}) for entry in entries]


def test_status_says_where_a_subscription_stands(
    system: cast.ClinicalSystem, told: Subscription
) -> None:
    answer = system.get(f"/fhir/R4/Subscription/{told.pk}/$status")

    assert _statuses(answer.json()) == [
        {
            "subscription": {"reference": f"{BASE}/Subscription/{told.pk}"},
            "topic": f"{BASE}/SubscriptionTopic/task-changed",
            "status": "active",
            "type": "query-status",
            "events-since-subscription-start": "3",
        }
    ]


def test_status_of_one_in_error_says_why(
    system: cast.ClinicalSystem, internet: Internet, run_jobs: cast.RunJobs
) -> None:
    internet.reply = says(status="503 Away")
    row = subscribe(system, wish())
    run_jobs()

    [status] = _statuses(system.get(f"/fhir/R4/Subscription/{row.pk}/$status").json())

    assert status["status"] == "error"
    assert status["error"] == {"text": "The endpoint answered with the status 503."}


def test_status_of_all_is_narrowed_by_id_and_status(
    system: cast.ClinicalSystem, told: Subscription
) -> None:
    off = subscribe(system, wish(status="off"))
    every = {f"{BASE}/Subscription/{row.pk}" for row in (told, off)}

    def asked(query: str) -> set[str]:
        found = _statuses(system.get(STATUS + query).json())
        return {status["subscription"]["reference"] for status in found}

    assert asked("") == asked(f"?id={told.pk}&id={off.pk}") == asked("?status=off,active") == every
    assert asked("?status=off") == asked(f"?id={off.pk}") == {f"{BASE}/Subscription/{off.pk}"}
    assert asked(f"?id={uuid4()}") == asked("?id=none") == asked("?status=error") == set()


def test_the_operations_are_asked_by_post_as_well(
    system: cast.ClinicalSystem, told: Subscription
) -> None:
    def sent(address: str, *parameters: dict[str, Any]) -> Any:
        resource = {"resourceType": "Parameters", "parameter": list(parameters)}
        answer = system.post(address, resource if parameters else {"resourceType": "Parameters"})
        assert answer.status_code == 200, answer.content
        return answer.json()

    since = {"name": "eventsSinceNumber", "valueString": "3"}

    assert _statuses(sent(STATUS, {"name": "status", "valueCode": "off"})) == []
    assert len(_statuses(sent(f"/fhir/R4/Subscription/{told.pk}/$status"))) == 1
    assert [number for number, _ in events_in(sent(EVENTS.format(told.pk), since))] == [3]


def test_events_tells_again_what_was_sent(
    system: cast.ClinicalSystem, told: Subscription, internet: Internet
) -> None:
    bundle = system.get(EVENTS.format(told.pk)).json()

    assert bundle["type"] == "history"
    assert status_in(bundle)["type"] == "query-event"
    sent = list(events_in(*arrived(internet)))
    assert list(events_in(bundle)) == sent
    assert len(sent) == 3


def test_what_is_sent_and_answered_is_sound_fhir(
    system: cast.ClinicalSystem, told: Subscription, internet: Internet
) -> None:
    events = system.get(EVENTS.format(told.pk) + "?content=full-resource").json()

    for bundle in (*arrived(internet), system.get(STATUS).json(), events):
        assert check(bundle, resource_type="Bundle") == []


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("?eventsSinceNumber=2", [2, 3]),
        ("?eventsUntilNumber=2", [1, 2]),
        ("?eventsSinceNumber=2&eventsUntilNumber=2", [2]),
        ("?eventsSinceNumber=4", []),
        ("?eventsUntilNumber=0", []),
    ],
)
def test_events_are_asked_by_their_numbers(
    system: cast.ClinicalSystem, told: Subscription, query: str, numbers: list[int]
) -> None:
    bundle = system.get(EVENTS.format(told.pk) + query).json()

    assert [number for number, _ in events_in(bundle)] == numbers


def test_events_can_hold_the_resources_as_they_were_and_are_audited_as_read(
    system: cast.ClinicalSystem, told: Subscription
) -> None:
    before = Entry.objects.filter(action=Action.REFERRAL_READ).count()

    bundle = system.get(EVENTS.format(told.pk) + "?content=full-resource").json()

    codes = [
        entry["resource"]["businessStatus"]["coding"][0]["code"] for entry in bundle["entry"][1:]
    ]
    assert codes == ["received-by-service", "matched", "invitation-sent"]
    assert Entry.objects.filter(action=Action.REFERRAL_READ).count() == before + 1


def test_who_may_not_read_tasks_gets_none_with_the_events(
    gp_system: cast.ClinicalSystem, told: Subscription
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Subscription.r")
    Subscription.objects.update(client_id=narrow.client_id)

    issues(narrow.get(EVENTS.format(told.pk) + "?content=full-resource"), 403)


@pytest.mark.parametrize(
    "address",
    [
        f"{STATUS}?status=on",
        f"{STATUS}?colour=red",
        EVENTS + "?eventsSinceNumber=x",
        EVENTS + "?eventsSinceNumber=-1",
        EVENTS + "?eventsSinceNumber=9999999999",
        EVENTS + "?eventsSinceNumber=1&eventsSinceNumber=2",
        EVENTS + "?content=everything",
    ],
)
def test_what_an_operation_does_not_take_is_refused(
    system: cast.ClinicalSystem, told: Subscription, address: str
) -> None:
    issues(system.get(address.format(told.pk)), 400)


@pytest.mark.parametrize("operation", ["$status", "$events"])
def test_anothers_subscription_is_answered_like_an_absent_one(
    system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    told: Subscription,
    operation: str,
) -> None:
    colleague = cast.clinical_system(system.organisation, scope=SCOPE)
    stranger = cast.clinical_system(other_gp_system.organisation, scope=SCOPE)

    for other in (colleague, stranger):
        foreign = other.get(f"/fhir/R4/Subscription/{told.pk}/{operation}")
        absent = other.get(f"/fhir/R4/Subscription/{uuid4()}/{operation}")
        assert (foreign.status_code, foreign.content) == (404, absent.content)
        assert _statuses(other.get(STATUS).json()) == []


def test_the_operations_need_the_scope_to_read_subscriptions(
    gp_system: cast.ClinicalSystem, told: Subscription
) -> None:
    narrow = cast.clinical_system(gp_system.organisation, scope="system/Task.rs")

    issues(narrow.get(STATUS), 403)
    issues(narrow.get(EVENTS.format(told.pk)), 403)
