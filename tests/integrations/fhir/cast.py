"""The examples and rows that the tests of this folder share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from integrations.fhir import checking, wire
from integrations.fhir.outcome import Finding, Refused

BASE_URL = "https://referrals.example"
REFERRAL_ID = UUID("0b9f6c1e-6d5c-4c58-8f6e-1d1f0a7b2c01")
PATIENT_ID = UUID("0b9f6c1e-6d5c-4c58-8f6e-1d1f0a7b2c02")
PRACTICE_ID = UUID("0b9f6c1e-6d5c-4c58-8f6e-1d1f0a7b2c03")
AT = datetime(2026, 11, 22, 10, 30, 0, 120000, timezone(timedelta(hours=1)))
_EXAMPLES = Path(__file__).parent / "examples"


def example(name: str) -> dict[str, Any]:
    """A fresh copy of one of the JSON examples."""
    return wire.parse((_EXAMPLES / f"{name}.json").read_bytes())


def a_referral(**elements: Any) -> dict[str, Any]:
    """The example of a ServiceRequest with these elements in it, and of what it contains only what is referred to."""
    referral = example("referral") | elements
    return referral if "contained" in elements else referred_to_only(referral)


def referred_to_only(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what it contains and nothing refers to (dom-3)."""
    while unused := [
        inner
        for inner in resource.get("contained", [])
        if f'"#{inner["id"]}"' not in wire.dump(resource).decode()
    ]:
        kept = [inner for inner in resource["contained"] if inner not in unused]
        resource = without(resource, "contained") | ({"contained": kept} if kept else {})
    return resource


def a_patient(**elements: Any) -> dict[str, Any]:
    """The example of a Patient with these elements in it."""
    return example("patient") | elements


def without(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    """The resource without these elements."""
    return {name: value for name, value in resource.items() if name not in names}


def refusal(call: Callable[[], object]) -> Refused:
    """The refusal that the call must raise."""
    with pytest.raises(Refused) as caught:
        call()
    return caught.value


def verdict(call: Callable[[], object]) -> Refused | None:
    """The refusal that the call raises, if it does."""
    try:
        call()
    except Refused as refused:
        return refused
    return None


def places(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """What is wrong and where, without the wording."""
    return [(finding.code, finding.expression) for finding in findings]


def check(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """The faults that the checks find in a resource that claims the right type."""
    findings = checking.check(resource, resource_type=resource["resourceType"])
    return places(finding for finding in findings if finding.is_error)


@dataclass(frozen=True)
class Practice:
    pk: UUID = PRACTICE_ID
    ods_code: str = "X99999"
    name: str = "Example Surgery"


@dataclass(frozen=True)
class Document:
    text: str = "{}"


@dataclass(frozen=True, kw_only=True)
class Referral:
    pk: UUID = REFERRAL_ID
    reference: str = "PR-7K2M-9Q"
    patient_id: UUID = PATIENT_ID
    practice: Practice = field(default_factory=Practice)
    received_at: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Change:
    version: int = 4
    at: datetime = AT
    status: str = "active"
    task_status: str = "accepted"
    business_status: str = "matched"
    reason_text: str = ""
    request_document: Document = Document()
    task_document: Document | None = None


@dataclass(frozen=True, kw_only=True)
class Patient:
    document: str
    pk: UUID = PATIENT_ID
    version: int = 2
    updated_at: datetime = AT
