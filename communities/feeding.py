"""What another directory says of communities: leads, drafts and proposals, which two people sign before anybody sees them.

A feed may only speak of the services that it brought. What it states anew is proposed by its own account, as a host's
coordinator would; what it did not change since it was last read is not proposed again, so that it never undoes what
the host or a reviewer decided in between.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.actors import SYSTEM, Actor, member_actor
from accounts.models import Membership, Organisation, OrganisationKind, Role, User
from audit.models import Action
from audit.recording import record
from communities import facts as stating
from communities.editing import (
    AlreadySettled,
    NotTheirCommunity,
    propose_community,
    propose_revision,
)
from communities.facts import NEEDED, FactsRefused
from communities.models import Community, Feed, FeedRow, Listing
from communities.models.tier_column import UNNAMED_HOST

HOST = "host"
_NOT_LINKED = "This host is known here; link it (docs/open-referral.md)."
_ACCOUNTS = "feeds.invalid"  # RFC 2606: mail to it goes nowhere


class Outcome(StrEnum):
    """What became of a service."""

    DRAFT = "new: a draft with a proposal"
    LEAD = "leads: not enough is stated for a draft"
    PROPOSAL = "changed: a proposal for the reviewers"
    UNCHANGED = "unchanged"
    OURS = "already here, not from this feed"
    REFUSED = "cannot stand"
    CLOSED = "closed here for good"


@dataclass(frozen=True)
class Service:
    """A service of a feed. ``host`` is its organisation's name, ``facts`` those that it states and no others."""

    id: UUID
    host: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Taken:
    """What became of a service. ``names``: the facts that it lacks, that differ, or that count at once.

    ``errors``: what is wrong with which facts.
    """

    outcome: Outcome
    names: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)


def opened(source: str, *, at: datetime) -> Feed:
    """The feed of this source, with an account of its own when it is read for the first time."""
    feed = Feed.objects.select_for_update().filter(source=source).first()
    if feed is None:
        feed = Feed(source=source, read_at=at)
        address = f"{feed.pk.hex}@{_ACCOUNTS}"
        feed.account = User.objects.create_user(address, is_active=False)
    feed.read_at = at
    feed.save()
    return feed


def known_services(source: str) -> frozenset[UUID]:
    """The ids of the services that this feed brought before."""
    rows = FeedRow.objects.filter(feed__source=source)
    return frozenset(rows.values_list("service_id", flat=True))


def rows_of(feed: Feed) -> dict[UUID, FeedRow]:
    """What is known of each of its services."""
    rows = feed.rows.select_related("community__host")
    return {row.service_id: row for row in rows.iterator()}


def take(feed: Feed, service: Service, *, known: FeedRow | None, at: datetime) -> Taken:
    """Bring what is known of a service up to what the feed says now."""
    if known is None and (ours := Community.objects.filter(pk=service.id).first()):
        stands = stating.stated(ours)
        differing = {
            name for name, value in service.facts.items() if _set(value) != _set(stands[name])
        }
        return Taken(Outcome.OURS, sorted(differing))
    row = known or FeedRow(feed=feed, service_id=service.id)
    try:
        taken = _revised(row, service, at=at) if row.community else _begun(row, service, at=at)
    except FactsRefused as refused:
        taken = Taken(Outcome.REFUSED, errors=refused.errors)
    except AlreadySettled:
        taken = Taken(Outcome.CLOSED)
    except NotTheirCommunity:
        why = "The account of this feed is no coordinator of the host any more."
        taken = Taken(Outcome.REFUSED, errors={HOST: [why]})
    is_news = (row.facts, row.host) != (service.facts, service.host)
    if row.missing_since or row.pk is None or is_news or taken.outcome is Outcome.DRAFT:
        row.missing_since = None
        # What is refused of a community that is here stays news until it can stand.
        if not (row.community and taken.outcome is Outcome.REFUSED):
            row.facts, row.host = service.facts, service.host
        row.save()
    return taken


def flag_missing(
    rows: Collection[FeedRow], *, seen: Collection[UUID], at: datetime
) -> list[FeedRow]:
    """Flag those that the feed no longer has, and give them. Nothing is deleted, and what is listed stays listed."""
    missing = [row for row in rows if row.service_id not in seen]
    for row in missing:
        if row.missing_since is None:
            row.missing_since = at
            row.save(update_fields=["missing_since"])
    return missing


def is_listed(row: FeedRow) -> bool:
    """Whether people are shown what came of a feed's service."""
    return row.community is not None and row.community.listing == Listing.LISTED


def _set(value: Any) -> Any:
    """A fact to compare; those in a list have no order."""
    return sorted(value) if isinstance(value, list) else value


def _begun(row: FeedRow, service: Service, *, at: datetime) -> Taken:
    lacking = [name for name in NEEDED if not service.facts.get(name)]
    if service.host.strip().casefold() in ("", UNNAMED_HOST):
        lacking.append(HOST)
    if lacking:
        return Taken(Outcome.LEAD, lacking)
    with transaction.atomic():
        host = _host(service.host, feed=row.feed)
        if host is None:
            return Taken(Outcome.REFUSED, errors={HOST: [_NOT_LINKED]})
        by = _speaking_for(host, feed=row.feed, at=at)
        assert by.organisation_id  # noqa: S101  (a member's actor has one)
        revision = propose_community(host=by.organisation_id, facts=service.facts, by=by, at=at)
    row.community = revision.community
    return Taken(Outcome.DRAFT)


def _revised(row: FeedRow, service: Service, *, at: datetime) -> Taken:
    assert row.community  # noqa: S101  (asked for before)
    news = {
        name: value
        for name, value in service.facts.items()
        if name not in row.facts or _set(value) != _set(row.facts[name])
    }
    if not news:
        return Taken(Outcome.UNCHANGED)
    by = member_actor(row.feed.account, organisation=row.community.host)
    revision = propose_revision(community_id=row.community.pk, facts=news, by=by, at=at)
    return Taken(Outcome.PROPOSAL, revision.at_once)


def _host(name: str, *, feed: Feed) -> Organisation | None:
    """The host of this name, made when it is new. None: another way brought it, and nobody has linked the feed to it."""
    known = Organisation.objects.filter(kind=OrganisationKind.HOST, name__iexact=name)
    if not known:
        return Organisation.objects.create(kind=OrganisationKind.HOST, name=name)
    linked = feed.account.memberships.filter(
        role=Role.COMMUNITY_COORDINATOR, organisation__in=known
    )
    first = linked.select_related("organisation").order_by("pk").first()
    return first.organisation if first else None


def _speaking_for(host: Organisation, *, feed: Feed, at: datetime) -> Actor:
    """The feed's account as a coordinator of the host."""
    _membership, is_new = Membership.objects.get_or_create(
        user=feed.account, organisation=host, role=Role.COMMUNITY_COORDINATOR
    )
    if is_new:
        record(
            Action.MEMBER_ADDED,
            by=SYSTEM,
            at=at,
            target=f"User/{feed.account_id}",
            detail={"role": Role.COMMUNITY_COORDINATOR, "organisation": str(host.pk)},
        )
    return member_actor(feed.account, organisation=host)
