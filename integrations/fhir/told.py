"""What a sender tells of a patient in words and in codes beside the reasons: what a risk may be read from."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integrations.fhir import fields
from integrations.fhir.subject import Resolve
from integrations.fhir.systems import normalise
from referrals.intake import Coding

_OF = {
    "ServiceRequest": (
        "text",
        "reasonCode",
        "reasonReference",
        "note",
        "patientInstruction",
        "orderDetail",
        "supportingInfo",
    ),
    "Task": ("text", "reasonCode", "reasonReference", "note", "description", "input"),
}
_WORDS = {"text", "display", "title", "description", "conclusion", "valueString", "valueMarkdown"}
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, kw_only=True)
class Told:
    """Words and codings, each with the FHIR element it stands in, or that refers to it."""

    texts: tuple[tuple[str, str], ...] = ()
    codings: tuple[tuple[str, Coding], ...] = ()


def read(resource: dict[str, Any], *, resolve: Resolve) -> Told:
    """What a ServiceRequest or a Task tells, in itself and in what its reasons and notes refer to."""
    parts = list(_parts(resource, resolve))
    return Told(
        texts=tuple((at, words) for at, part in parts for words in _words(part)),
        codings=tuple((at, coding) for at, part in parts for coding in _codings(part)),
    )


def _parts(resource: dict[str, Any], resolve: Resolve) -> Iterator[tuple[str, Any]]:
    kind = fields.text(resource, "resourceType")
    contained = {f"#{fields.text(c, 'id')}": c for c in fields.children(resource, "contained")}
    for name in _OF.get(kind, ()):
        at, value = f"{kind}.{name}", resource.get(name)
        yield at, value
        for part in value if isinstance(value, list) else [value]:
            reference = fields.text(part, "reference") if isinstance(part, dict) else ""
            if reference:
                yield at, contained.get(reference) or resolve(reference)


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for member in value:
            yield from _words(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == "div" and isinstance(member, str):
                yield html.unescape(_TAG.sub("", member))
            elif name in _WORDS or not isinstance(member, str):
                yield from _words(member)


def _codings(value: Any) -> Iterator[Coding]:
    if isinstance(value, list):
        for member in value:
            yield from _codings(member)
    elif isinstance(value, dict):
        if code := fields.text(value, "code"):
            yield Coding(system=normalise(fields.text(value, "system")), code=code)
        for member in value.values():
            yield from _codings(member)
