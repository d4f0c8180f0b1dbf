"""What can be subscribed to and by whom; what is refused, each fault with its place; who sees it; what the row hides."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Action, Entry
from integrations.fhir.outcome import Refused
from integrations.fhir.subscriptions import reading, rendering, selectors, subscribing
from integrations.fhir.subscriptions.models import Content, Subscription
from privacy.rotating import models_with_encrypted_fields
from privacy.tenancy import acting_for
from referrals.amending import StaleVersion
from tests import cast
from tests.api.answers import stored_text
from tests.integrations.fhir.subscriptions.subscriber import (
    SCOPE,
    URL,
    actor,
    amend,
    new,
    subscribe,
    wish,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system that may subscribe."""
    return cast.clinical_system(gp_system.organisation, scope=SCOPE)


def faults(resource: dict[str, Any]) -> set[tuple[str, str]]:
    """The code and the place of each fault of a resource."""
    with pytest.raises(Refused) as refused:
        new(resource)
    assert refused.value.status == 422
    return {(finding.code, finding.expression) for finding in refused.value.findings}


# What is taken


def test_without_more_a_subscriber_gets_the_ids_of_one_event_at_a_time() -> None:
    found = new(wish())

    assert (found.content, found.most_events) == (Content.ID_ONLY, 1)
    assert (found.heartbeat_seconds, found.timeout_seconds) == (None, 10)


def test_what_the_backport_adds_is_heeded() -> None:
    numbers = {reading.HEARTBEAT_PERIOD: 3600, reading.TIMEOUT: 5, reading.MAX_COUNT: 20}

    found = new(wish(content="full-resource", numbers=numbers))

    assert found.content == Content.FULL_RESOURCE
    assert (found.heartbeat_seconds, found.timeout_seconds, found.most_events) == (3600, 5, 20)


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        (wish("no-such-topic"), ("not-supported", "Subscription.criteria")),
        (wish(criteria="Task?status=failed"), ("not-supported", "Subscription.criteria")),
        (wish(status="error"), ("business-rule", "Subscription.status")),
        (wish(status="on"), ("code-invalid", "Subscription.status")),
        (wish(channel={"type": "email"}), ("not-supported", "Subscription.channel.type")),
        (wish(channel={"payload": ""}), ("not-supported", "Subscription.channel.payload")),
        (
            wish(channel={"payload": "application/fhir+xml"}),
            ("not-supported", "Subscription.channel.payload"),
        ),
        (
            wish(content="everything"),
            ("code-invalid", "Subscription.channel.payload.extension[0].valueCode"),
        ),
        (
            wish(numbers={reading.HEARTBEAT_PERIOD: 5}),
            ("value", "Subscription.channel.extension[0].valueUnsignedInt"),
        ),
        (
            wish(numbers={reading.MAX_COUNT: 1000}),
            ("value", "Subscription.channel.extension[0].valuePositiveInt"),
        ),
        (wish(end="2020-01-01T00:00:00Z"), ("business-rule", "Subscription.end")),
        (wish(end="2016-12-31T23:59:60Z"), ("value", "Subscription.end")),
    ],
)
def test_what_is_not_served_is_refused_with_its_place(
    resource: dict[str, Any], found: tuple[str, str]
) -> None:
    assert faults(resource) == {found}


@pytest.mark.parametrize(
    "criteria",
    ["Task?colour=red", "Task?status=happy", "ServiceRequest?status=active", "Task", "Task?", ""],
)
def test_a_filter_that_is_not_served_is_refused_with_its_place(criteria: str) -> None:
    [(code, place)] = faults(wish("task-changed", "Task?status=failed", criteria))

    assert code in {"not-supported", "code-invalid", "value"}
    assert place == "Subscription.criteria.extension[1].valueString"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://gp.example/told",
        "https://127.0.0.1/told",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:secret@gp.example/",
        "ftp://gp.example/",
        "mailto:told@gp.example",
        "",
        "https://gp.example/" + "x" * 2000,
    ],
)
def test_an_endpoint_that_would_never_be_asked_is_refused(endpoint: str) -> None:
    [(_code, place)] = faults(wish(channel={"endpoint": endpoint}))

    assert place == "Subscription.channel.endpoint"


@pytest.mark.parametrize(
    "line",
    [
        "no colon",
        ": no name",
        "Two: lines\r\nHost: elsewhere",
        "Content-Length: 7",
        "host: elsewhere",
        "Transfer-Encoding: chunked",
        "X-Name: caf\u00e9",
        "X-Empty:",
    ],
)
def test_a_header_that_would_change_the_request_is_refused(line: str) -> None:
    found = faults(wish(channel={"header": ["Authorization: Bearer abc", line]}))

    assert found == {("value", "Subscription.channel.header[1]")}


def test_all_faults_are_found_at_once_and_none_repeats_what_was_sent() -> None:
    resource = wish("secret-topic", channel={"type": "sms", "endpoint": "http://secret.example"})

    with pytest.raises(Refused) as refused:
        new(resource)

    assert len(refused.value.findings) == 3
    assert "secret" not in str(refused.value)


