"""What would be of a community if a proposal were agreed to: the values that change, and the tier."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from communities.facts import Facts, as_columns, stated
from communities.hours import follows_from
from communities.models import Community, Listing, Revision, RevisionState
from communities.selectors import moderation_of
from communities.tiers import Evidence, Tier, missing_for, tier_of

_BETTER = {Tier.U: Tier.C, Tier.D: Tier.C, Tier.C: Tier.B, Tier.B: Tier.A}


@dataclass(frozen=True)
class Change:
    """One fact as it was agreed to and as it is proposed; ``is_at_once``: it promises less, and so counts already."""

    name: str
    old: Any
    new: Any
    is_at_once: bool


def changes_of(revision: Revision) -> list[Change]:
    """What a proposal would change, and what it has changed at once."""
    standing = stated(revision.community)
    return [
        Change(name, (standing | revision.before)[name], value, is_at_once=name in revision.at_once)
        for name, value in (standing | revision.facts).items()
        if name in revision.at_once or value != standing[name]
    ]


def agreed(community: Community) -> dict[str, Any]:
    """Every fact as reviewers have last agreed to it: what counts only because it promises less is left out."""
    revisions = community.revisions.order_by("-proposed_at", "-pk")
    facts = stated(community)
    for revision in takewhile(_is_not_approved, revisions):
        facts |= revision.before
    return facts


def lowered_among(ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the communities of which something promises less than what reviewers have agreed to."""
    approved = Revision.objects.filter(
        community=OuterRef("community"),
        state=RevisionState.APPROVED,
        settled_at__gte=OuterRef("proposed_at"),
    )
    rows = Revision.objects.filter(~Exists(approved), community__in=list(ids)).exclude(at_once=[])
    return frozenset(rows.values_list("community_id", flat=True))


def _is_not_approved(revision: Revision) -> bool:
    return revision.state != RevisionState.APPROVED


def tier_with(community: Community, facts: Facts) -> Tier:
    """The tier that a community would have with these facts and a review of now."""
    columns = as_columns(facts)
    if "moderator_hours" in facts:
        columns |= follows_from(facts["moderator_hours"])
    changed = copy(community)
    for name, value in columns.items():
        setattr(changed, name, value)
    return tier_of(moderation_of(changed))


def next_tier(community: Community, *, day: date) -> tuple[Tier, list[Evidence]] | None:
    """The tier above a community's, and what it takes to reach it; None at the top."""
    moderation = moderation_of(community)
    tier = tier_of(moderation, on=day)
    if tier is Tier.U and tier_of(moderation) is not Tier.U:  # only its review has lapsed
        better = tier_of(moderation)
    else:
        better = _BETTER.get(tier, Tier.A)
    missing = missing_for(moderation, better, on=day)
    return (better, missing) if missing else None


def last_stated(community: Community) -> dict[str, Any]:
    """Every fact as its host has stated it last, whether or not anybody has agreed to it yet."""
    proposal = last_proposal(community)
    return stated(community) | (proposal.facts if proposal else {})


def last_proposal(community: Community) -> Revision | None:
    """The open proposal; of a draft, which holds no facts itself, the last one whatever became of it."""
    revisions = community.revisions.order_by("-proposed_at", "-pk")
    if community.listing != Listing.DRAFT:
        revisions = revisions.filter(state=RevisionState.PROPOSED)
    return revisions.first()
