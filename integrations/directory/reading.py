"""A service of an HSDS-UK 3.0 feed as the facts of a community; services that are no online communities are left out.

A service is an online community when a term of our taxonomy says in which format its members meet, and that is not in
person only; without such a term, when it has locations and all of them are virtual.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from textwrap import shorten
from typing import Any
from uuid import UUID

from django.db import models

from communities.facts import ONE_OF, RELATED, SOME_OF
from communities.feeding import HOST, Service
from communities.hours import NotACalendar, normal
from communities.models import Community
from communities.selectors import areas, conditions, conditions_by_code
from communities.value_sets import Format, State
from integrations.directory.checking import Element
from integrations.directory.rendering import BYDAY, FREE, TEXT_LIST
from integrations.directory.terms import CONDITION, STATEMENT, TIME_ZONE, Term, known_terms

STATUSES = ("active", "inactive", "defunct", "temporarily closed")
ACTIVE = STATUSES[0]
# Where a fact stands in a service; the others are attributes.
ELEMENT_OF: Mapping[str, str] = {
    "name": "name",
    "summary": "description",
    "url": "url",
    "cost": "fees",
    "min_age": "minimum_age",
    "max_age": "maximum_age",
    "languages": "languages",
    "areas": "service_areas",
    "moderator_hours": "schedules",
    HOST: "organization",
}
_UNREAD = ("accreditations", "assured_date", "alert", "last_modified")
_ADDRESSES = ("email", "assurer_email")
_SUMMARY, _COST, _HOST_NAME = 300, 120, 200  # characters that the directory keeps
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:00)?\Z", re.ASCII)
_SNOMED = re.compile(r"https?://snomed\.info/(?:id|sct)/([1-9][0-9]{5,17})\Z", re.ASCII)
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Vocabulary:
    """The terms of ours by id, and the areas by place and by code."""

    terms: Mapping[UUID, Term]
    place_of: Mapping[str, str]


class LeftOut(Exception):
    """The service is none for this directory; the text is the rule."""


def vocabulary() -> Vocabulary:
    """What is known here to read services by."""
    places = [area.place for area in areas()]
    return Vocabulary(
        terms=known_terms(conditions()),
        place_of={
            **{place.partition(":")[2]: place for place in places},
            **dict(zip(places, places, strict=True)),
        },
    )


def check_core(row: Element) -> None:
    """Note what is wrong with what every list of services holds."""
    row.text("name", is_needed=True)
    status = row.text("status", is_needed=True)
    if status and status not in STATUSES:
        row.fault("status", f"One of {', '.join(STATUSES)} is expected, not {status[:40]!r}.")
    row.text("description")
    row.address("url")
    row.text("fees")
    row.whole_number("minimum_age")
    row.whole_number("maximum_age")
    row.one("organization")


def check_unread(row: Element) -> None:
    """Note what is wrong with elements that this directory has no use for."""
    for name in _UNREAD:
        row.text(name)
    for name in _ADDRESSES:
        text = row.text(name)
        if text and "@" not in text:
            row.fault(name, f"{text[:60]!r} is not an e-mail address.")


def read_service(row: Element, *, known_by: Vocabulary, is_known: bool) -> Service:
    """The facts that a service states; those that it does not are not there. Faults go to ``row.faults``.

    ``is_known``: it came from this feed before, so that its end is news. Raises LeftOut.
    """
    status = row.text("status")
    if status != ACTIVE and not is_known:
        raise LeftOut("not active")
    stated = _attributes(row, known_by)
    _check_online(row, stated)
    host = row.one("organization")
    name = host.text("name", is_needed=True) if host else ""
    if host and (len(name) > _HOST_NAME or "\n" in name):
        host.fault("name", f"At most {_HOST_NAME} characters on one line are expected.")
    if status != ACTIVE and stated.get("state", State.OPEN) == State.OPEN:
        stated["state"] = State.MAY_BE_CLOSED.value
    stated.setdefault("state", State.OPEN.value)
    facts = {**_elements(row, known_by), **stated}
    if TIME_ZONE in facts:
        facts["moderator_hours"] = _hours(row)
    identity = row.id()
    assert identity  # noqa: S101  (the list was read by it)
    return Service(identity, name, facts)


def _check_online(row: Element, stated: Mapping[str, Any]) -> None:
    if meets := stated.get("format"):
        if meets == Format.IN_PERSON:
            raise LeftOut("meets in person only")
        return
    locations = [each.one("location") for each in row.some("service_at_locations")]
    kinds = {each.text("location_type") for each in locations if each}
    if kinds != {"virtual"}:
        raise LeftOut("no online community: neither our format nor virtual locations only")


def _elements(row: Element, known_by: Vocabulary) -> dict[str, Any]:
    """What stands in elements of HSDS-UK."""
    url = row.address("url")
    found = {
        "name": row.text("name"),
        "summary": shortened(row.text("description"), _SUMMARY),
        "url": url if url.startswith("https://") else "",
        "min_age": row.whole_number("minimum_age"),
        "max_age": row.whole_number("maximum_age"),
        "cost": shortened(_cost(row), _COST),
        "languages": [code for each in row.some("languages") if (code := each.text("code"))],
        "areas": _areas(row, known_by),
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def shortened(text: str, most: int) -> str:
    """The text, cut between two words where it is longer than ``most`` characters."""
    return text if len(text) <= most else shorten(text, most, placeholder=" …")


def _cost(row: Element) -> str:
    fees = row.text("fees")
    if fees:
        return fees
    options = row.some("cost_options")
    amounts = [each.number("amount") for each in options]
    if amounts and not any(amounts) and None not in amounts:
        return FREE
    said = (
        " ".join(
            filter(None, (each.text("option"), _figure(amount), each.text("amount_description")))
        )
        for each, amount in zip(options, amounts, strict=True)
    )
    return "; ".join(filter(None, said))


def _figure(amount: float | None) -> str:
    return "" if amount is None else f"{amount:g}"


def _areas(row: Element, known_by: Vocabulary) -> list[str]:
    """The areas that are known here, by our place or by a code at the end of the address; others say nothing to us."""
    found = set()
    for each in row.some("service_areas"):
        for text in (each.text("extent"), each.text("uri").rpartition("/")[2]):
            if place := known_by.place_of.get(text):
                found.add(place)
    return sorted(found)


def _attributes(row: Element, known_by: Vocabulary) -> dict[str, Any]:
    """What terms of our taxonomies state, and SNOMED CT's of the conditions. Other terms say nothing to us."""
    facts: dict[str, Any] = {}
    own, snomed = [], []
    for attribute in row.some("attributes"):
        term = known_by.terms.get(_term_id(attribute) or UUID(int=0))
        if term is None:
            found = _SNOMED.match(_plain(_inside(attribute), "term_uri"))
            snomed += [found[1]] if found else []
        elif term.fact == CONDITION:
            own.append(term.code)
        elif term.fact == STATEMENT:
            facts[term.code] = _stated(attribute, term.code)
        elif term.fact in SOME_OF:
            facts.setdefault(term.fact, []).append(term.code)
        elif term.fact in ONE_OF and facts.setdefault(term.fact, term.code) != term.code:
            attribute.fault("", f"{term.name}: another code of this taxonomy stands here already.")
    codes = own or [condition.key for condition in (conditions_by_code(snomed) if snomed else [])]
    facts["conditions"] = sorted(set(codes))
    return {name: value for name, value in facts.items() if value not in ("", None, [])} | {
        name: [code.value for code in SOME_OF[name] if code in facts[name]]
        for name in SOME_OF
        if name in facts
    }


