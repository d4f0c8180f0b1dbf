"""Rules that R4 sets between elements of one object, for the types read here."""

from collections.abc import Callable, Iterator
from typing import Any

from integrations.fhir.outcome import Finding, malformed
from integrations.fhir.structure import Node

_Rule = tuple[str, Callable[[dict[str, Any]], bool], str]


def _is_extension_filled(value: dict[str, Any]) -> bool:
    has_value = any(name.startswith(("value", "_value")) for name in value)
    return has_value != ("extension" in value)


def _has_system_when_valued(value: dict[str, Any]) -> bool:
    return "value" not in value or "system" in value or "_system" in value


def _has_code_when_detailed(value: dict[str, Any]) -> bool:
    return "orderDetail" not in value or "code" in value


def _is_contact_filled(value: dict[str, Any]) -> bool:
    return not value.keys().isdisjoint({"name", "telecom", "address", "organization"})


# type: (element to name, the rule, what to say when it is broken)
_RULES: dict[str, tuple[_Rule, ...]] = {
    "Extension": (
        ("", _is_extension_filled, "An extension has either a value or extensions (ext-1)."),
    ),
    "ContactPoint": (
        ("system", _has_system_when_valued, "A contact point with a value needs a system (cpt-2)."),
    ),
    "ServiceRequest": (
        ("orderDetail", _has_code_when_detailed, "orderDetail needs a code beside it (prr-1)."),
    ),
    "PatientContact": (
        ("", _is_contact_filled, "A contact needs a name, details or an organisation (pat-1)."),
    ),
}


def check(node: Node) -> Iterator[Finding]:
    """The rules that the object breaks."""
    for element, holds, text in _RULES.get(node.type_name, ()):
        if not holds(node.value):
            yield malformed("invariant", text, f"{node.at}.{element}" if element else node.at)
