"""HealthcareService: a listed community, with what is stated of it and nothing that is not.

R4 has no element for who moderates a community and for whom it is: these are characteristics, in code systems of
this service's own. Conditions bear the SNOMED CT codes that lead to them beside our own key.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from communities.capacity import capacity_of
from communities.models import Capacity, Community, Condition
from communities.models.tier_column import UNNAMED_HOST
from communities.selectors import moderation_of
from communities.tiers import tier_of
from communities.value_sets import Accessibility, Audience, Readiness
from integrations.fhir.rendering import instant
from integrations.fhir.systems import (
    ACT_REASON,
    ADMINISTRATIVE_GENDER,
    CAPACITY_STATUS,
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
    "staffed_by": ("staffed-by", "Members meet"),
    "data_need": ("data-need", "Mobile data needed"),
}


@dataclass(frozen=True)
class Listed:
    """A column that holds several codes of ours: our code system, what to call them, and which there are."""

    system: str
    title: str
    codes: type[StrEnum]


LISTED = {
    "audience": Listed("audience", "For", Audience),
    "readiness": Listed("readiness", "Stage of change:", Readiness),
    "accessibility": Listed("accessibility", "Meets the need:", Accessibility),
}
# Column → part of an extension of ours, and the type of its value.
EVIDENCE = {
    "first_response_minutes": ("medianFirstResponse", "unsignedInt"),
    "first_response_p90_minutes": ("ninetiethFirstResponse", "unsignedInt"),
    "moderator_training": ("training", "string"),
    "supervision": ("supervision", "string"),
    "escalation_role": ("escalationRole", "string"),
    "crisis_policy": ("crisisPolicy", "string"),
    "self_harm_policy": ("selfHarmPolicy", "string"),
    "misinformation_policy": ("misinformationPolicy", "string"),
    "under_age_policy": ("underAgePolicy", "string"),
    "osa_assessed_on": ("onlineSafetyActAssessedOn", "date"),
    "fidelity_protocol": ("fidelityProtocol", "string"),
}
TAKING_PART = {
    "can_look_first": ("canLookFirst", "boolean"),
    "has_in_person": ("hasInPerson", "boolean"),
    "device_need": ("deviceNeed", "string"),
}
DATA = {"data_controller": ("controller", "string"), "data_country": ("country", "code")}
CIRCLE = {
    "centre_latitude": ("latitude", "decimal"),
    "centre_longitude": ("longitude", "decimal"),
    "radius_km": ("kilometres", "unsignedInt"),
}
RESEARCH = {"evidence_citation": ("citation", "string"), "evidence_on": ("on", "date")}
_NO_EVIDENCE = "No evidence supplied."
_TEST_DATA = {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}
_WORDS = {"24_7": "day and night"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STATEMENTS = {
    "moderation-evidence": EVIDENCE,
    "taking-part": TAKING_PART,
    "data-protection": DATA,
    "serves-circle": CIRCLE,
    "research-evidence": RESEARCH,
}
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
    for weekday, begin, end in row.moderator_hours:
        yield {
            "url": own_definition(base_url, "moderator-span"),
            "extension": [
                {"url": "dayOfWeek", "valueCode": _DAYS[weekday - 1]},
                {"url": "from", "valueTime": f"{begin}:00"},
                {"url": "to", "valueTime": f"{end}:00"},
                {"url": "timeZone", "valueCode": row.time_zone},
            ],
        }
    for key, columns in _STATEMENTS.items():
        if parts := list(_parts(row, columns)):
            yield {"url": own_definition(base_url, key), "extension": parts}
    if stated := capacity_of(row):
        yield _capacity(stated, base_url)
    if not row.evidence_citation:
        citation = {"url": "citation", "valueString": _NO_EVIDENCE}
        yield {"url": own_definition(base_url, "research-evidence"), "extension": [citation]}


def _capacity(stated: Capacity, base_url: str) -> dict[str, Any]:
    # On the last day that it is fresh: what a reader makes of it later, the dates say.
    state = stated.state(stated.fresh_until)
    status = {"system": CAPACITY_STATUS, "code": state.value, "display": str(state.label)}
    return {
        "url": own_definition(base_url, "capacity"),
        "extension": [
            {"url": "status", "valueCoding": status},
            {"url": "statedOn", "valueDate": str(stated.stated_on)},
            {"url": "freshUntil", "valueDate": str(stated.fresh_until)},
        ],
    }


def _parts(row: Community, columns: dict[str, tuple[str, str]]) -> Iterator[dict[str, Any]]:
    for column, (part, kind) in columns.items():
        value = getattr(row, column)
        if value is not None and value != "":
            written = str(value) if isinstance(value, date) else value
            yield {"url": part, f"value{kind[0].upper()}{kind[1:]}": written}


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
    for column, listed in LISTED.items():
        for code in getattr(row, column):
            yield _concept(base_url, listed.system, code, f"{listed.title} {_words(code)}")


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
