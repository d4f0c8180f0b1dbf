"""Listed communities as HSDS-UK 3.0: services, their organisations, the taxonomies that they are described in."""

from collections.abc import Iterator, Sequence
from typing import Any

from accounts.models import Organisation
from communities.facts import RELATED
from communities.models import Community, Condition
from communities.models.tier_column import UNNAMED_HOST
from communities.selectors import moderation_of
from communities.tiers import tier_of
from communities.value_sets import State
from integrations.directory import terms
from integrations.directory.terms import CODED, STATED, TIME_ZONE, Term

VERSION = "HSDS-UK-3.0"
FREE, TEXT_LIST = "free", "|"
BYDAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")  # as in iCalendar
_PROFILE = "https://docs.openreferraluk.org/"
_UNSTATED = ("", "unknown", None)
_ONLINE = {
    "id": str(terms.id_of("location", "online")),
    "location_type": "virtual",
    "name": "Online",
    "description": "On the internet, at the address of the service.",
}
_FICTIONAL = "This community is fictional."
_UNCHECKED = "This listing is for demonstration and unchecked. Do not use it for real care."


def api_details(base_url: str) -> dict[str, Any]:
    """What this feed is, at its root."""
    return {"version": VERSION, "profile": _PROFILE, "openapi_url": f"{base_url}/api/schema/"}


