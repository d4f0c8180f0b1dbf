"""Taking a community out of the directory and back: for a while, or for good. Whoever was offered it hears of it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from accounts.members import has_role, works_for
from accounts.models import Role
from audit.models import Action
from audit.recording import record
from communities.editing import MayNotReview, NotTheirCommunity
from communities.models import Community, Listing, ListingReason
from jobs.models import JobKind
from jobs.queue import enqueue

_OPERATOR = (Role.CLINICAL_REVIEWER, Role.LIVED_EXPERIENCE_REVIEWER)


class NotListed(Exception):
    """The community is not in the state that this goes on from."""


def suspend(*, community_id: UUID, reason: ListingReason, by: Actor, at: datetime) -> Community:
    """Offer a listed community no more for now, and recall the offers that are open; again: nothing changes.

    A reviewer of the operator may, for any reason, and the host's coordinator, whose reason is that the host asked.
    Raises NotTheirCommunity, MayNotReview and NotListed.
    """
    return _take_out(community_id, Listing.SUSPENDED, reason=reason, by=by, at=at)


def close(*, community_id: UUID, reason: ListingReason, by: Actor, at: datetime) -> Community:
    """End a community's listing for good. Who may, and what it raises: as to ``suspend``, but from any state."""
    return _take_out(community_id, Listing.CLOSED, reason=reason, by=by, at=at)


@transaction.atomic
def resume(*, community_id: UUID, by: Actor, at: datetime) -> Community:
    """List a suspended community again; with its review overdue it waits for one before it is offered.

    A reviewer of the operator may; whoever works for the host only where the host asked for it. Raises NotTheirCommunity, MayNotReview and
    NotListed.
    """
    community = _locked(community_id, by)
    if community.listing != Listing.SUSPENDED:
        raise NotListed
    is_partial = not _is_reviewer(by) or works_for(by, community.host_id)
    if is_partial and community.listing_reason != ListingReason.HOST_ASKED:
        raise MayNotReview
    _set(community, Listing.LISTED, reason="", at=at)
    record(Action.COMMUNITY_LISTED, by=by, at=at, target=f"Community/{community.pk}")
    return community


@transaction.atomic
def _take_out(
    community_id: UUID, to: Listing, *, reason: ListingReason, by: Actor, at: datetime
) -> Community:
    community = _locked(community_id, by)
    if not _is_reviewer(by) and reason != ListingReason.HOST_ASKED:
        raise MayNotReview
    if community.listing == to:
        return community
    if community.listing != Listing.LISTED and to == Listing.SUSPENDED:
        raise NotListed
    _set(community, to, reason=reason, at=at)
    action = Action.COMMUNITY_CLOSED if to == Listing.CLOSED else Action.COMMUNITY_SUSPENDED
    target = f"Community/{community.pk}"
    record(action, by=by, at=at, target=target, detail={"reason": reason})
    enqueue(JobKind.RECALL, tenant_id=community.host_id, at=at, community_id=str(community.pk))
    return community


def _set(community: Community, listing: Listing, *, reason: str, at: datetime) -> None:
    community.listing, community.listing_reason, community.updated_at = listing, reason, at
    community.save(update_fields=["listing", "listing_reason", "updated_at"])


def _is_reviewer(by: Actor) -> bool:
    return any(has_role(by, role) for role in _OPERATOR)


def _locked(community_id: UUID, by: Actor) -> Community:
    community = Community.objects.select_for_update().filter(pk=community_id).first()
    is_own = (
        community is not None
        and community.host_id == by.organisation_id
        and has_role(by, Role.COMMUNITY_COORDINATOR)
    )
    if community is None or not (is_own or _is_reviewer(by)):
        raise NotTheirCommunity
    return community
