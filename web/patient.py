"""The patient's pages: from the link to a community and back. GET shows, POST acts."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import patient_actor
from accounts.throttling import Limit, seconds_to_wait, sender_of
from communities.selectors import people_by_condition
from privacy.tenancy import acting_for
from referrals import lifecycle, placing, responding, selectors, sessions
from referrals.lifecycle import BusinessStatus, MoveNotAllowed
from referrals.models import Offer, Placement, Referral
from web import forms, patient_cookies
from web.offers import ShownOffer, shown_offer, shown_offers

LONGEST_CODE = 100
PatientView = Callable[[HttpRequest, Referral], HttpResponse]

_HOW_CHOSEN = (
    gettext_lazy(
        "We look for groups for what your surgery referred you for, that take people of your age, where you live."
    ),
    gettext_lazy("We only suggest groups that somebody moderates and that we have checked."),
    gettext_lazy("Better-moderated groups come first. Nobody can pay to be higher up."),
)


def for_right_person(view: PatientView) -> Callable[..., HttpResponse]:
    """Only for a browser in which the date of birth has been given; it sees the rows of the patient's practice."""

    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        at = timezone.now()
        session = sessions.session_of(patient_cookies.token_of(request), at=at)
        if session is None:
            return redirect("patient-check" if patient_cookies.code_of(request) else "patient-code")
        sessions.keep_session(session, at=at)
        try:
            with acting_for(session.practice_id):
                return view(request, selectors.referral_for_patient(session.referral_id))
        except (responding.OfferGone, MoveNotAllowed):
            return redirect("patient-manage")

    return checked


