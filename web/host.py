"""The pages of a community's host: its communities, stating facts, places, attesting, pausing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.models import Role
from communities import editing, listing
from communities.capacity import Statement, capacity_of, number_placed, number_waiting
from communities.directory import DUE_SOON, communities_of_host
from communities.facts import FactsRefused
from communities.facts import stated as facts_of
from communities.models import CapacityState, Community, Listing, ListingReason
from communities.previewing import changes_of, last_proposal, last_stated, next_tier, tier_with
from communities.selectors import conditions, moderation_of
from communities.tiers import tier_of
from privacy.tenancy import acting_for
from referrals.placing import state_places
from web import words
from web.fact_forms import changed, controls, read
from web.fact_words import FACTS, in_words
from web.staff import for_role

COORDINATOR = Role.COMMUNITY_COORDINATOR
MOST_PLACES = 1_000_000
_EMPTY: tuple[object, ...] = ("", None, [])
_LISTINGS = {
    Listing.DRAFT: gettext_lazy("Not listed yet"),
    Listing.LISTED: gettext_lazy("Listed"),
    Listing.SUSPENDED: gettext_lazy("Suspended"),
    Listing.CLOSED: gettext_lazy("Closed"),
}
_ROOM = {
    CapacityState.CAPACITY: gettext_lazy("There are places"),
    CapacityState.NO_CAPACITY: gettext_lazy("Full"),
    CapacityState.WAITLIST: gettext_lazy("Full, with a waiting list"),
    CapacityState.ASSESSMENT: gettext_lazy("There are places, after a talk"),
    CapacityState.UNKNOWN: gettext_lazy("Stated too long ago to count"),
}


@for_role(COORDINATOR)
def communities(request: HttpRequest, actors: list[Actor]) -> HttpResponse:
    """The communities of the hosts that somebody works for."""
    now = timezone.now()
    rows = [_state(row, now) for actor in actors for row in communities_of_host(actor)]
    return render(request, "host/communities.html", {"rows": rows})


@for_role(COORDINATOR)
def profile(request: HttpRequest, actors: list[Actor], key: str) -> HttpResponse:
    """How one community stands, and what can be done about it."""
    _actor, community = _own(actors, key)
    now = timezone.now()
    day, facts, proposal = localdate(now), last_stated(community), last_proposal(community)
    is_open = proposal is not None and proposal.settled_at is None
    settled = community.revisions.filter(settled_at__isnull=False).order_by("-settled_at", "-pk")
    better = next_tier(community, day=day)
    context = {
        **_state(community, now),
        "facts": [(fact.label, in_words(name, facts[name])) for name, fact in FACTS.items()],
        "proposal": proposal if is_open else None,
        "signed": [each.get_role_display() for each in proposal.sign_offs.all()]
        if proposal
        else [],
        "changes": [
            (FACTS[each.name].label, in_words(each.name, each.new), each.is_at_once)
            for each in (changes_of(proposal) if proposal and is_open else [])
        ],
        "last_settled": settled.first(),
        "better": better and words.TIERS[better[0]],
        "missing": [words.EVIDENCE[each] for each in better[1]] if better else [],
    }
    return render(request, "host/profile.html", context)


@for_role(COORDINATOR)
def edit(request: HttpRequest, actors: list[Actor], key: str) -> HttpResponse:
    """State the facts of a community anew."""
    actor, community = _own(actors, key)
    if community.listing == Listing.CLOSED:
        raise Http404
    before = last_stated(community)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        facts = changed(read(request.POST), before)
        if not facts:
            messages.info(request, _("Nothing has been changed, so nothing was sent."))
            return redirect("host-community", key=key)
        try:
            revision = editing.propose_revision(
                community_id=_id(community), facts=facts, by=actor, at=timezone.now()
            )
        except FactsRefused as refused:
            errors = refused.errors
        else:
            said = _("Your changes are with the reviewers.")
            if revision.at_once:
                said += " " + _("What promises less than before counts already.")
            messages.success(request, said)
            return redirect("host-community", key=key)
    sent = request.POST if errors else None
    return _form(request, before, sent=sent, errors=errors, context={"community": community})


@for_role(COORDINATOR)
def add(request: HttpRequest, actors: list[Actor]) -> HttpResponse:
    """Propose a community that is not in the directory yet."""
    actor, errors = actors[0], dict[str, list[str]]()
    if request.method == "POST":
        facts = {name: value for name, value in read(request.POST).items() if value not in _EMPTY}
        try:
            host = actor.organisation_id or UUID(int=0)
            revision = editing.propose_community(
                host=host, facts=facts, by=actor, at=timezone.now()
            )
        except FactsRefused as refused:
            errors = refused.errors
        else:
            messages.success(
                request, _("Your community is with the reviewers. Nobody is shown it yet.")
            )
            return redirect("host-community", key=revision.community.key)
    sent = request.POST if errors else None
    return _form(request, _NEW, sent=sent, errors=errors, context={})


@for_role(COORDINATOR)
def places(request: HttpRequest, actors: list[Actor], key: str) -> HttpResponse:
    """State how many places a community has."""
    actor, community = _own(actors, key)
    now, errors = timezone.now(), dict[str, str]()
    if request.method == "POST":
        statement, errors = _statement(request, localdate(now))
        if statement:
            with acting_for(community.host_id):
                state_places(community=community, statement=statement, by=actor, at=now)
            messages.success(request, _("Your places are noted."))
            return redirect("host-community", key=key)
    stated = capacity_of(community)
    total = "" if stated is None or stated.total is None else str(stated.total)
    context = {
        **_state(community, now),
        "stated": stated,
        "total": request.POST.get("total", total),
        "used": request.POST.get("used", str(stated.used) if stated else ""),
        "counted": stated.used if stated else "",
        "joined": number_placed(community.pk),
        "has_waiting_list": "has_waiting_list" in request.POST
        or (request.method == "GET" and stated is not None and stated.has_waiting_list),
        "needs_assessment": "needs_assessment" in request.POST
        or (request.method == "GET" and stated is not None and stated.needs_assessment),
        "error_of": errors,
        "errors": list(errors.items()),
    }
    return render(request, "host/places.html", context, status=422 if errors else 200)


@dataclass(frozen=True)
class Step:
    """Something that is done after it was asked whether it is meant."""

    heading: str | Promise
    text: str | Promise
    button: str | Promise
    done: str | Promise
    act: Callable[[Community, Actor, datetime], object]
    is_grave: bool = False
    shows_facts: bool = False


def confirm(request: HttpRequest, key: str, step: str) -> HttpResponse:
    """Ask whether a step is meant, then take it."""
    return _confirm(request, key=key, step=STEPS[step])


@for_role(COORDINATOR)
def _confirm(request: HttpRequest, actors: list[Actor], *, key: str, step: Step) -> HttpResponse:
    actor, community = _own(actors, key)
    if request.method == "POST":
        try:
            step.act(community, actor, timezone.now())
            messages.success(request, str(step.done))
        except (listing.NotListed, editing.AlreadySettled, editing.MayNotReview):
            messages.info(request, _("This is not possible any more, so nothing was changed."))
        except FactsRefused:
            messages.info(request, _("Some facts cannot stand any more: state them anew first."))
        return redirect("host-community", key=key)
    facts = facts_of(community)
    context = {
        "community": community,
        "step": step,
        "facts": [(fact.label, in_words(name, facts[name])) for name, fact in FACTS.items()],
        "placed": number_placed(community.pk),
        "waiting": number_waiting(community.pk),
    }
    return render(request, "host/confirm.html", context)


def _attest(community: Community, by: Actor, at: datetime) -> None:
    editing.propose_revision(community_id=_id(community), facts={}, by=by, at=at)


def _withdraw(community: Community, by: Actor, at: datetime) -> None:
    proposal = last_proposal(community)
    if proposal is None:
        raise editing.AlreadySettled
    editing.withdraw(revision_id=UUID(str(proposal.pk)), by=by, at=at)


def _pause(community: Community, by: Actor, at: datetime) -> None:
    listing.suspend(community_id=_id(community), reason=ListingReason.HOST_ASKED, by=by, at=at)


def _resume(community: Community, by: Actor, at: datetime) -> None:
    listing.resume(community_id=_id(community), by=by, at=at)


STEPS = {
    "attest": Step(
        heading=gettext_lazy("Say that everything is still right"),
        text=gettext_lazy(
            "You attest that every fact on the page of this community is still right. Two reviewers"
            " look at it; then it is listed for another year."
        ),
        button=gettext_lazy("Everything is still right"),
        done=gettext_lazy("Thank you. It is with the reviewers."),
        act=_attest,
        shows_facts=True,
    ),
    "withdraw": Step(
        heading=gettext_lazy("Take your changes back"),
        text=gettext_lazy(
            "The reviewers are not asked any more. What promises less than before goes on to count."
        ),
        button=gettext_lazy("Take them back"),
        done=gettext_lazy("Your changes are taken back."),
        act=_withdraw,
    ),
    "pause": Step(
        heading=gettext_lazy("Pause this community"),
        text=gettext_lazy(
            "From now on it is offered to nobody. Whoever was offered it, waits for it or has joined it"
            " through this service is offered something else. You can end the pause yourself, but"
            " nobody comes back by that."
        ),
        button=gettext_lazy("Pause it now"),
        done=gettext_lazy("The community is paused."),
        act=_pause,
        is_grave=True,
    ),
    "resume": Step(
        heading=gettext_lazy("End the pause"),
        text=gettext_lazy("The community is offered again, as long as its review is not overdue."),
        button=gettext_lazy("End the pause"),
        done=gettext_lazy("The pause is over."),
        act=_resume,
    ),
}
_NEW: dict[str, object] = {
    **dict.fromkeys(("kind", "format", "access", "anonymity", "search_visibility"), "unknown"),
    **dict.fromkeys(("data_need", "staffed_by", "moderated_by", "moderation_model"), "unknown"),
    "state": "open",
    "sex": "any",
    "time_zone": "Europe/London",
    "languages": ["en"],
    "areas": ["nation:UK"],
}


def _own(actors: list[Actor], key: str) -> tuple[Actor, Community]:
    """A community of somebody's hosts, and for which of them they act; any other is not there."""
    for actor in actors:
        found = communities_of_host(actor).select_related("capacity").filter(key=key).first()
        if found:
            return actor, found
    raise Http404


