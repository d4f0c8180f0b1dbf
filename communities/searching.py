"""What somebody asks of the directory, as it stands in an address: the same for the page and for machines.

A whole postcode never stands there: addresses are kept by browsers and logs, so only its first half is read.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import TypeVar

from django.db.models import Q
from django.utils.translation import gettext as _

from communities.directory import Search
from communities.places import Place, outcode_of, place_around, place_at
from communities.selectors import areas, conditions_named
from communities.tiers import Cover, Tier
from communities.value_sets import Audience

Given = Mapping[str, Sequence[str]]
Choice = TypeVar("Choice", bound=StrEnum)

EVERYWHERE = "nation:UK"
FLAGS = ("made_up_name", "members_only", "free")
PARAMETERS = ("condition", "place", "audience", "cover", "tier", "language", *FLAGS, "text", "page")
_MOST = 50  # values of one parameter
_LONGEST = 100  # characters of words to look for
_LAST_PAGE = 10_000
_POSTCODE = re.compile(r"\b[A-Z]{1,2}[0-9][A-Z0-9]?\s*[0-9][A-Z]{2}\b", re.ASCII | re.IGNORECASE)


class SearchRefused(Exception):
    """A parameter cannot be understood: ``errors`` has for each what to give instead."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(sorted(errors)))
        self.errors = errors


def read_search(given: Given) -> tuple[Search, int]:
    """The search and the page of it that is asked for, counted from 1. Raises SearchRefused with all that is wrong.

    ``condition``: keys; ``place``: an outcode, or an area as docs/directory-data.md writes it; ``audience``, ``cover``,
    ``tier``: codes; ``language``: a tag; ``text``: words; ``made_up_name``, ``members_only``, ``free``: 1.
    """
    errors: dict[str, str] = {}
    place, is_everywhere = _place(_one(given, "place"), errors)
    audiences = _some_of(given, "audience", Audience, errors)
    search = Search(
        condition_keys=_conditions(given, errors),
        place=place,
        is_everywhere=is_everywhere,
        tiers=_some_of(given, "tier", Tier, errors),
        covers=_some_of(given, "cover", Cover, errors),
        audience=next(iter(audiences), None),
        language=_one(given, "language")[:20],
        text=_one(given, "text")[:_LONGEST],
        is_anonymous=_one(given, "made_up_name") == "1",
        is_members_only=_one(given, "members_only") == "1",
        is_free=_one(given, "free") == "1",
    )
    if len(audiences) > 1:
        errors["audience"] = _("Choose one.")
    try:
        check_text(search.text)
    except SearchRefused as refused:
        errors |= refused.errors
    page = _one(given, "page") or "1"
    if not (
        page.isascii() and page.isdecimal() and len(page) <= 9 and 1 <= int(page) <= _LAST_PAGE
    ):
        errors["page"] = _("Give the number of a page, from 1.")
    if errors:
        raise SearchRefused(errors)
    return search, int(page)


def check_text(text: str) -> None:
    """Refuse (SearchRefused) words with a whole postcode in them: it would stand in the address."""
    if _POSTCODE.search(text):
        raise SearchRefused(
            {"text": _("Leave the postcode out. Give its first half as the place.")}
        )


def place_typed(text: str, *, day: date) -> str:
    """What somebody typed of where they live, as ``place`` is written: the first half of a postcode, or an area by name.

    Raises SearchRefused where it is neither.
    """
    typed = " ".join(text.replace("\x00", "").split())[:_LONGEST]
    if not typed or outcode_of(typed):
        return outcode_of(typed)
    current = areas().filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day))
    for found in (current.filter(name__iexact=typed), current.filter(name__icontains=typed)):
        named = list(found.order_by("name")[:6])
        if len(named) == 1:
            return named[0].place
        if named:
            names = ", ".join(area.name for area in named[:5])
            raise SearchRefused({"place": _("Give one of these: %(names)s.") % {"names": names}})
    raise SearchRefused({"place": _("Give a postcode, or the name of a council or a nation.")})


def _one(given: Given, name: str) -> str:
    values = given.get(name) or [""]
    return values[0].replace("\x00", "").strip()


def _values(given: Given, name: str) -> set[str]:
    return {value for value in given.get(name, ())[:_MOST] if value}


def _some_of(
    given: Given, name: str, choices: type[Choice], errors: dict[str, str]
) -> frozenset[Choice]:
    asked = _values(given, name)
    if not asked <= set(choices):
        errors[name] = _("Choose among: %(all)s.") % {"all": ", ".join(choices)}
        return frozenset()
    return frozenset(map(choices, asked))


def _conditions(given: Given, errors: dict[str, str]) -> frozenset[str]:
    asked = {key.replace("\x00", "") for key in _values(given, "condition")}
    known = {condition.key for condition in conditions_named(asked)} if asked else set[str]()
    if asked != known:
        errors["condition"] = _("Give keys of conditions that are known here.")
    return frozenset(known)


def _place(code: str, errors: dict[str, str]) -> tuple[Place | None, bool]:
    if code in ("", EVERYWHERE):
        return None, bool(code)
    kind, colon, name = code.partition(":")
    place = place_at(name) if colon and kind in ("nation", "icb", "lad") else place_around(code)
    if place is None:
        errors["place"] = _(
            "Give the first half of a postcode that is known here, such as E1, or an area."
        )
    return place, False
