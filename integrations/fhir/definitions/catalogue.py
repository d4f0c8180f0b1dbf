"""All definitions by type, and finding some of them: read by id, searched by what names them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from integrations.fhir.definitions.code_systems import code_systems
from integrations.fhir.definitions.edition import Definition, Edition
from integrations.fhir.definitions.extensions import extensions
from integrations.fhir.definitions.operations import operations
from integrations.fhir.definitions.profiles import profiles
from integrations.fhir.definitions.value_sets import value_sets
from integrations.fhir.outcome import Finding, Refused, malformed, operation_outcome, tolerated
from integrations.fhir.searching.query import DRESS, MOST
from integrations.fhir.searching.values import alternatives, plain
from integrations.fhir.systems import fhir_base

Pairs = Sequence[tuple[str, str]]
_WRITTEN: dict[str, tuple[Callable[[Edition], list[Definition]], ...]] = {
    "StructureDefinition": (profiles, extensions),
    "CodeSystem": (code_systems,),
    "ValueSet": (value_sets,),
    "OperationDefinition": (operations,),
}
TYPES = tuple(_WRITTEN)
# Parameter → its type.
PARAMETERS: Mapping[str, str] = {"_id": "token", "name": "string", "url": "uri"}
_COUNT, _OFFSET = "_count", "_offset"


@dataclass
class _Asked:
    """A search being read."""

    wanted: dict[str, list[str]] = field(default_factory=dict)
    count: int = MOST
    offset: int = 0
    used: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


def all_of(resource_type: str, edition: Edition) -> list[Definition]:
    """Every definition of a type."""
    return [one for write in _WRITTEN[resource_type] for one in write(edition)]


def definition(resource_type: str, key: str, edition: Edition) -> Definition | None:
    """The definition with this id, or None."""
    return next((one for one in all_of(resource_type, edition) if one["id"] == key), None)


def search(
    resource_type: str, pairs: Pairs, *, is_strict: bool, edition: Edition
) -> dict[str, Any]:
    """The searchset of those definitions that meet all parameters. Raises Refused (400)."""
    asked = _read(pairs, is_strict=is_strict)
    found = [one for one in all_of(resource_type, edition) if _is_met(one, asked.wanted)]
    place = f"{fhir_base(edition.base_url)}/{resource_type}"
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": _address(place, asked, asked.offset)}],
    }
    end = asked.offset + asked.count
    if asked.count and end < len(found):
        bundle["link"].append({"relation": "next", "url": _address(place, asked, end)})
    entries: list[dict[str, Any]] = [
        {"fullUrl": f"{place}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in found[asked.offset : end]
    ]
    if asked.warnings:
        outcome = operation_outcome(asked.warnings)
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    return bundle | ({"entry": entries} if entries else {})


def _read(pairs: Pairs, *, is_strict: bool) -> _Asked:
    asked = _Asked()
    for name, value in pairs:
        if name in (_COUNT, _OFFSET):
            _number(asked, name, value)
        elif name in PARAMETERS and value:
            asked.wanted.setdefault(name, []).append(value)
            asked.used.append((name, value))
        elif name not in DRESS:
            text = f"Definitions are searched by: {', '.join(PARAMETERS)}, each with a value."
            found = (
                malformed("not-supported", text) if is_strict else tolerated("not-supported", text)
            )
            (asked.faults if is_strict else asked.warnings).append(found)
    if asked.faults:
        raise Refused(400, asked.faults)
    return asked


def _number(asked: _Asked, name: str, value: str) -> None:
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        text = f"{name} is a whole number from 0."
        asked.faults.append(malformed("value", text, f"http.{name}"))
    elif name == _COUNT:
        asked.count = min(int(value), MOST)
        asked.used.append((name, str(asked.count)))
    else:
        asked.offset = int(value)


def _is_met(one: Definition, wanted: Mapping[str, list[str]]) -> bool:
    return all(
        any(_matches(one, name, plain(value)) for value in alternatives(given))
        for name, values in wanted.items()
        for given in values
    )


def _matches(one: Definition, name: str, value: str) -> bool:
    if name == "name":
        return str(one["name"]).lower().startswith(value.lower())
    return bool(one[name.removeprefix("_")] == value)


def _address(place: str, asked: _Asked, offset: int) -> str:
    parameters = [*asked.used, *([(_OFFSET, str(offset))] if offset else [])]
    return f"{place}?{urlencode(parameters)}" if parameters else place
