"""A referring system that wants to be told: what it asks for, and what arrives at its endpoint."""

import json
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.actors import Actor, client_actor
from accounts.models import Client
from integrations.fhir.subscriptions import reading, subscribing
from integrations.fhir.subscriptions.models import Subscription
from privacy.tenancy import acting_for
from tests import cast
from tests.integrations.outbound.conftest import NAME, Internet, Reply

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
URL = f"https://{NAME}/told?of=us"
SCOPE = "system/ServiceRequest.crs system/Task.rs system/Patient.cr system/Subscription.cruds"


def wish(topic: str = "task-changed", *filters: str, **more: Any) -> dict[str, Any]:
    """A Subscription: ``channel`` and ``numbers`` (extensions of it) may be given, ``content``, and other elements."""
    channel: dict[str, Any] = {
        "type": "rest-hook",
        "endpoint": URL,
        "payload": "application/fhir+json",
        **more.pop("channel", {}),
    }
    if content := more.pop("content", ""):
        extension = {"url": reading.PAYLOAD_CONTENT, "valueCode": content}
        channel["_payload"] = {"extension": [extension]}
    kinds = {reading.MAX_COUNT: "valuePositiveInt"}
    numbers = more.pop("numbers", {})
    if numbers:
        channel["extension"] = [
            {"url": url, kinds.get(url, "valueUnsignedInt"): value}
            for url, value in numbers.items()
        ]
    resource: dict[str, Any] = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "To see how far our referrals have come",
        "criteria": f"{BASE}/SubscriptionTopic/{topic}",
        "channel": channel,
        **more,
    }
    if filters:
        resource["_criteria"] = {
            "extension": [{"url": reading.FILTER_CRITERIA, "valueString": one} for one in filters]
        }
    return resource


def new(resource: dict[str, Any], *, at: datetime | None = None) -> reading.NewSubscription:
    """What is kept of a resource."""
    return reading.read(resource, base_url=settings.PUBLIC_BASE_URL, at=at or timezone.now())


def actor(system: cast.ClinicalSystem) -> Actor:
    """A clinical system, as the selectors and use cases know it."""
    return client_actor(Client.objects.get(pk=system.client_id), scope=system.scope)


def subscribe(system: cast.ClinicalSystem, resource: dict[str, Any]) -> Subscription:
    """Make a subscription."""
    with acting_for(system.organisation.pk):
        kept = subscribing.create_subscription(
            new=new(resource), by=actor(system), at=timezone.now()
        )
    return kept.subscription


def amend(
    system: cast.ClinicalSystem,
    row: Subscription,
    resource: dict[str, Any],
    *,
    expected_version: int | None = None,
) -> Subscription:
    """Put another wish in its place."""
    with acting_for(system.organisation.pk):
        kept = subscribing.amend_subscription(
            subscription_id=row.pk,
            new=new(resource),
            expected_version=expected_version,
            by=actor(system),
            at=timezone.now(),
        )
    assert kept
    return kept.subscription


def arrived(internet: Internet) -> list[dict[str, Any]]:
    """The notifications that were sent, oldest first."""
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in internet.requests]


def status_in(bundle: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a notification's first entry by name, the events apart."""
    parameters = bundle["entry"][0]["resource"]["parameter"]
    return {
        one["name"]: next(value for name, value in one.items() if name.startswith("value"))
        for one in parameters
        if one["name"] != "notification-event"
    }


def kinds(internet: Internet) -> list[str]:
    """What kinds of notification were sent."""
    return [status_in(bundle)["type"] for bundle in arrived(internet)]


def events_in(*bundles: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """The number and the focus of each event told of in these notifications."""
    for bundle in bundles:
        for parameter in bundle["entry"][0]["resource"]["parameter"]:
            if parameter["name"] == "notification-event":
                parts = {part["name"]: part for part in parameter["part"]}
                focus = parts.get("focus", {"valueReference": {"reference": ""}})
                yield (
                    int(parts["event-number"]["valueString"]),
                    focus["valueReference"]["reference"],
                )


def in_turn(*replies: Reply) -> Reply:
    """One reply after the other, the last for ever."""
    left = list(replies)

    def reply(connection: socket.socket) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection)

    return reply
