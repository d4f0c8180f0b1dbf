"""The public directory: looking for communities, and all that is known of one."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
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
from communities.places import outcode_of
from communities.searching import FLAGS, PARAMETERS, SearchRefused, place_typed, read_search
from communities.selectors import areas, conditions, moderation_of
from communities.tiers import Cover, Tier, tier_of
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
    """One community that is listed today."""
    now = timezone.now()
    found = listed_community(key, day=localdate(now))
    if found is None:
        raise Http404
    tier = tier_of(moderation_of(found), on=localdate(now))
    context = {
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
    context = {
        "errors": [(name if name in _IDS else "place", text) for name, text in errors.items()],
        "error_of": errors,
        "given": {name: given.get(name, "") for name in PARAMETERS},
        "chosen_tiers": given.getlist("tier"),
        "flags": _flags(given),
        "conditions": conditions(),
        "audiences": words.AUDIENCES.items(),
        "covers": [(cover, words.COVERS[cover]) for cover in _OFFERED_COVERS],
        "tiers": [(tier, words.TIERS[tier]) for tier in Tier],
        "languages": sorted(words.LANGUAGES.items(), key=lambda each: str(each[1])),
        "place_name": _place_name(given.get("place", "")),
        "found": [shown(row, at=now) for row in page.rows] if page else [],
        "page": page,
        "has_more": any(given.get(name) for name in _MORE),
        "is_narrowed": any(given.get(name) for name in PARAMETERS if name != "page"),
        "previous_url": page and page.number > 1 and _address(given, page=str(page.number - 1)),
        "next_url": page and page.has_next and _address(given, page=str(page.number + 1)),
    }
    return render(request, "directory/search.html", context, status=422 if errors else 200)


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