@never_cache
@require_safe
def link(request: HttpRequest, code: str) -> HttpResponse:
    """The address in the message: takes the code out of the address bar. Looks nothing up, tells nothing."""
    del request
    response = redirect("patient-start")
    patient_cookies.forget(response)  # on a shared phone the one before must not stay signed in
    patient_cookies.keep_code(response, code[:LONGEST_CODE])
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Typing the code of a letter."""
    if request.method != "POST":
        return render(request, "patient/code.html")
    if wait := _seconds_to_wait(request):
        return _come_back(request, wait)
    typed = request.POST.get("code", "").strip()
    if not typed or len(typed) > LONGEST_CODE:
        return render(
            request, "patient/code.html", {"error": _("Type the code from your letter")}, status=422
        )
    sessions.end_session(patient_cookies.token_of(request), at=timezone.now())
    response = redirect("patient-start")
    patient_cookies.forget(response)
    patient_cookies.keep_code(response, typed)
    return response


@never_cache
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The first page: the same for everybody, whatever the code."""
    return render(request, "patient/start.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Is it the right person? Only a POST asks, and only a right answer opens."""
    kept = patient_cookies.code_of(request)
    if not kept:
        return redirect("patient-code")
    if request.method != "POST":
        return render(request, "patient/check.html")
    if wait := _seconds_to_wait(request):
        return _come_back(request, wait)
    try:
        birth_date = forms.birth_date(request.POST)
        at = timezone.now()
        referral = responding.open_link(code=kept, birth_date=birth_date, at=at)
    except forms.Unreadable as unreadable:
        return _ask_again(request, str(unreadable))
    except responding.BirthDateWrong:
        return _ask_again(
            request, _("These details do not match. Check the date or ask your surgery.")
        )
    except responding.LinkDead:
        return render(request, "patient/closed.html", status=404)
    has_answered = referral.business_status not in (
        BusinessStatus.MATCHED,
        BusinessStatus.INVITATION_SENT,
    )
    response = redirect("patient-manage" if has_answered else "patient-about")
    patient_cookies.forget(response)
    patient_cookies.keep_session(response, sessions.begin_session(referral=referral, at=at))
    return response


def _seconds_to_wait(request: HttpRequest) -> int:
    return seconds_to_wait(limit=Limit.PATIENT, who=sender_of(request.META), at=timezone.now())


def _come_back(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(request, "patient/busy.html", status=429)
    response["Retry-After"] = str(seconds)
    return response


def _ask_again(request: HttpRequest, error: str) -> HttpResponse:
    return render(
        request, "patient/check.html", {"error": error, "values": request.POST}, status=422
    )


@for_right_person
def about(request: HttpRequest, referral: Referral) -> HttpResponse:
    """What peer support is and is not."""
    return render(request, "patient/about.html", {"practice_name": referral.practice.name})


@for_right_person
def choose(request: HttpRequest, referral: Referral) -> HttpResponse:
    """Which community? Or none, or later."""
    if lifecycle.is_over(BusinessStatus(referral.business_status)):
        return redirect("patient-manage")
    offers = list(selectors.offers_of(referral.pk, on=timezone.localdate()))
    if not offers:
        return render(request, "patient/no_offers.html")
    if request.method == "POST":
        chosen = request.POST.get("offer", "")
        if chosen in ("none", "think"):
            return render(
                request, "patient/none_fit.html" if chosen == "none" else "patient/thinking.html"
            )
        if chosen in {str(offer.pk) for offer in offers}:
            responding.choose_offer(
                referral_id=referral.pk, offer_id=UUID(chosen), at=timezone.now()
            )
            return redirect("patient-share")
    context = {
        "offers": shown_offers(offers),
        "chosen_id": _newest_choice(offers),
        "how_chosen": _HOW_CHOSEN,
        "error": _("Choose one, or say that you want to think about it")
        if request.method == "POST"
        else "",
    }
    return render(request, "patient/choose.html", context, status=422 if context["error"] else 200)


def _newest_choice(offers: list[Offer]) -> UUID | None:
    chosen = [offer for offer in offers if offer.chosen_at]
    return max(chosen, key=lambda offer: (offer.chosen_at, offer.pk)).pk if chosen else None


@for_right_person
def share(request: HttpRequest, referral: Referral) -> HttpResponse:
    """What may be shared? Then join."""
    offers = list(selectors.offers_of(referral.pk, on=timezone.localdate()))
    offer = next((offer for offer in offers if offer.pk == _newest_choice(offers)), None)
    if offer is None:
        return redirect("patient-choose")
    shown = shown_offer(offer, people_by_condition())
    error = ""
    if request.method == "POST":
        if "tell_community" in request.POST or not shown.is_linked:
            return _join(request, referral, offer)
        error = _("Tick the first box to join, or go back")
    before = _agreed_before(referral, offer)
    context = {
        "offer": shown,
        "error": error,
        "values": request.POST or before,
        "is_member": bool(before),
        "is_held": selectors.is_place_held(referral.pk, offer.community_id),
    }
    return render(request, "patient/share.html", context, status=422 if error else 200)


def _join(request: HttpRequest, referral: Referral, offer: Offer) -> HttpResponse:
    try:
        placement = placing.join(
            referral_id=referral.pk,
            offer_id=offer.pk,
            tells_practice="tell_practice" in request.POST,
            counts_visits="count_visits" in request.POST,
            at=timezone.now(),
        )
    except responding.OfferFull:
        return _choose_again(request, referral)
    return redirect("patient-done" if placement else "patient-manage")


def _choose_again(request: HttpRequest, referral: Referral) -> HttpResponse:
    """The group filled up between the choice and the joining."""
    offers = list(selectors.offers_of(referral.pk, on=timezone.localdate()))
    context = {
        "offers": shown_offers(offers),
        "how_chosen": _HOW_CHOSEN,
        "error": _("That group is full now. Choose another one"),
    }
    return render(request, "patient/choose.html", context, status=409)


def _agreed_before(referral: Referral, offer: Offer) -> dict[str, bool]:
    """What somebody who is in this community already has agreed to; for anybody else nothing is ticked."""
    placement = selectors.placement_of(referral.pk)
    if placement is None or placement.community_id != offer.community_id:
        return {}
    return {
        "tell_community": True,
        "tell_practice": placement.tells_practice,
        "count_visits": placement.counts_visits,
    }


@for_right_person
def done(request: HttpRequest, referral: Referral) -> HttpResponse:
    """Joined: the way to the community and the way back."""
    placement = selectors.placement_of(referral.pk)
    if placement is None:
        return redirect("patient-manage")
    return render(request, "patient/done.html", _place(referral, placement))


@for_right_person
def manage(request: HttpRequest, referral: Referral) -> HttpResponse:
    """The same link later: where things stand and what can be changed."""
    placement = selectors.placement_of(referral.pk)
    context: dict[str, Any] = {
        "state": _state(referral, placement),
        "is_over": lifecycle.is_over(BusinessStatus(referral.business_status)),
        "practice_name": referral.practice.name,
    }
    if waited := selectors.awaited_place(referral.pk):
        context |= {
            "is_waiting": True,
            "held_until": waited.held_until,
            "offer": shown_offer(
                selectors.offer_of_community(referral.pk, waited.community_id),
                people_by_condition(),
            ),
        }
    if placement:
        context |= _place(referral, placement)
        context["sharing"] = (
            (_("My surgery has been told that I joined"), selectors.is_practice_told(placement)),
            (_("My visits are counted, numbers only"), placement.counts_visits),
        )
    return render(request, "patient/manage.html", context)


def _state(referral: Referral, placement: Placement | None) -> str:
    status = BusinessStatus(referral.business_status)
    if placement:
        return "waiting" if status == BusinessStatus.WAITLIST else "joined"
    if status == BusinessStatus.WAITLIST:
        waited = selectors.awaited_place(referral.pk)
        return "held" if waited and waited.held_until else "waiting"
    if status == BusinessStatus.LEFT and (why := selectors.why_left(referral.pk)):
        return why
    states = {BusinessStatus.PATIENT_DECLINED: "declined", BusinessStatus.LEFT: "left"}
    return states.get(status, "over" if lifecycle.is_over(status) else "invited")


def _place(referral: Referral, placement: Placement) -> dict[str, Any]:
    offer = selectors.offer_of_placement(placement)
    shown: ShownOffer = shown_offer(offer, people_by_condition())
    return {
        "offer": shown,
        "join_url": placing.join_address(placement),
        "practice_name": referral.practice.name,
    }


@for_right_person
def leave(request: HttpRequest, referral: Referral) -> HttpResponse:
    """Leave the community or the line for one, with a reason or without."""
    is_waiting = referral.business_status == BusinessStatus.WAITLIST
    if selectors.placement_of(referral.pk) is None and not is_waiting:
        return redirect("patient-manage")
    if request.method != "POST":
        return render(request, "patient/leave.html", {"choices": forms.LEAVE_REASONS})
    placing.leave(
        referral_id=referral.pk,
        reason=forms.reason(request.POST, forms.LEAVE_REASONS),
        by=patient_actor(referral.pk),
        at=timezone.now(),
    )
    return render(request, "patient/left.html")


@for_right_person
def decline(request: HttpRequest, referral: Referral) -> HttpResponse:
    """Say no, with a reason or without. Whoever has joined leaves instead."""
    if selectors.placement_of(referral.pk):
        return redirect("patient-leave")
    if request.method != "POST":
        return render(request, "patient/decline.html", {"choices": forms.DECLINE_REASONS})
    responding.decline(
        referral_id=referral.pk,
        reason=forms.reason(request.POST, forms.DECLINE_REASONS),
        at=timezone.now(),
    )
    return render(request, "patient/declined.html")


@never_cache
@require_http_methods(["POST"])
def close(request: HttpRequest) -> HttpResponse:
    """Sign out of this page, here and wherever the cookie has been copied to."""
    sessions.end_session(patient_cookies.token_of(request), at=timezone.now())
    response = render(request, "patient/session_over.html")
    patient_cookies.forget(response)
    return response
