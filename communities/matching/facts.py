"""A need or a candidate as plain JSON, word for word, and back: what is needed to judge again what was judged then."""

from dataclasses import asdict, fields
from enum import EnumType
from hashlib import sha256
from json import dumps
from typing import Any, TypeVar, get_origin

from communities.matching.candidate import Candidate, Circle
from communities.matching.need import Need

Thing = TypeVar("Thing", Need, Candidate)


def written(thing: Need | Candidate) -> dict[str, Any]:
    """As JSON; sets in order, so that equal things are written alike."""
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in asdict(thing).items()
    }


def read(kind: type[Thing], facts: dict[str, Any]) -> Thing:
    """What was written."""
    types = {one.name: one.type for one in fields(kind)}
    return kind(**{name: _value(types[name], value) for name, value in facts.items()})


def digest(facts: dict[str, Any]) -> str:
    """Equal facts have one digest, and others another: SHA-256 in hex."""
    return sha256(dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _value(kind: object, value: Any) -> Any:
    several = get_origin(kind)
    if several in (frozenset, tuple):
        return several(value)
    if isinstance(kind, EnumType):
        return kind(value)
    return Circle(**value) if isinstance(value, dict) else value
