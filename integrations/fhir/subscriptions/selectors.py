"""Reads over subscriptions for the clinical systems whose they are."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import F, QuerySet

from accounts.actors import Actor
from integrations.fhir.subscriptions.models import Event, Subscription, SubscriptionVersion


def subscription_of(actor: Actor, subscription_id: UUID) -> Subscription | None:
    """A subscription as far as this actor may see it."""
    return Subscription.objects.visible_to(actor).filter(pk=subscription_id).first()


def subscriptions_of(
    actor: Actor, *, ids: Collection[UUID] = (), statuses: Collection[str] = ()
) -> list[Subscription]:
    """An actor's subscriptions, or those of them that have one of these ids and one of these statuses."""
    found = Subscription.objects.visible_to(actor)
    if ids:
        found = found.filter(pk__in=ids)
    if statuses:
        found = found.filter(status__in=statuses)
    return list(found.order_by("pk"))


def versions_of(actor: Actor) -> QuerySet[SubscriptionVersion]:
    """Every version of an actor's subscriptions, those of deleted ones among them."""
    own = Subscription.objects.made_by(actor)
    return SubscriptionVersion.objects.filter(subscription__in=own)


def newest_versions_of(actor: Actor) -> QuerySet[SubscriptionVersion]:
    """An actor's subscriptions as they stand now, without those that are deleted."""
    newest = versions_of(actor).filter(version=F("subscription__version"))
    return newest.filter(subscription__deleted_at__isnull=True)


def events_between(row: Subscription, first: int, last: int) -> list[Event]:
    """The events of a subscription with these numbers and those between, oldest first."""
    between = row.events.filter(number__gte=first, number__lte=last)
    related = between.select_related("referral__practice", "referral__patient")
    return list(related.order_by("number"))
