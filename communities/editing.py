"""Changing what the directory says: hosts propose, two people sign, and what promises less counts at once.

A community is listed, and its review renewed, by a clinical and a lived-experience reviewer: two people of the operator,
neither of them from the host. A review lasts a year at the most (tier C asks for a yearly one).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import Actor
from accounts.members import has_role, works_for
from accounts.models import Organisation, Role
from audit.models import Action
from audit.recording import record
from communities import facts as stating
from communities.hours import follows_from
from communities.models import (
    Area,
    Community,
    Listing,
    ReviewRole,
    Revision,
    RevisionState,
    SignOff,
)
from communities.previewing import agreed, last_proposal
from communities.promises import lessened
from communities.tiers import Cover, ModeratedBy, ModerationModel
from communities.value_sets import Format, Kind, State

REVIEW_LASTS = timedelta(days=365)
REVIEWERS = {
    ReviewRole.CLINICAL: Role.CLINICAL_REVIEWER,
    ReviewRole.LIVED_EXPERIENCE: Role.LIVED_EXPERIENCE_REVIEWER,
}
_REVIEWED_BY = "A clinical reviewer and a lived-experience reviewer"


class NotTheirCommunity(Exception):
    """Somebody who is no coordinator of the community's host, or there is no such community or revision."""


class MayNotReview(Exception):
    """Somebody who has not this reviewer's role, works for the host, or has signed in the other capacity."""


class AlreadySettled(Exception):
    """The revision was approved, rejected or withdrawn before, or its community is closed for good."""


@transaction.atomic
def propose_community(*, host: UUID, facts: Mapping[str, Any], by: Actor, at: datetime) -> Revision:
    """A host's new community, as a draft that nobody is shown, with its facts to be signed off.

    Raises NotTheirCommunity and FactsRefused.
    """
    if not has_role(by, Role.COMMUNITY_COORDINATOR) or by.organisation_id != host:
        raise NotTheirCommunity
    identity = uuid4()
    draft = Community(
        id=identity,
        key=f"h{identity.hex[:15]}",
        host=Organisation.objects.get(pk=host),
        kind=Kind.UNKNOWN,
        format=Format.UNKNOWN,
        state=State.OPEN,
        moderated_by=ModeratedBy.UNKNOWN,
        moderation_model=ModerationModel.UNKNOWN,
        cover=Cover.UNKNOWN,
        updated_at=at,
    )
    kept = stating.checked(facts, of=draft, day=localdate(at))
    stating.check_drafts(draft.host)
    draft.name, draft.summary = kept["name"], kept["summary"]
    draft.save(force_insert=True)
    return _propose(draft, kept, before={}, by=by, at=at)


@transaction.atomic
def propose_revision(
    *, community_id: UUID, facts: Mapping[str, Any], by: Actor, at: datetime
) -> Revision:
    """State facts anew, or attest those that stand with none; an open proposal of before becomes part of this one.

    Facts that promise less than before count from now on. Raises NotTheirCommunity, AlreadySettled and FactsRefused.
    """
    community = _own_community(community_id, by)
    if community.listing == Listing.CLOSED:
        raise AlreadySettled
    earlier = last_proposal(community)
    together = {**(earlier.facts if earlier else {}), **facts}
    kept = stating.checked(together, of=community, day=localdate(at))
    less, before = {}, {}
    if community.listing != Listing.DRAFT:
        standing, reviewed = stating.stated(community), agreed(community)
        less = lessened(standing, kept)
        before = {name: reviewed[name] for name in lessened(reviewed, standing | kept)}
    if earlier and earlier.state == RevisionState.PROPOSED:
        _settle(earlier, RevisionState.WITHDRAWN, by=by, at=at)
    revision = _propose(community, kept, before=before, by=by, at=at)
    if less:
        _write(community, less, by=by, at=at)
    return revision


@transaction.atomic
def sign_off(
    *, revision_id: UUID, role: ReviewRole, by: Actor, at: datetime, note: str = ""
) -> Revision:
    """Agree to a revision. With the second agreement its facts count, and the community is listed for a year.

    Signing again changes nothing. Raises MayNotReview, AlreadySettled, NotTheirCommunity and FactsRefused.
    """
    revision = _open_revision(revision_id)
    _check_reviewer(revision, role, by)
    signed = {each.role: str(each.by_id) for each in revision.sign_offs.all()}
    if signed.get(role) == by.id:
        return revision
    if role in signed or by.id in signed.values():
        raise MayNotReview
    SignOff.objects.create(revision=revision, role=role, by_id=by.id, at=at, note=note[:500])
    record(
        Action.REVISION_SIGNED,
        by=by,
        at=at,
        target=f"Revision/{revision.pk}",
        detail={"role": role},
    )
    if {role, *signed} == set(ReviewRole):
        _approve(revision, by=by, at=at)
    return revision


