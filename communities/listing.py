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

# Instead of who has reviewed a listing that stands for demonstration only.
NOT_CHECKED = "Not checked yet by a person (demonstration)"
_OPERATOR = (Role.CLINICAL_REVIEWER, Role.LIVED_EXPERIENCE_REVIEWER)
_OF_REVIEWERS = tuple(each for each in ListingReason if each != ListingReason.HOST_ASKED)
_LONGEST_NOTE = 500


class NotListed(Exception):
    """The community is not in the state that this goes on from."""


class NoteMissing(Exception):
    """A reviewer has not said why a community may be listed again."""


def suspend(*, community_id: UUID, reason: ListingReason, by: Actor, at: datetime) -> Community:
    """Offer a listed community no more for now, and recall the offers that are open; again: nothing changes.

    A reviewer of the operator may, for any reason, and the host's coordinator, whose reason is that the host asked.
    A reviewer's reason takes the place of a host's own pause, which the host then cannot end any more. Raises
    NotTheirCommunity, MayNotReview and NotListed.
    """
    return _take_out(community_id, Listing.SUSPENDED, reason=reason, by=by, at=at)


def close(*, community_id: UUID, reason: ListingReason, by: Actor, at: datetime) -> Community:
    """End a community's listing for good. Who may, and what it raises: as to ``suspend``, but from any state."""
    return _take_out(community_id, Listing.CLOSED, reason=reason, by=by, at=at)


@transaction.atomic
def resume(*, community_id: UUID, by: Actor, at: datetime, note: str = "") -> Community:
    """List a suspended community again; with its review overdue it waits for one before it is offered.

    What the host asked for only the host's coordinator ends; anything else only a reviewer who does not work for the
    host, with a note of why. Raises NotTheirCommunity, MayNotReview, NoteMissing and NotListed.
    """
    community = _locked(community_id, by)
    if community.listing != Listing.SUSPENDED:
        raise NotListed
    if community.listing_reason == ListingReason.HOST_ASKED:
        if not _is_host(by, community):
            raise MayNotReview
    elif not _is_reviewer(by) or works_for(by, community.host_id):
        raise MayNotReview
    elif not note.strip():
        raise NoteMissing
    _set(community, Listing.LISTED, reason="", note=note.strip()[:_LONGEST_NOTE], by=by, at=at)
    record(Action.COMMUNITY_LISTED, by=by, at=at, target=f"Community/{community.pk}")
    return community


@transaction.atomic
def _take_out(
    community_id: UUID, to: Listing, *, reason: ListingReason, by: Actor, at: datetime
) -> Community:
    community = _locked(community_id, by)
    if not _is_reviewer(by) and reason != ListingReason.HOST_ASKED:
        raise MayNotReview
    if community.listing == to and community.listing_reason in (reason, *_OF_REVIEWERS):
        return community
    if community.listing not in (Listing.LISTED, to) and to == Listing.SUSPENDED:
        raise NotListed
    _set(community, to, reason=reason, note="", by=by, at=at)
    action = Action.COMMUNITY_CLOSED if to == Listing.CLOSED else Action.COMMUNITY_SUSPENDED
    target = f"Community/{community.pk}"
    record(action, by=by, at=at, target=target, detail={"reason": reason})
    enqueue(JobKind.RECALL, tenant_id=community.host_id, at=at, community_id=str(community.pk))
    return community


def _set(
    community: Community, listing: Listing, *, reason: str, note: str, by: Actor, at: datetime
) -> None:
    community.listing, community.listing_reason, community.listing_note = listing, reason, note
    community.listing_by, community.listing_at, community.updated_at = by.label, at, at
    community.save(
        update_fields=["listing", "listing_reason", "listing_note", "listing_by", "listing_at"]
        + ["updated_at"]
    )


def _is_reviewer(by: Actor) -> bool:
    return any(has_role(by, role) for role in _OPERATOR)


def _is_host(by: Actor, community: Community) -> bool:
    return community.host_id == by.organisation_id and has_role(by, Role.COMMUNITY_COORDINATOR)


def _locked(community_id: UUID, by: Actor) -> Community:
    community = Community.objects.select_for_update().filter(pk=community_id).first()
    if community is None or not (_is_host(by, community) or _is_reviewer(by)):
        raise NotTheirCommunity
    return community