def _inside(attribute: Element) -> Mapping[str, object]:
    inside = attribute.value.get("taxonomy_term")
    return inside if isinstance(inside, dict) else {}


def _plain(value: Mapping[str, object], name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


def _term_id(attribute: Element) -> UUID | None:
    """The id of the term; terms of others may have ids of any kind."""
    text = _plain(_inside(attribute), "id") or _plain(attribute.value, "taxonomy_term_id")
    try:
        return UUID(text)
    except ValueError:
        return None


def _finite(text: str) -> float:
    """A number that JSON can hold. Raises ValueError for any other."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return number


def _stated(attribute: Element, fact: str) -> Any:
    """What an attribute's value states, as the fact is kept."""
    text = attribute.text("value", is_needed=True)
    if fact in RELATED:
        return sorted(set(text.split(TEXT_LIST)))
    field = Community._meta.get_field(fact)
    try:
        if isinstance(field, models.BooleanField):
            return _TRUTH[text] if text else None
        if isinstance(field, models.IntegerField):
            return int(text) if text else None
        if isinstance(field, models.FloatField):
            return _finite(text) if text else None
    except (KeyError, ValueError):
        attribute.fault("value", f"{text[:40]!r} cannot be read as {fact.replace('_', ' ')}.")
        return None
    return text


def _hours(row: Element) -> Sequence[Sequence[object]]:
    """The schedules as the calendar of the moderators."""
    entries: list[object] = []
    for each in row.some("schedules"):
        entries += _days(each)
    try:
        return normal(entries)
    except NotACalendar as error:
        row.fault("schedules", str(error))
        return []


def _days(schedule: Element) -> list[object]:
    if schedule.text("freq") != "WEEKLY" or schedule.whole_number("interval") not in (None, 1):
        schedule.fault("freq", "The hours of moderators repeat every week.")
        return []
    times = [schedule.text(name, is_needed=True) for name in ("opens_at", "closes_at")]
    for name, text in zip(("opens_at", "closes_at"), times, strict=True):
        if text and not _TIME.match(text):
            schedule.fault(name, f"{text[:20]!r} is not a time such as 09:30, by the local clock.")
    days = [day.strip() for day in schedule.text("byday", is_needed=True).split(",")]
    if not set(days) <= set(BYDAY):
        schedule.fault("byday", f"Days of the week are expected ({', '.join(BYDAY)}).")
        return []
    if not all(_TIME.match(text) for text in times):
        return []
    return [[BYDAY.index(day) + 1, times[0][:5], times[1][:5]] for day in days]
