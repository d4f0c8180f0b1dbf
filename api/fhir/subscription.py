"""Subscription: made, changed and taken away by the clinical system that wants to be told."""

from datetime import datetime
from functools import partial
from uuid import UUID

from accounts.actors import Actor
from accounts.repeating import Made
from api.fhir.base import BASE_URL
from api.fhir.kinds import Kind
from api.fhir.sending import Sent
from integrations.fhir.sources import subscriptions
from integrations.fhir.subscriptions import reading, subscribing
from integrations.fhir.subscriptions.models import SubscriptionVersion
from integrations.fhir.subscriptions.notifications import OPERATIONS
from integrations.fhir.subscriptions.topics import TOPICS


def create(sent: Sent) -> Made:
    """Keep a wish to be told. Raises Refused."""
    new = sent.accept(partial(reading.read, base_url=BASE_URL, at=sent.at))
    return _made(subscribing.create_subscription(new=new, by=sent.by, at=sent.at), status=201)


def update(subscription_id: UUID, sent: Sent) -> Made | None:
    """Change it, end the telling or begin it again. Raises Refused and StaleVersion."""
    kept = subscribing.amend_subscription(
        subscription_id=subscription_id,
        new=sent.accept(partial(reading.read, base_url=BASE_URL, at=sent.at)),
        expected_version=sent.expected_version,
        by=sent.by,
        at=sent.at,
    )
    return _made(kept, status=200) if kept else None


def delete(resource_id: UUID, *, by: Actor, at: datetime) -> bool:
    """End it, and forget where it was told and what it was to be told."""
    return subscribing.delete_subscription(subscription_id=resource_id, by=by, at=at)


def _made(kept: SubscriptionVersion, *, status: int) -> Made:
    return Made(
        resource_type="Subscription",
        pk=kept.subscription_id,
        version=kept.version,
        at=kept.at,
        status=status,
    )


KIND = Kind(
    resource_type="Subscription",
    sources=(subscriptions.SOURCE,),
    versions=(subscriptions.VERSIONS,),
    create=create,
    update=update,
    delete=delete,
    documentation=(
        f"criteria is the address of a topic: {', '.join(t.canonical(BASE_URL) for t in TOPICS)}. They tell of"
        " referrals. No topic tells of the Tasks that the practice is asked to do: search for those."
    ),
    operations=OPERATIONS,
)
