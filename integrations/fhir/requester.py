"""Who asks for the referral, as far as the ServiceRequest itself says."""

from dataclasses import dataclass
from typing import Any

from integrations.fhir import fields
from integrations.fhir.identifiers import ods_code_of
from integrations.fhir.subject import Resolve


@dataclass(frozen=True, kw_only=True)
class Requester:
    """A name to show and an ODS code to compare; either may be empty."""

    name: str
    ods_code: str


def read(resource: dict[str, Any], *, resolve: Resolve, element: str = "requester") -> Requester:
    """The requester of a ServiceRequest, followed into its contained resources and to what ``resolve`` finds.

    ``element`` is another that names who asks, as ``sender`` does in a MessageHeader.
    """
    return _referred(fields.child(resource, element), resource, resolve, depth=2)


def _referred(
    reference: dict[str, Any], resource: dict[str, Any], resolve: Resolve, *, depth: int
) -> Requester:
    """``depth`` bounds the steps from role to organisation: resources may form a ring."""
    target = _contained(reference, resource) or resolve(fields.text(reference, "reference")) or {}
    identifiers = [fields.child(reference, "identifier"), *fields.children(target, "identifier")]
    name, ods_code = _name(reference, target), ods_code_of(identifiers)
    if depth and target.get("resourceType") == "PractitionerRole":
        person, organization = (
            _referred(fields.child(target, part), resource, resolve, depth=depth - 1)
            for part in ("practitioner", "organization")
        )
        name = name or person.name or organization.name
        ods_code = ods_code or organization.ods_code
    return Requester(name=name, ods_code=ods_code)


def _contained(reference: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    target = fields.text(reference, "reference")
    for contained in fields.children(resource, "contained"):
        if target == f"#{fields.text(contained, 'id')}":
            return contained
    return {}


def _name(reference: dict[str, Any], target: dict[str, Any]) -> str:
    if display := fields.text(reference, "display"):
        return display
    # An Organization's name is text, a Practitioner's a list of HumanNames.
    if name := fields.text(target, "name"):
        return name
    for human in fields.children(target, "name"):
        given = human.get("given")
        parts = [part for part in given if isinstance(part, str)] if isinstance(given, list) else []
        family = fields.text(human, "family")
        return fields.text(human, "text") or " ".join([*parts, family]).strip()
    return ""
