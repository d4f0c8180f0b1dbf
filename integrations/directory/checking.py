"""Reading a JSON object element by element, noting each fault with its JSON path (RFC 9535)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST = 10_000  # characters of one text
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE | re.ASCII)
_KINDS = {bool: "a truth value", str: "text", list: "a list", dict: "an object", type(None): "null"}


@dataclass
class Element:
    """A JSON object. An element that is ``null`` is taken as not there; what else is wrong goes to ``faults``."""

    value: Mapping[str, object]
    path: str
    faults: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, name: str, sentence: str) -> None:
        """Note that something is wrong with an element."""
        self.faults.append((f"{self.path}.{name}" if name else self.path, sentence))

    def text(self, name: str, *, is_needed: bool = False) -> str:
        """Text without spaces around it; empty where there is none."""
        value = self._typed(name, str)
        text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        if len(text) > _LONGEST or _CONTROL.search(text):
            self.fault(
                name, f"This is longer than {_LONGEST} characters, or holds control characters."
            )
            return ""
        is_wrong = value is None and self.value.get(name) is not None
        if is_needed and not text and not is_wrong:
            self.fault(name, "This is needed.")
        return text

    def id(self, name: str = "id") -> UUID | None:
        """An id, which is needed."""
        text = self.text(name, is_needed=True)
        if text and not _UUID.match(text):
            self.fault(name, f"{text[:40]!r} is not a UUID.")
            return None
        return UUID(text) if text else None

    def address(self, name: str) -> str:
        """A web address; empty where there is none."""
        text = self.text(name)
        if text and not _is_address(text):
            self.fault(
                name, f"{text[:60]!r} is not an address that begins with https:// or http://."
            )
            return ""
        return text

    def whole_number(self, name: str) -> int | None:
        """A whole number from 0 to 999."""
        value = self.value.get(name)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value < 1000 or value % 1:  # type: ignore[operator]
            self.fault(name, f"A whole number is expected, not {_kind(value)}.")
            return None
        return int(value)  # type: ignore[call-overload, no-any-return]

    def number(self, name: str) -> float | None:
        """A number."""
        value = self.value.get(name)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self.fault(name, f"A number is expected, not {_kind(value)}.")
        return None

    def one(self, name: str) -> "Element | None":
        """An object inside."""
        value = self._typed(name, dict)
        if not isinstance(value, dict):
            return None
        return Element(value, f"{self.path}.{name}", self.faults)

    def some(self, name: str) -> "list[Element]":
        """The objects of a list inside."""
        value = self._typed(name, list)
        found = []
        for position, each in enumerate(value if isinstance(value, list) else []):
            path = f"{name}[{position}]"
            if isinstance(each, dict):
                found.append(Element(each, f"{self.path}.{path}", self.faults))
            else:
                self.fault(path, f"An object is expected, not {_kind(each)}.")
        return found

    def _typed(self, name: str, kind: type) -> object:
        value = self.value.get(name)
        if value is not None and not isinstance(value, kind):
            self.fault(name, f"{_KINDS[kind].capitalize()} is expected, not {_kind(value)}.")
            return None
        return value


def _kind(value: object) -> str:
    return _KINDS.get(type(value), f"the number {value}")[:60]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        return False
