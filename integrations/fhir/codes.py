"""The codes that R4 allows: its required bindings, which fhir.resources does not check."""

import re
from collections.abc import Iterator
from typing import Any

from integrations.fhir import bindings, fields
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.structure import Node

_MOST_NAMED = 32
# Value sets that R4 does not list: how their codes are written.
_WRITTEN = {
    "mimetypes": (
        re.compile(r"[\w.+\-]+(/[\w.+*\-]+)?(\s*;.*)?"),
        "a MIME type such as text/plain",
    ),
    "currencies": (re.compile(r"[A-Z]{3}"), "an ISO 4217 currency such as GBP"),
}


def check(node: Node) -> Iterator[Finding]:
    """Codes that the value set of their element does not have."""
    for name, value_set in bindings.ELEMENTS.get(node.type_name, {}).items():
        if name not in node.value:
            continue
        value, at = node.value[name], f"{node.at}.{name}"
        if isinstance(value, list):
            for place, member in enumerate(value):
                yield from _fault(member, value_set, f"{at}[{place}]")
        else:
            yield from _fault(value, value_set, at)


def _fault(value: Any, value_set: str, at: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        codes = [fields.text(coding, "code") for coding in fields.children(value, "coding")]
        is_allowed = any(_is_allowed(code, value_set) for code in codes)
    else:
        # Blanks and other JSON types are faults of structure, and said there.
        is_code = isinstance(value, str) and bool(value.strip())
        is_allowed = not is_code or _is_allowed(value, value_set)
    if not is_allowed:
        text = f"This code is not in the value set. Use {_wanted(value_set)}."
        yield unprocessable("code-invalid", text, at)


def _is_allowed(code: str, value_set: str) -> bool:
    if value_set in _WRITTEN:
        return bool(_WRITTEN[value_set][0].fullmatch(code))
    return code in bindings.VALUE_SETS[value_set]


def _wanted(value_set: str) -> str:
    if value_set in _WRITTEN:
        return _WRITTEN[value_set][1]
    codes = bindings.VALUE_SETS[value_set]
    if len(codes) > _MOST_NAMED:
        return f"one of http://hl7.org/fhir/ValueSet/{value_set}"
    return f"one of: {', '.join(codes)}"
