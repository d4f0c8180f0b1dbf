"""Making, changing and ending subscriptions. Each starts with a handshake, and again after whatever was wrong."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from accounts.models import Client
from audit.models import Action
from audit.recording import record
from integrations.fhir import fields, wire
from integrations.fhir.outcome import Refused, gone, unprocessable
from integrations.fhir.subscriptions.models import (
    SENDING,
    Subscription,
    SubscriptionStatus,
    SubscriptionVersion,
)
from integrations.fhir.subscriptions.reading import NewSubscription
from integrations.fhir.subscriptions.rights import check_may_read
from integrations.fhir.subscriptions.waking import next_due, wake
from referrals.amending import StaleVersion

MOST_OF_A_CLIENT = 20
_SEPARATOR = "\n"  # no header holds one
_KEYS = ("endpoint", "header")  # elements of the channel


@transaction.atomic
def create_subscription(*, new: NewSubscription, by: Actor, at: datetime) -> SubscriptionVersion:
    """Keep a wish to be told. It is ``requested`` until the endpoint has taken the handshake. Raises Refused."""
    check_may_read(new.topic.focus_type, by=by, at="Subscription.criteria")
    client = Client.objects.select_for_update().get(pk=by.id)
    if client.subscriptions.filter(deleted_at__isnull=True).count() >= MOST_OF_A_CLIENT:
        text = (
            f"You have {MOST_OF_A_CLIENT} subscriptions. Delete one, or widen the filters of one."
        )
        raise Refused(422, [unprocessable("too-costly", text, "Subscription")])
    row = Subscription(client=client, organisation_id=client.organisation_id, since=at)
    _take_over(row, new, status=_started(new.status), at=at)
    row.save(force_insert=True)
    return _keep(row, document=new.document, by=by, at=at)


@transaction.atomic
def amend_subscription(
    *,
    subscription_id: UUID,
    new: NewSubscription,
    expected_version: int | None,
    by: Actor,
    at: datetime,
) -> SubscriptionVersion | None:
    """Put another wish in the place of one; None when it is foreign or absent.

    Raises Refused (410 for one that was deleted) and StaleVersion.

    ``off`` ends the sending; ``requested``, or ``active`` for one that is not, begins it again with a handshake.
    What has not been sent by then is sent after it.
    """
    row = _locked(by, subscription_id)
    if row is None:
        return None
    if row.deleted_at:
        raise gone()
    if expected_version not in (None, row.version):
        raise StaleVersion(row.version)
    check_may_read(new.topic.focus_type, by=by, at="Subscription.criteria")
    was_off, sought = row.status == SubscriptionStatus.OFF, (row.topic, row.filters)
    _take_over(row, new, status=_status_after(row, new), at=at)
    if was_off or sought != (row.topic, row.filters):
        row.since = at
    row.save()
    return _keep(row, document=new.document, by=by, at=at)


@transaction.atomic
def delete_subscription(*, subscription_id: UUID, by: Actor, at: datetime) -> bool:
    """End a subscription and forget its endpoint, headers and events; False when it is foreign or absent.

    Its versions stay readable, without the endpoint and its headers: they may hold keys. Safe to repeat.
    """
    row = _locked(by, subscription_id)
    if row is None:
        return False
    if row.deleted_at:
        return True
    row.deleted_at, row.endpoint, row.headers = at, "", ""
    row.events.all().delete()
    for kept in row.versions.all():
        kept.document = _without_keys(kept.document)
        kept.save(update_fields=["document"])
    _end(row, SubscriptionStatus.OFF)
    _write_version(row, document="", at=at)
    row.save()
    _record(row, by=by, at=at)
    return True


def change_status(
    row: Subscription, status: SubscriptionStatus, *, by: Actor, at: datetime, error: str = ""
) -> None:
    """A step that the server takes itself, as a version of its own. The caller holds the row's lock and saves it."""
    document = row.versions.get(version=row.version).document
    _end(row, status)
    _write_version(row, document=document, at=at, error=error)
    _record(row, by=by, at=at)


def _end(row: Subscription, status: SubscriptionStatus) -> None:
    """A version with this status, in which nothing is due or under way."""
    row.status, row.due_at = status, None
    row.turn = row.turn_ends_at = None
    row.version += 1


def _without_keys(document: str) -> str:
    """The document without what may open another's system."""
    resource = wire.load(document)
    channel = fields.child(resource, "channel")
    kept = {name: value for name, value in channel.items() if name.removeprefix("_") not in _KEYS}
    return wire.dump(resource | {"channel": kept}).decode()


def header_lines(row: Subscription) -> tuple[str, ...]:
    """The lines that a notification is sent with."""
    return tuple(filter(None, row.headers.split(_SEPARATOR)))


def _take_over(
    row: Subscription, new: NewSubscription, *, status: SubscriptionStatus, at: datetime
) -> None:
    row.version += 1
    row.topic = new.topic.name
    row.filters = [{"name": one.name, "values": list(one.values)} for one in new.filters]
    row.endpoint, row.headers = new.endpoint, _SEPARATOR.join(new.headers)
    row.content = new.content
    row.heartbeat_seconds, row.timeout_seconds = new.heartbeat_seconds, new.timeout_seconds
    row.most_events, row.ends_at = new.most_events, new.ends_at
    row.status, row.failures = status, 0
    # What is under way by the old wish does not count for the new one.
    row.turn = row.turn_ends_at = None
    row.due_at = next_due(row, at=at)


def _keep(row: Subscription, *, document: str, by: Actor, at: datetime) -> SubscriptionVersion:
    """Write the version of a row that was saved, and the jobs that follow from it."""
    kept = _write_version(row, document=document, at=at)
    _record(row, by=by, at=at)
    for moment in (row.due_at, row.ends_at):
        if moment and row.status in SENDING:
            wake(row, at=at, run_at=moment)
    return kept


def _write_version(
    row: Subscription, *, document: str, at: datetime, error: str = ""
) -> SubscriptionVersion:
    return SubscriptionVersion.objects.create(
        subscription=row,
        version=row.version,
        at=at,
        status=row.status,
        error=error,
        document=document,
    )


def _record(row: Subscription, *, by: Actor, at: datetime) -> None:
    target = f"Subscription/{row.pk}"
    record(Action.SUBSCRIPTION_CHANGED, by=by, at=at, target=target, detail={"to": str(row.status)})


def _started(status: SubscriptionStatus) -> SubscriptionStatus:
    """Off, if that is wanted; else the handshake comes first, whatever the sender has written."""
    is_off = status == SubscriptionStatus.OFF
    return SubscriptionStatus.OFF if is_off else SubscriptionStatus.REQUESTED


def _status_after(row: Subscription, new: NewSubscription) -> SubscriptionStatus:
    """Where a change leads. An active one whose endpoint stays the same needs no new handshake."""
    is_same_endpoint = (row.endpoint, header_lines(row)) == (new.endpoint, new.headers)
    was_active = row.status == SubscriptionStatus.ACTIVE
    if new.status == SubscriptionStatus.ACTIVE and was_active and is_same_endpoint:
        return SubscriptionStatus.ACTIVE
    return _started(new.status)


def _locked(by: Actor, subscription_id: UUID) -> Subscription | None:
    own = Subscription.objects.made_by(by).select_for_update()
    return own.filter(pk=subscription_id).first()
