"""What a rule is, and the small words in which rules are written.

A rule must bear any JSON: what has the wrong form is said elsewhere, and a rule then holds or not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.fhir import fields

Json = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """One invariant by R4's ``key``; ``element`` is the one to name in a finding, ``text`` what to say."""

    key: str
    element: str
    holds: Callable[[Json], bool]
    text: str


def has(value: Json, *names: str) -> bool:
    """Whether one of the elements is there, if only as an extension."""
    return any(name in value or f"_{name}" in value for name in names)


def chosen(value: Json, name: str) -> bool:
    """Whether a choice such as ``value[x]`` has been made."""
    return any(_is_choice(member.removeprefix("_"), name) for member in value if member)


def _is_choice(member: str, name: str) -> bool:
    return member.startswith(name) and member[len(name) : len(name) + 1].isupper()


def needs(element: str, other: str) -> Callable[[Json], bool]:
    """An element that is only there beside the other."""
    return lambda value: not has(value, element) or has(value, other)


def at_least_one(*names: str) -> Callable[[Json], bool]:
    """One of the elements is there."""
    return lambda value: has(value, *names)


def not_both(element: str, other: str) -> Callable[[Json], bool]:
    """At most one of the two elements is there."""
    return lambda value: not (has(value, element) and has(value, other))


def exactly_one(element: str, other: str) -> Callable[[Json], bool]:
    """One of the two elements is there and the other is not."""
    return lambda value: has(value, element) != has(value, other)


def number(value: Json, name: str) -> Decimal | None:
    """The number in a member, if one is there."""
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
        return None
    return Decimal(found)


def is_distinct(members: list[Json], *names: str) -> bool:
    """Whether no two members have the same text in these elements."""
    seen = [tuple(fields.text(member, name) for name in names) for member in members]
    return len(seen) == len(set(seen))
