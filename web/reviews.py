"""The reviewers' pages: proposals of hosts, the oldest first, and reviews that fall due."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.members import has_role
from communities import editing, listing
from communities.capacity import number_placed, number_waiting
from communities.directory import (
    communities_for_review,
    listed_community,
    review_queue,
    reviews_due,
)
from communities.facts import FactsRefused, stated
from communities.models import Community, Listing, ListingReason, ReviewRole, Revision
from communities.previewing import changes_of, tier_with
from communities.selectors import moderation_of
from communities.tiers import tier_of
from web import words
from web.fact_words import FACTS, in_words
from web.sign_in import REVIEWERS
from web.staff import for_role

_ROLE_WORDS = {
    ReviewRole.CLINICAL: gettext_lazy("Clinical reviewer"),
    ReviewRole.LIVED_EXPERIENCE: gettext_lazy("Lived-experience reviewer"),
}
_LONGEST = 500
_MOST = 20


@for_role(*REVIEWERS)
def queue(request: HttpRequest, actors: list[Actor]) -> HttpResponse:
    """What waits for a reviewer."""
    day = localdate(timezone.now())
    actor = actors[0]
    due = list(reviews_due(actor, day=day))
    name = request.GET.get("name", "").replace("\x00", "").strip()[:100]
    every = communities_for_review(actor)
    context = {
        "waiting": [_row(revision, day) for revision in review_queue(actor)],
        "overdue": [each for each in due if each.review_due and each.review_due < day],
        "due_soon": [each for each in due if each.review_due and each.review_due >= day],
        "suspended": [
            (row, words.LISTING_REASONS.get(row.listing_reason, ""))
            for row in every.filter(listing=Listing.SUSPENDED)
        ],
        "name": name,
        "found": every.filter(listing=Listing.LISTED, name__icontains=name)[:_MOST] if name else [],
    }
    return render(request, "reviews/queue.html", context)


@for_role(*REVIEWERS)
def revision(request: HttpRequest, actors: list[Actor], revision_id: UUID) -> HttpResponse:
    """One proposal: what would change, and signing or rejecting it."""
    actor = actors[0]
    found = review_queue(actor).filter(pk=revision_id).first()
    if found is None:
        raise Http404
    error = ""
    if request.method == "POST":
        error = _decide(request, found, actor)
        if not error:
            return redirect("reviews")
    day = localdate(timezone.now())
    context = {
        **_row(found, day),
        "facts": _facts_with(found),
        "changes": [
            (
                FACTS[each.name].label,
                in_words(each.name, each.old),
                in_words(each.name, each.new),
                each,
            )
            for each in changes_of(found)
        ],
        "roles": [(role, _ROLE_WORDS[role]) for role in _open_roles(found, actor)],
        "is_draft": found.community.listing == Listing.DRAFT,
        "is_public": listed_community(found.community.key, day=day) is not None,
        "note": request.POST.get("note", ""),
        "error": error,
        "errors": [("note", error)] if error else [],
    }
    return render(request, "reviews/revision.html", context, status=422 if error else 200)


@for_role(*REVIEWERS)
def suspend(request: HttpRequest, actors: list[Actor], key: str) -> HttpResponse:
    """Take a community out of the directory at once, or list a suspended one again."""
    actor = actors[0]
    community = communities_for_review(actor).filter(key=key).first()
    if community is None or community.listing not in (Listing.LISTED, Listing.SUSPENDED):
        raise Http404
    error, may_suspend = "", community.listing == Listing.LISTED or _is_own_pause(community)
    if request.method == "POST":
        error = _change_listing(request, community, actor)
        if not error:
            return redirect("reviews")
    context = {
        "community": community,
        "is_suspended": community.listing == Listing.SUSPENDED,
        "is_own_pause": _is_own_pause(community),
        "reasons": [
            (code, word)
            for code, word in words.LISTING_REASONS.items()
            if code != ListingReason.HOST_ASKED or not _is_own_pause(community)
        ],
        "note": request.POST.get("note", ""),
        "reason": words.LISTING_REASONS.get(community.listing_reason, ""),
        "placed": number_placed(community.pk),
        "waiting": number_waiting(community.pk),
        "error": error,
        "errors": [("reason-1" if may_suspend else "note", error)] if error else [],
    }
    return render(request, "reviews/suspend.html", context, status=422 if error else 200)


def _row(found: Revision, day: date) -> dict[str, Any]:
    """What a proposal does to the tier: as it was agreed to, as it counts now, and as it would be."""
    community = found.community
    now = tier_of(moderation_of(community), on=day)
    before = tier_with(community, found.before) if found.before else now
    after = tier_with(community, found.facts)
    return {
        "revision": found,
        "community": community,
        "before": words.TIERS[before],
        "now": words.TIERS[now],
        "after": words.TIERS[after],
        "is_lowered": bool(found.at_once),
        "is_other_tier": before != after,
        "signed": [(_ROLE_WORDS[ReviewRole(each.role)], each) for each in found.sign_offs.all()],
    }


def _facts_with(found: Revision) -> list[tuple[object, str]]:
    """Everything that would be stated of the community, in words: all of it is renewed."""
    facts = stated(found.community) | found.facts
    return [(fact.label, in_words(name, facts[name])) for name, fact in FACTS.items()]


def _is_own_pause(community: Community) -> bool:
    return community.listing_reason == ListingReason.HOST_ASKED


def _open_roles(found: Revision, actor: Actor) -> list[ReviewRole]:
    """In which capacities somebody may still sign; who has signed in one may not in the other."""
    signed = {each.role: str(each.by_id) for each in found.sign_offs.all()}
    if actor.id in signed.values():
        return []
    return [
        role
        for role in ReviewRole
        if role not in signed and has_role(actor, editing.REVIEWERS[role])
    ]


def _decide(request: HttpRequest, found: Revision, actor: Actor) -> str:
    """Sign or reject; says what is wrong, or nothing."""
    at, note = timezone.now(), request.POST.get("note", "").replace("\x00", "").strip()[:_LONGEST]
    name = found.community.name
    try:
        if request.POST.get("decision") == "reject":
            if not note:
                return _("Say why you reject it: its host is shown what you write.")
            editing.reject(revision_id=_id(found), reason=note, by=actor, at=at)
            messages.success(
                request, _("You have rejected a proposal for %(name)s.") % {"name": name}
            )
        else:
            role = request.POST.get("role", "")
            if role not in ReviewRole.values:
                return _("Choose whether to sign or to reject.")
            signed = editing.sign_off(
                revision_id=_id(found), role=ReviewRole(role), by=actor, at=at, note=note
            )
            said = (
                _("It counts from now on.")
                if signed.settled_at
                else _("Another person has to sign, too.")
            )
            messages.success(
                request, _("You have signed for %(name)s.") % {"name": name} + f" {said}"
            )
    except editing.MayNotReview:
        return _(
            "You cannot sign this: you work for its host, you proposed it, or you have signed."
        )
    except (editing.AlreadySettled, editing.NotTheirCommunity):
        messages.info(request, _("Somebody else has settled this proposal in the meantime."))
    except FactsRefused as refused:
        return _("It cannot stand as it is: %(facts)s.") % {"facts": ", ".join(refused.errors)}
    return ""


def _change_listing(request: HttpRequest, community: Community, actor: Actor) -> str:
    at, name = timezone.now(), {"name": community.name}
    note = request.POST.get("note", "").replace("\x00", "").strip()[:_LONGEST]
    try:
        # What was sent decides: whoever suspends what another has just suspended lists nothing again.
        if "reason" not in request.POST and community.listing == Listing.SUSPENDED:
            listing.resume(community_id=community.pk, by=actor, at=at, note=note)
            messages.success(request, _("%(name)s is listed again.") % name)
            return ""
        reason = request.POST.get("reason", "")
        if reason not in ListingReason.values:
            return _("Choose why.")
        listing.suspend(community_id=community.pk, reason=ListingReason(reason), by=actor, at=at)
        messages.success(
            request, _("%(name)s is suspended. Open offers are being recalled.") % name
        )
    except listing.NotListed:
        messages.info(request, _("Somebody else has changed this listing in the meantime."))
    except listing.NoteMissing:
        return _("Say why it may be listed again: this is kept.")
    except editing.MayNotReview:
        return _("You cannot do this: you work for its host.")
    return ""


def _id(row: Model) -> UUID:
    return UUID(str(row.pk))
