"""References and contained resources: what may be pointed at, and that "#x" is really there."""

import re
from collections.abc import Iterator
from typing import Any

from integrations.fhir import fields, schema
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.structure import Node
from integrations.fhir.wire import MAX_DEPTH

_LITERAL = re.compile(
    r"(?P<base>https?://\S+/)?(?P<type>[A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?"
)
_SEARCH = re.compile(r"(?P<type>[A-Za-z]+)\?\S+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")

_NARROWED = {
    # R4 would allow more than a referral of a person can mean.
    ("ServiceRequest", "subject"): ("Patient",),
    # The models are of R4B, which allows more than R4 4.0.1.
    ("Observation", "subject"): ("Patient", "Group", "Device", "Location"),
    ("MeasureReport", "subject"): (
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Location",
        "Device",
        "RelatedPerson",
        "Group",
    ),
}


def check(node: Node) -> Iterator[Finding]:
    """Faults of a Reference, of a contained resource or of its container."""
    if node.type_name == "Reference":
        yield from _check_reference(node)
    elif node.element and node.element.name == "contained":
        yield from _check_contained(node)
    if "contained" in node.value and schema.is_resource(node.type_name):
        yield from _check_container(node)


def pointers(value: Any, depth: int = MAX_DEPTH) -> Iterator[str]:
    """Every string below that points into the same resource: canonicals and URIs can, too."""
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif depth and isinstance(value, (dict, list)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from pointers(member, depth - 1)


def _check_contained(node: Node) -> Iterator[Finding]:
    if "contained" in node.value:
        text = "A contained resource must not contain another (dom-2)."
        yield unprocessable("invariant", text, f"{node.at}.contained")
    if "id" not in node.value:
        yield unprocessable("invariant", "A contained resource needs an id.", f"{node.at}.id")
    for name in ("versionId", "lastUpdated", "security"):
        if name in fields.child(node.value, "meta"):
            text = "A contained resource has no version and no security label (dom-4, dom-5)."
            yield unprocessable("invariant", text, f"{node.at}.meta.{name}")


def _check_container(node: Node) -> Iterator[Finding]:
    used, seen = set(pointers(node.value)), set()
    for place, resource in fields.indexed(node.value, "contained"):
        name, at = fields.text(resource, "id"), f"{node.at}.contained[{place}]"
        if name and name in seen:
            text = "Two contained resources have the same id."
            yield unprocessable("invariant", text, f"{at}.id")
        elif name and f"#{name}" not in used and "#" not in pointers(resource):
            text = "Nothing refers to this contained resource (dom-3). Refer to it or leave it out."
            yield unprocessable("invariant", text, at)
        seen.add(name)


def _check_reference(node: Node) -> Iterator[Finding]:
    reference = fields.text(node.value, "reference")
    at = f"{node.at}.reference"
    if reference.startswith("#"):
        found = node.local.get(reference)
        if found is None:
            text = "No contained resource has the id that this reference names."
            yield unprocessable("not-found", text, at)
        else:
            yield from _check_target(node, fields.text(found, "resourceType"), at)
    elif reference:
        yield from _check_literal(node, reference, at)
    yield from _check_target(node, fields.text(node.value, "type"), f"{node.at}.type")


def _check_literal(node: Node, reference: str, at: str) -> Iterator[Finding]:
    found = _LITERAL.fullmatch(reference) or _SEARCH.fullmatch(reference)
    if found and schema.is_resource(found["type"]):
        yield from _check_target(node, found["type"], at)
    elif not _ABSOLUTE.fullmatch(reference):
        text = "A relative reference is an R4 resource type and an id, such as Patient/123."
        yield unprocessable("value", text, at)


def _check_target(node: Node, type_name: str, at: str) -> Iterator[Finding]:
    allowed = node.element.targets if node.element else ()
    if node.element:
        allowed = _NARROWED.get((node.parent_type, node.element.name), allowed)
    if allowed and schema.is_resource(type_name) and type_name not in allowed:
        yield unprocessable("value", f"This may refer only to: {', '.join(allowed)}.", at)
