"""Resources as they were received: whether two say the same."""

import json
from typing import Any

_OURS = ("versionId", "lastUpdated")


def is_same_content(one: str, other: str) -> bool:
    """Whether two resources, as JSON text, differ in nothing but what a server owns: id, version, moment.

    0.40 is not 0.4.
    """
    return one == other or _content(one) == _content(other)


def _content(text: str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(text, parse_float=_as_written, parse_int=_as_written)
    meta = {name: value for name, value in members.pop("meta", {}).items() if name not in _OURS}
    members.pop("id", None)
    return members | ({"meta": meta} if meta else {})


def _as_written(number: str) -> tuple[str]:
    return (number,)  # no JSON string equals it
