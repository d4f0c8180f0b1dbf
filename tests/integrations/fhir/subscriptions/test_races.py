"""Several workers at the same moment: every event has one number, is sent in its order, and one is under way at a time."""

from itertools import islice

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from config.fictional import people
from integrations.fhir.subscriptions.models import Event
from integrations.fhir.subscriptions.sending import send_next
from integrations.fhir.subscriptions.telling import tell_subscribers
from privacy.tenancy import acting_for
from referrals.models import StatusChange
from tests import cast
from tests.api.test_races import SIDES, at_once
from tests.integrations.fhir.subscriptions.subscriber import (
    SCOPE,
    arrived,
    events_in,
    kinds,
    subscribe,
    wish,
)
from tests.integrations.outbound.conftest import Internet
from tests.referrals import steps

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
    ),
]


def test_many_workers_number_and_send_each_event_once_and_in_order(
    gp_system: cast.ClinicalSystem, internet: Internet
) -> None:
    system = cast.clinical_system(gp_system.organisation, scope=SCOPE)
    row = subscribe(system, wish())
    for person in islice(people(seed=31), SIDES):
        steps.referred(system, person)
    changes = list(StatusChange.objects.order_by("pk"))

    def tell_and_send(side: int) -> None:
        with acting_for(system.organisation.pk):
            tell_subscribers(change_id=changes[side].pk, at=timezone.now())
        for _ in range(2 * SIDES):
            send_next(
                subscription_id=row.pk,
                tenant_id=system.organisation.pk,
                base_url=settings.PUBLIC_BASE_URL,
                at=timezone.now(),
            )

    at_once(tell_and_send)
    tell_and_send(0)  # for what was still under way when the others looked

    numbers = list(range(1, SIDES + 1))
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == numbers
    assert [number for number, _ in events_in(*arrived(internet))] == numbers
    assert kinds(internet) == ["handshake"] + ["event-notification"] * SIDES