@transaction.atomic
def reject(*, revision_id: UUID, reason: str, by: Actor, at: datetime) -> Revision:
    """Refuse a revision, for a reason that the host is shown; what counted at once goes on to count.

    Raises MayNotReview, AlreadySettled and NotTheirCommunity.
    """
    revision = _open_revision(revision_id)
    for role in ReviewRole:
        if has_role(by, REVIEWERS[role]):
            _check_reviewer(revision, role, by)
            _settle(revision, RevisionState.REJECTED, by=by, at=at, reason=reason[:500])
            return revision
    raise MayNotReview


@transaction.atomic
def withdraw(*, revision_id: UUID, by: Actor, at: datetime) -> Revision:
    """Take an own proposal back; what counted at once goes on to count. Raises NotTheirCommunity and AlreadySettled."""
    revision = _open_revision(revision_id)
    _own_community(revision.community_id, by)
    _settle(revision, RevisionState.WITHDRAWN, by=by, at=at)
    return revision


def _approve(revision: Revision, *, by: Actor, at: datetime) -> None:
    day = localdate(at)
    community = Community.objects.get(pk=revision.community_id)
    if community.listing == Listing.CLOSED:
        raise AlreadySettled
    kept = stating.checked(revision.facts, of=community, day=day)
    community.reviewed_on, community.review_due = day, day + REVIEW_LASTS
    community.reviewed_by = _REVIEWED_BY
    # What is suspended stays so: why it was is a question of its own.
    is_new = community.listing == Listing.DRAFT
    if is_new:
        community.listing = Listing.LISTED
    _write(community, kept, by=by, at=at)
    _settle(revision, RevisionState.APPROVED, by=by, at=at)
    if is_new:
        record(Action.COMMUNITY_LISTED, by=by, at=at, target=f"Community/{community.pk}")


def _write(community: Community, facts: stating.Facts, *, by: Actor, at: datetime) -> None:
    """Write facts into a community, with what follows from them; the audit names the facts."""
    columns = stating.as_columns(facts)
    if "moderator_hours" in facts:
        columns |= follows_from(facts["moderator_hours"])
    for name, value in columns.items():
        setattr(community, name, value)
    community.updated_at = at
    community.save()
    if "conditions" in facts:
        community.conditions.set(facts["conditions"])
    if "areas" in facts:
        community.areas.set(Area.objects.filter(place__in=facts["areas"]))
    if "practices" in facts:
        community.practices.set(Organisation.objects.filter(ods_code__in=facts["practices"]))
    record(
        Action.COMMUNITY_CHANGED,
        by=by,
        at=at,
        target=f"Community/{community.pk}",
        detail={"facts": " ".join(sorted(facts))},
    )


def _propose(
    community: Community, facts: dict[str, Any], *, before: dict[str, Any], by: Actor, at: datetime
) -> Revision:
    revision = Revision.objects.create(
        community=community,
        facts=facts,
        at_once=sorted(before),
        before=before,
        proposed_by_id=by.id,
        proposed_at=at,
    )
    record(Action.REVISION_PROPOSED, by=by, at=at, target=f"Revision/{revision.pk}")
    return revision


def _settle(
    revision: Revision, state: RevisionState, *, by: Actor, at: datetime, reason: str = ""
) -> None:
    revision.state, revision.reason = state, reason
    revision.settled_by_id, revision.settled_at = UUID(by.id), at
    revision.save(update_fields=["state", "reason", "settled_by", "settled_at"])
    if action := _SETTLED.get(state):
        record(action, by=by, at=at, target=f"Revision/{revision.pk}")


_SETTLED = {
    RevisionState.REJECTED: Action.REVISION_REJECTED,
    RevisionState.WITHDRAWN: Action.REVISION_WITHDRAWN,
}


def _own_community(community_id: UUID, by: Actor) -> Community:
    """A community of the host that a coordinator acts for, locked."""
    rows = Community.objects.select_for_update().filter(pk=community_id)
    community = rows.filter(host_id=by.organisation_id).first()
    if community is None or not has_role(by, Role.COMMUNITY_COORDINATOR):
        raise NotTheirCommunity
    return community


def _open_revision(revision_id: UUID) -> Revision:
    """A proposal that waits, locked after its community, as everywhere."""
    Community.objects.select_for_update().filter(revisions=revision_id).first()
    revision = Revision.objects.select_for_update().filter(pk=revision_id).first()
    if revision is None:
        raise NotTheirCommunity
    if revision.state != RevisionState.PROPOSED:
        raise AlreadySettled
    return revision


def _check_reviewer(revision: Revision, role: ReviewRole, by: Actor) -> None:
    if not has_role(by, REVIEWERS[role]):
        raise MayNotReview
    if works_for(by, revision.community.host_id) or str(revision.proposed_by_id) == by.id:
        raise MayNotReview
