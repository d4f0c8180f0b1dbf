"""HealthcareService: a listed community, with what is stated of it and nothing that is not.

R4 has no element for who moderates a community and for whom it is: these are characteristics, in code systems of
this service's own. Conditions bear the SNOMED CT codes that lead to them beside our own key.
"""

from collections.abc import Iterator
from typing import Any

from communities.models import Community, Condition
from communities.selectors import UNNAMED_HOST, moderation_of
from communities.tiers import tier_of
from integrations.fhir.rendering import instant
from integrations.fhir.systems import (
    ACT_REASON,
    ADMINISTRATIVE_GENDER,
    LANGUAGE,
    SERVICE_PROVISION,
    SNOMED,
    UCUM,
    own,
    own_definition,
    own_identifier,
)

UNKNOWN = "unknown"
# Column → our code system for it, and how it is called.
STATED = {
    "moderated_by": ("moderated-by", "Moderated by"),
    "moderation_model": ("moderation-model", "How posts are moderated"),
    "cover": ("moderator-cover", "When moderators are there"),
    "search_visibility": ("search-visibility", "Who can read it"),
    "anonymity": ("anonymity", "Names"),
    "access": ("community-access", "How to join"),
    "format": ("community-format", "Format"),
    "state": ("listing-state", "State"),
}
_TEST_DATA = {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}
_WORDS = {"24_7": "day and night"}
_FICTIONAL = "This community is fictional."
_UNCHECKED = "This listing is for demonstration and unchecked. Do not use it for real care."


def render(row: Community, *, base_url: str, is_demonstration: bool) -> dict[str, Any]:
    """The community as the directory has it; ``is_demonstration``: nobody has checked any listing."""
    rendered: dict[str, Any] = {
        "resourceType": "HealthcareService",
        "id": str(row.pk),
        "meta": {"lastUpdated": instant(row.updated_at)},
        "extension": list(_extensions(row, base_url)),
        "identifier": [{"system": own_identifier(base_url, "community"), "value": row.key}],
        "active": True,  # others are not shown
        "category": [_concept(base_url, "referral-type", "peer-support", "Peer support")],
        "type": list(_kinds(row, base_url)),
        "name": row.name,
        "comment": row.summary,
        "extraDetails": " ".join(_details(row, is_demonstration=is_demonstration)),
        "telecom": [{"system": "url", "value": row.url}] if row.url else [],
        "coverageArea": [
            {"reference": f"Location/{area.pk}", "display": area.name}
            for area in sorted(row.areas.all(), key=lambda area: area.place)
        ],
        "serviceProvisionCode": _costs(row),
        "eligibility": list(_eligibility(row, base_url)),
        "characteristic": list(_characteristics(row, base_url)),
        "communication": [
            {"coding": [{"system": LANGUAGE, "code": language}]} for language in row.languages
        ],
    }
    if row.is_fictional:
        rendered["meta"]["security"] = [_TEST_DATA]
    if row.host.name != UNNAMED_HOST:
        host = {"reference": f"Organization/{row.host_id}", "display": row.host.name}
        rendered["providedBy"] = host
    return {name: value for name, value in rendered.items() if value not in ([], "")}


def _details(row: Community, *, is_demonstration: bool) -> Iterator[str]:
    if row.is_fictional:
        yield _FICTIONAL
    if is_demonstration:
        yield _UNCHECKED
    if row.note:
        yield row.note


def _kinds(row: Community, base_url: str) -> Iterator[dict[str, Any]]:
    if row.kind != UNKNOWN:
        yield _concept(base_url, "community-kind", row.kind, _words(row.kind).capitalize())


def _extensions(row: Community, base_url: str) -> Iterator[dict[str, Any]]:
    yield {
        "url": own_definition(base_url, "listing-review"),
        "extension": [
            {"url": "reviewedOn", "valueDate": str(row.reviewed_on)},
            {"url": "reviewDue", "valueDate": str(row.review_due)},
            {"url": "reviewedBy", "valueString": row.reviewed_by},
        ],
    }
    if row.hours_text:
        # Not availableTime: a community can be opened when no moderator is there.
        url = own_definition(base_url, "moderator-hours")
        yield {"url": url, "valueString": row.hours_text}


def _costs(row: Community) -> list[dict[str, Any]]:
    if row.cost in ("", UNKNOWN):
        return []
    if row.cost == "free":
        return [{"coding": [{"system": SERVICE_PROVISION, "code": "free", "display": "Free"}]}]
    return [{"text": row.cost}]


def _eligibility(row: Community, base_url: str) -> Iterator[dict[str, Any]]:
    limits = {
        name: {"value": age, "unit": "years", "system": UCUM, "code": "a"}
        for name, age in (("low", row.min_age), ("high", row.max_age))
        if age is not None
    }
    ages: dict[str, Any] = {"code": _concept(base_url, "eligibility", "age", "Age")}
    if limits:
        url = own_definition(base_url, "eligible-age")
        ages = {"extension": [{"url": url, "valueRange": limits}], **ages}
    yield ages | {"comment": _ages(row)}
    if row.sex != "any":
        yield {
            "code": {"coding": [{"system": ADMINISTRATIVE_GENDER, "code": row.sex}]},
            "comment": "For women only." if row.sex == "female" else "For men only.",
        }


def _ages(row: Community) -> str:
    lowest = "The lowest age is not stated: for adults only."
    parts = [
        lowest if row.min_age is None else f"Aged {row.min_age} or over.",
        "" if row.max_age is None else f"Aged {row.max_age} or under.",
    ]
    return " ".join(filter(None, parts))


def _characteristics(row: Community, base_url: str) -> Iterator[dict[str, Any]]:
    for condition in sorted(row.conditions.all(), key=lambda each: each.key):
        yield _condition(condition, base_url)
    tier = tier_of(moderation_of(row))
    yield _concept(base_url, "moderation-tier", tier, f"Moderation tier {tier}")
    for column, (system, title) in STATED.items():
        code = getattr(row, column)
        if code != UNKNOWN:
            yield _concept(base_url, system, code, f"{title}: {_words(code)}")
    for audience in row.audience:
        yield _concept(base_url, "audience", audience, f"For {_words(audience)}")


def _condition(condition: Condition, base_url: str) -> dict[str, Any]:
    ours = {"system": own(base_url, "condition"), "code": condition.key, "display": condition.label}
    codes = sorted(condition.codes.all(), key=lambda each: each.snomed_code)
    snomed = [
        {"system": SNOMED, "code": each.snomed_code} | ({"display": each.term} if each.term else {})
        for each in codes
    ]
    return {"coding": [ours, *snomed], "text": condition.label}


def _concept(base_url: str, system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": own(base_url, system), "code": code}], "text": text}


def _words(code: str) -> str:
    return _WORDS.get(code, code.replace("_", " "))