def _state(community: Community, now: datetime) -> dict[str, object]:
    day, due, stated = localdate(now), community.review_due, capacity_of(community)
    is_draft = community.listing == Listing.DRAFT
    tier = (
        tier_with(community, last_stated(community))
        if is_draft
        else tier_of(moderation_of(community), on=day)
    )
    return {
        "community": community,
        "tier": words.TIERS[tier],
        "listing": _LISTINGS[Listing(community.listing)],
        "is_listed": community.listing == Listing.LISTED,
        "is_draft": is_draft,
        "is_own_pause": community.listing_reason == ListingReason.HOST_ASKED
        and community.listing == Listing.SUSPENDED,
        "reason": words.LISTING_REASONS.get(community.listing_reason, ""),
        "is_overdue": bool(due and due < day),
        "is_due_soon": bool(due and day <= due <= day + DUE_SOON),
        "capacity": stated,
        "room": _ROOM[stated.state(day)] if stated else _("Nothing is stated: it counts as open"),
        "waiting": number_waiting(community.pk) if stated else 0,
    }


def _form(
    request: HttpRequest,
    values: dict[str, object],
    *,
    sent: object,
    errors: dict[str, list[str]],
    context: dict[str, object],
) -> HttpResponse:
    groups = controls(
        values,
        sent=request.POST if sent is not None else None,
        errors=errors,
        conditions=conditions(),
    )
    wrong = [
        (each.first_id, f"{each.fact.label}: {each.error}")
        for _group, fields in groups
        for each in fields
        if each.error
    ]
    context = {**context, "groups": groups, "errors": wrong}
    return render(request, "host/edit.html", context, status=422 if errors else 200)


def _statement(request: HttpRequest, day: date) -> tuple[Statement | None, dict[str, str]]:
    errors: dict[str, str] = {}
    numbers: dict[str, int | None] = {}
    for name in ("total", "used"):
        text = request.POST.get(name, "").strip()
        is_number = text.isascii() and text.isdecimal() and len(text) <= 7
        if text and not (is_number and int(text) <= MOST_PLACES):
            errors[name] = _("Give a number, or leave this empty.")
        numbers[name] = int(text) if is_number else None
    total, used = numbers["total"], numbers["used"]
    if total is not None and used is not None and used > total:
        errors["used"] = _(
            "More are used than there are. Give at least as many places as are used."
        )
    if errors:
        return None, errors
    if request.POST.get("used", "").strip() == request.POST.get("counted"):
        used = None  # nothing else was stated, so what is counted here goes on, whoever has joined meanwhile
    return Statement(
        total=total,
        used=used,
        has_waiting_list="has_waiting_list" in request.POST,
        needs_assessment="needs_assessment" in request.POST,
    ), {}


def _id(community: Community) -> UUID:
    return UUID(str(community.pk))