def page(contents: Sequence[Any], *, number: int, per_page: int, total: int) -> dict[str, Any]:
    """A page with its counts; pages are counted from 1, and of nothing there is one."""
    pages = max(1, -(-total // per_page))
    return {
        "total_items": total,
        "total_pages": pages,
        "page_number": number,
        "size": len(contents),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not contents,
        "contents": list(contents),
    }


def service(row: Community, *, base_url: str, is_demonstration: bool) -> dict[str, Any]:
    """A listed community with everything that is stated of it."""
    listed = f"service_at_location/{row.pk}"
    rendered = {
        **_core(row, is_demonstration=is_demonstration),
        "schedules": list(_schedules(row)),
        "service_areas": list(_areas(row)),
        "service_at_locations": [
            {"id": _id(listed), "service_id": str(row.pk), "location": dict(_ONLINE)}
        ],
        "languages": [
            {"id": _id(row.pk, "language", code), "service_id": str(row.pk), "code": code}
            for code in row.languages
        ],
        "cost_options": list(_costs(row)),
        "attributes": list(_attributes(row, base_url)),
    }
    return _without_gaps(rendered)


def service_at_location(row: Community, *, is_demonstration: bool) -> dict[str, Any]:
    """A community at the one place that all of them are at."""
    return {
        "id": _id(f"service_at_location/{row.pk}"),
        "location": dict(_ONLINE),
        "service": _without_gaps(_core(row, is_demonstration=is_demonstration)),
    }


def organization(host: Organisation) -> dict[str, Any]:
    """A host of listed communities."""
    return {
        "id": str(host.pk),
        "name": host.name,
        "description": "A host of online peer-support communities.",
    }


def all_taxonomies() -> list[dict[str, Any]]:
    """Our taxonomies, by name."""
    rendered = [
        {
            "id": str(terms.id_of("taxonomy", key)),
            "name": terms.words(key).capitalize(),
            "description": description,
        }
        for key, description in terms.taxonomies().items()
    ]
    return sorted(rendered, key=lambda each: each["name"])


def all_terms(conditions: Sequence[Condition], *, base_url: str) -> list[dict[str, Any]]:
    """Every term of our taxonomies."""
    known = terms.known_terms(conditions).values()
    ordered = sorted(known, key=lambda term: (term.fact, term.code))
    return [taxonomy_term(term, base_url=base_url) for term in ordered]


def taxonomy_term(term: Term, *, base_url: str) -> dict[str, Any]:
    """A term of ours."""
    return {
        "id": str(term.id),
        "name": term.name,
        "description": term.description,
        "taxonomy": terms.words(term.fact).capitalize(),
        "taxonomy_id": str(terms.id_of("taxonomy", term.fact)),
        "term_uri": f"{base_url}/api/openreferral/taxonomy_terms/{term.id}",
        "term": term.code,
    }


def _core(row: Community, *, is_demonstration: bool) -> dict[str, Any]:
    """What a list of services says of each, by the standard."""
    alerts = [_FICTIONAL] * row.is_fictional + [_UNCHECKED] * is_demonstration
    core: dict[str, Any] = {
        "id": str(row.pk),
        "name": row.name,
        "description": row.summary,
        "url": row.url,
        "status": "active" if row.state == State.OPEN else "inactive",
        "fees": "" if row.cost in _UNSTATED else row.cost,
        "minimum_age": row.min_age,
        "maximum_age": row.max_age,
        "assured_date": row.reviewed_on.isoformat() if row.reviewed_on else "",
        "alert": " ".join(alerts),
        "last_modified": row.updated_at.isoformat(),
    }
    if row.host.name != UNNAMED_HOST:
        core |= {"organization_id": str(row.host_id), "organization": organization(row.host)}
    return core


def _schedules(row: Community) -> Iterator[dict[str, Any]]:
    for weekday, begin, end in row.moderator_hours:
        yield {
            "id": _id(row.pk, "schedule", weekday, begin, end),
            "service_id": str(row.pk),
            "freq": "WEEKLY",
            "interval": 1,
            "byday": BYDAY[weekday - 1],
            "opens_at": begin,
            "closes_at": end,
            "description": "A moderator is there.",
            "notes": f"By the clock of {row.time_zone}. One that ends at or before it begins ends"
            " on the next day.",
        }


def _areas(row: Community) -> Iterator[dict[str, Any]]:
    for area in sorted(row.areas.all(), key=lambda area: area.place):
        yield {
            "id": _id(row.pk, "area", area.place),
            "service_id": str(row.pk),
            "name": area.name,
            "extent": area.place,
            "extent_type": "text",
            "service_area": area.name,
        }


def _costs(row: Community) -> Iterator[dict[str, Any]]:
    if row.cost == FREE:
        option = {"id": _id(row.pk, "cost"), "service_id": str(row.pk), "option": "Free"}
        yield option | {"amount": 0}


def _attributes(row: Community, base_url: str) -> Iterator[dict[str, Any]]:
    def attribute(term: Term, value: str = "") -> dict[str, Any]:
        return _without_gaps(
            {
                "id": _id(row.pk, "attribute", term.id),
                "link_id": str(row.pk),
                "taxonomy_term_id": str(term.id),
                "link_type": terms.words(term.fact),
                "value": value,
                "taxonomy_term": taxonomy_term(term, base_url=base_url),
            }
        )

    for condition in sorted(row.conditions.all(), key=lambda each: each.key):
        yield attribute(terms.of_condition(condition))
    yield attribute(terms.coded("moderation_tier", tier_of(moderation_of(row))))
    yield attribute(terms.coded("moderator_cover", row.cover))
    for fact, codes in CODED.items():
        stated = getattr(row, fact)
        for code in [stated] if isinstance(stated, str) else stated:
            if code in set(codes) and code not in _UNSTATED:
                yield attribute(terms.coded(fact, code))
    for fact in STATED:
        if value := _value(row, fact):
            yield attribute(terms.statement(fact), value)


def _value(row: Community, fact: str) -> str:
    """What is stated, as text; empty where nothing is."""
    if fact == TIME_ZONE and not row.moderator_hours:
        return ""
    if fact in RELATED:
        return TEXT_LIST.join(sorted(each.ods_code or "" for each in row.practices.all()))
    value = getattr(row, fact)
    if value in _UNSTATED and value is not False:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id(*parts: object) -> str:
    return str(terms.id_of(*parts))


def _without_gaps(rendered: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rendered.items() if value not in ("", None, [])}