# Who may


def test_who_may_not_read_tasks_is_not_told_of_them(gp_system: cast.ClinicalSystem) -> None:
    narrow = cast.clinical_system(
        gp_system.organisation, scope="system/ServiceRequest.r system/Subscription.c"
    )

    with pytest.raises(Refused) as refused:
        subscribe(narrow, wish())
    subscribe(narrow, wish("service-request-changed"))

    assert refused.value.status == 403
    assert Subscription.objects.get().topic == "service-request-changed"


def test_a_client_has_twenty_at_most(system: cast.ClinicalSystem) -> None:
    for _ in range(subscribing.MOST_OF_A_CLIENT):
        subscribe(system, wish())

    with pytest.raises(Refused) as refused:
        subscribe(system, wish())

    assert [finding.code for finding in refused.value.findings] == ["too-costly"]
    assert Subscription.objects.count() == subscribing.MOST_OF_A_CLIENT


@pytest.mark.parametrize("is_of_the_same_practice", [True, False])
def test_anothers_subscription_is_as_good_as_absent(
    system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    is_of_the_same_practice: bool,
) -> None:
    row = subscribe(system, wish())
    organisation = system.organisation if is_of_the_same_practice else other_gp_system.organisation
    other = cast.clinical_system(organisation, scope=SCOPE)
    by, at = actor(other), timezone.now()

    with acting_for(organisation.pk):
        amended = subscribing.amend_subscription(
            subscription_id=row.pk, new=new(wish()), expected_version=99, by=by, at=at
        )
        is_deleted = subscribing.delete_subscription(subscription_id=row.pk, by=by, at=at)
        seen = list(selectors.versions_of(by)), selectors.subscriptions_of(by, ids=[row.pk])

    assert (amended, is_deleted, seen) == (None, False, ([], []))
    row.refresh_from_db()
    assert row.version == 1


# Versions


def test_what_was_sent_is_shown_word_for_word_but_for_what_the_server_sets(
    system: cast.ClinicalSystem,
) -> None:
    sent = wish(status="active", id="mine", error="none", contact=[{"rank": 1}])

    row = subscribe(system, sent)

    with acting_for(system.organisation.pk):
        [kept] = selectors.newest_versions_of(actor(system))
        shown = rendering.render(kept)
    assert shown.pop("meta")["versionId"] == "1"
    del sent["error"]
    assert shown == sent | {"id": str(row.pk), "status": "requested"}


def test_each_change_is_a_version_and_in_the_audit(system: cast.ClinicalSystem) -> None:
    row = subscribe(system, wish())

    amend(system, row, wish(status="off"), expected_version=1)

    versions = row.versions.order_by("version").values_list("version", "status")
    assert list(versions) == [(1, "requested"), (2, "off")]
    entries = Entry.objects.filter(action=Action.SUBSCRIPTION_CHANGED).order_by("pk")
    assert [(entry.actor, entry.target, entry.detail) for entry in entries] == [
        (f"client/{system.client_id}", f"Subscription/{row.pk}", {"to": status})
        for status in ("requested", "off")
    ]


def test_a_change_to_another_version_than_the_newest_is_refused(
    system: cast.ClinicalSystem,
) -> None:
    row = subscribe(system, wish())
    amend(system, row, wish(), expected_version=1)

    with pytest.raises(StaleVersion) as stale:
        amend(system, row, wish(status="off"), expected_version=1)

    assert stale.value.current == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": "active"}, "active"),
        ({"status": "requested"}, "requested"),
        ({"status": "active", "channel": {"endpoint": f"{URL}x"}}, "requested"),
        ({"status": "active", "channel": {"header": ["X-Key: 8"]}}, "requested"),
        ({"status": "off"}, "off"),
    ],
)
def test_an_active_one_needs_a_new_handshake_when_it_asks_for_one_or_its_endpoint_changes(
    system: cast.ClinicalSystem, change: dict[str, Any], status: str
) -> None:
    row = subscribe(system, wish())
    Subscription.objects.update(status="active", due_at=None)

    assert amend(system, row, wish(**change)).status == status


# What the row hides


def test_the_endpoint_and_its_headers_are_encrypted_and_their_key_can_be_changed(
    system: cast.ClinicalSystem,
) -> None:
    subscribe(system, wish(channel={"header": ["Authorization: Bearer very-secret"]}))

    stored = stored_text()

    assert "very-secret" not in stored
    assert URL not in stored
    encrypted = {model._meta.db_table for model in models_with_encrypted_fields()}
    assert {"subscriptions_subscription", "subscriptions_subscriptionversion"} <= encrypted


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "on"},
        {"content": "all"},
        {"sent_count": 1},
        {"status": "off", "due_at": timezone.now() + timedelta(days=1)},
        {"turn_ends_at": timezone.now()},
    ],
)
def test_the_database_refuses_what_cannot_be(
    system: cast.ClinicalSystem, wrong: dict[str, Any]
) -> None:
    subscribe(system, wish())

    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.update(**wrong)
