"""Which of several names, addresses or contact details counts."""

from collections.abc import Callable
from typing import Any

from integrations.fhir import fields

_LAST = 10_000


def first(
    candidates: list[dict[str, Any]],
    order: dict[str, int],
    is_usable: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    """The usable candidate whose ``use`` comes first; uses that are not in the order are past."""
    usable = [c for c in candidates if fields.text(c, "use") in order and is_usable(c)]
    return min(usable, key=lambda c: (order[fields.text(c, "use")], _rank(c)), default={})


def _rank(candidate: dict[str, Any]) -> int:
    rank = candidate.get("rank")
    return rank if isinstance(rank, int) else _LAST
