"""Looking into a resource without tripping: a member of another type counts as absent."""

from typing import Any


def text(parent: dict[str, Any], name: str) -> str:
    """The string member, without surrounding space, or an empty string."""
    value = parent.get(name)
    return value.strip() if isinstance(value, str) else ""


def child(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """The object member, or an empty one."""
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def children(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of the list member, in order."""
    value = parent.get(name)
    if not isinstance(value, list):
        return []
    return [member for member in value if isinstance(member, dict)]


def indexed(parent: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects of the list member with their places, for naming them in a finding."""
    value = parent.get(name)
    if not isinstance(value, list):
        return []
    return [(place, member) for place, member in enumerate(value) if isinstance(member, dict)]
