"""The public directory: looking for communities, and all that is known of one."""

from collections.abc import Callable
from functools import wraps
from itertools import groupby
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.throttling import Limit, seconds_to_wait, sender_of
from communities.directory import listed_community, page_of, search_directory
from communities.listing import NOT_CHECKED
from communities.models import Condition
from communities.places import outcode_of
from communities.previewing import lowered_among
from communities.searching import (
    FLAGS,
    PARAMETERS,
    SearchRefused,
    check_text,
    place_typed,
    read_search,
)
from communities.selectors import areas, conditions, moderation_of
from communities.tiers import Cover, Tier, tier_of
from referrals.risk import asked_by
from web import words
from web.shown import not_known, parts_of, shown

View = Callable[..., HttpResponse]

_OFFERED_COVERS = (Cover.ALL_HOURS, Cover.DAILY, Cover.WEEKDAYS, Cover.SESSIONS)


def counted(view: View) -> View:
    """What strangers ask of the database is counted, as it is for machines."""

    @wraps(view)
    def wrapped(request: HttpRequest, **more: str) -> HttpResponse:
        who, now = sender_of(request.META), timezone.now()
        if seconds := seconds_to_wait(limit=Limit.NOBODY, who=who, at=now):
            response = render(request, "patient/busy.html", status=429)
            response["Retry-After"] = str(seconds)
            return response
        return view(request, **more)

    return wrapped


@csrf_exempt  # it changes nothing, and so asks nobody to take a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@counted
def search(request: HttpRequest) -> HttpResponse:
    """Look through the directory. What was typed comes by POST and goes into the address without its second half."""
    day = localdate(timezone.now())
    if request.method == "POST":
        given = request.POST
        try:
            check_text(given.get("text", ""))
            place = place_typed(given.get("place", ""), day=day)
        except SearchRefused as refused:
            return _page(request, given, errors=refused.errors)
        return redirect(_address(given, place=place))
    given = request.GET
    outcode = outcode_of(given.get("place", ""))
    if outcode and len(outcode) < len(given["place"].replace(" ", "")):
        return redirect(_address(given, place=outcode))
    return _page(request, given)


@never_cache
@require_safe
@counted
def community(request: HttpRequest, key: str) -> HttpResponse:
    """One community that is listed today; of any other nothing is said, not even whether there is one."""
    now = timezone.now()
    back_url = _address(request.GET, page=request.GET.get("page", ""))
    found = listed_community(key, day=localdate(now))
    if found is None:
        return render(request, "directory/not_listed.html", {"back_url": back_url}, status=404)
    tier = tier_of(moderation_of(found), on=localdate(now))
    context = {
        "back_url": back_url,
        "is_lowered": bool(lowered_among([UUID(str(found.pk))])),
        "is_checked": found.reviewed_by != NOT_CHECKED,
        "community": found,
        "shown": shown(found, at=now),
        "tier_at_length": words.TIERS_AT_LENGTH[tier],
        "parts": parts_of(found, at=now),
        "not_known": not_known(found, at=now),
    }
    return render(request, "directory/community.html", context)


def _page(
    request: HttpRequest, given: QueryDict, *, errors: dict[str, str] | None = None
) -> HttpResponse:
    now = timezone.now()
    page = None
    if not errors:
        errors = {}
        try:
            wanted, number = read_search(dict(given.lists()))
            page = page_of(search_directory(wanted, day=localdate(now)), number)
        except SearchRefused as refused:
            errors = refused.errors
    rows, known = (page.rows if page else []), conditions()
    lowered = lowered_among(UUID(str(row.pk)) for row in rows)
    context = {
        "errors": [(name if name in _IDS else "place", text) for name, text in errors.items()],
        "error_of": errors,
        "given": {name: given.get(name, "") for name in PARAMETERS},
        "chosen_tiers": given.getlist("tier"),
        "flags": _flags(given),
        "conditions": _grouped(known),
        "speaks_of_risk": _speaks_of_risk(given, known),
        "audiences": words.AUDIENCES.items(),
        "covers": [(cover, words.COVERS[cover]) for cover in _OFFERED_COVERS],
        "tiers": [(tier, words.TIERS[tier]) for tier in Tier],
        "languages": sorted(words.LANGUAGES.items(), key=lambda each: str(each[1])),
        "place_name": _place_name(given.get("place", "")),
        "found": [(shown(row, at=now), row.pk in lowered) for row in rows],
        "back_query": request.GET.urlencode() if request.method == "GET" and page else "",
        "page": page,
        "has_more": any(given.get(name) for name in _MORE),
        "is_narrowed": any(given.get(name) for name in PARAMETERS if name != "page"),
        "previous_url": page and page.number > 1 and _address(given, page=str(page.number - 1)),
        "next_url": page and page.has_next and _address(given, page=str(page.number + 1)),
    }
    return render(request, "directory/search.html", context, status=422 if errors else 200)


def _speaks_of_risk(given: QueryDict, known: list[Condition]) -> bool:
    """Whether somebody looks for what belongs to a crisis: a condition of safety, or a word that speaks of a risk."""
    asked = set(given.getlist("condition"))
    is_of_safety = any(each.key in asked for each in known if each.group == _SAFETY)
    return is_of_safety or bool(asked_by(codings=[], texts=[("text", given.get("text", ""))]))


def _grouped(known: list[Condition]) -> list[tuple[object, list[Condition]]]:
    """The conditions under the headings of their groups, in words."""
    groups = groupby(known, key=lambda each: each.group)
    return [(words.CONDITION_GROUPS.get(group, group), list(each)) for group, each in groups]


_SAFETY = "safety"  # the group of conditions for which a crisis comes first
_MORE = ("audience", "cover", "language", "text", "tier", *FLAGS)
_IDS = ("condition", "place", "audience", "cover", "language", "text")
_FLAG_WORDS = {
    "made_up_name": words.ANONYMITIES["pseudonym_allowed"],
    "members_only": words.VISIBILITIES["members_only"],
    "free": gettext_lazy("It is free"),
}


def _flags(given: QueryDict) -> list[tuple[str, object, bool]]:
    return [(name, _FLAG_WORDS[name], given.get(name) == "1") for name in FLAGS]


def _place_name(place: str) -> str:
    """An area as it was typed; an outcode stands for itself."""
    if ":" not in place:
        return place
    area = areas().filter(place=place.replace("\x00", "")).first()
    return area.name if area else ""


def _address(given: QueryDict, **changed: str) -> str:
    """The address of a search: what is empty is left out, and what changes begins again at the first page."""
    pairs = [
        (name, value)
        for name in PARAMETERS
        for value in ([changed[name]] if name in changed else given.getlist(name))
        if value and (name != "page" or "page" in changed)
    ]
    query = urlencode(pairs)
    address = reverse("directory")
    return f"{address}?{query}" if query else address
