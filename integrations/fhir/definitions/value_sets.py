"""The value sets of this service: all codes of each code system of its own, and what the profiles bind elements to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from communities.selectors import conditions_with_codes
from integrations.fhir import service_request
from integrations.fhir.definitions.code_systems import SYSTEMS
from integrations.fhir.definitions.edition import Definition, Edition
from integrations.fhir.systems import REQUEST_INTENT, REQUEST_STATUS, SNOMED

Include = dict[str, Any]
REFERRAL_CODE = "referral-code"
REFERRAL_INTENT = "referral-intent"
REFERRAL_REASON = "referral-reason"
REFERRAL_STATUS = "referral-status"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A value set that takes some codes out of code systems, ours or others'."""

    key: str
    title: str
    text: str
    includes: Callable[[Edition], list[Include]]


def _codes(system: str, codes: Iterable[str]) -> Include:
    return {"system": system, "concept": [{"code": code} for code in codes]}


def _referral_codes(edition: Edition) -> list[Include]:
    return [
        {"system": edition.canonical("CodeSystem", "referral-type")},
        _codes(SNOMED, [service_request.SUPPORT_GROUP]),
    ]


def _reasons(_edition: Edition) -> list[Include]:
    codes = (code for condition in conditions_with_codes() for code in condition.codes.all())
    concepts = [
        {"code": each.snomed_code} | ({"display": each.term} if each.term else {})
        for each in sorted(codes, key=lambda each: each.snomed_code)
    ]
    return [{"system": SNOMED, "concept": concepts}]


CHOSEN = (
    Chosen(
        key=REFERRAL_CODE,
        title="Code of a referral",
        text="What says that a ServiceRequest is a referral to peer support.",
        includes=_referral_codes,
    ),
    Chosen(
        key=REFERRAL_INTENT,
        title="Intent of a referral",
        text="The intents that a referral can have.",
        includes=lambda _: [_codes(REQUEST_INTENT, service_request.INTENTS)],
    ),
    Chosen(
        key=REFERRAL_STATUS,
        title="Status of a referral",
        text="The statuses that a referral can have. It begins as draft or active.",
        includes=lambda _: [_codes(REQUEST_STATUS, service_request.AMENDABLE)],
    ),
    Chosen(
        key=REFERRAL_REASON,
        title="Reason for a referral",
        text="The SNOMED CT codes that lead to a condition here. At least one reason must be among them.",
        includes=_reasons,
    ),
)


def value_sets(edition: Edition) -> list[Definition]:
    """Those of the code systems, then those that were chosen."""
    whole = [
        _written(
            edition,
            system.key,
            system.title,
            f"All codes of the code system {system.key}.",
            [{"system": edition.canonical("CodeSystem", system.key)}],
        )
        for system in SYSTEMS
    ]
    return whole + [
        _written(edition, one.key, one.title, one.text, one.includes(edition)) for one in CHOSEN
    ]


def _written(
    edition: Edition, key: str, title: str, text: str, includes: list[Include]
) -> Definition:
    return edition.begin("ValueSet", key, title, text) | {"compose": {"include": includes}}
