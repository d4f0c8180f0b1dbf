"""The entries of a Bundle, and which of them a reference leads to."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from integrations.fhir import fields

_URN = re.compile(r"urn:(?:uuid|oid):[0-9A-Za-z.\-]+")


class Entries:
    """What a Bundle holds, by place and by fullUrl."""

    def __init__(self, bundle: dict[str, Any]) -> None:
        self.sent = fields.children(bundle, "entry")
        self._places: dict[str, int] = {}
        for place, entry in enumerate(self.sent):
            self._places.setdefault(fields.text(entry, "fullUrl"), place)
        self._places.pop("", None)

    def find(self, reference: str, *, place: int) -> int | None:
        """The place of the entry that a reference in the entry at ``place`` leads to, or None.

        A relative reference counts from the base of its own entry's fullUrl (R4, resolving references in Bundles).
        """
        if reference in self._places:
            return self._places[reference]
        full_url = fields.text(self.sent[place], "fullUrl")
        base = full_url.rsplit("/", 2)[0] if full_url.startswith("http") else ""
        return self._places.get(f"{base}/{reference}") if base else None

    def resource(self, place: int) -> dict[str, Any]:
        """The resource of an entry, or an empty one."""
        return fields.child(self.sent[place], "resource")

    def resolver(self, place: int) -> Callable[[str], dict[str, Any] | None]:
        """What follows the references of the entry at ``place`` to resources that were sent along."""
        return partial(self._resolve, place=place)

    def _resolve(self, reference: str, *, place: int) -> dict[str, Any] | None:
        found = self.find(reference, place=place)
        return None if found is None else self.resource(found)


def references(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every Reference.reference in a value, with the FHIRPath of its Reference."""
    if isinstance(value, list):
        for place, member in enumerate(value):
            yield from references(member, f"{at}[{place}]")
    elif isinstance(value, dict):
        if reference := fields.text(value, "reference"):
            yield at, reference
        for name, member in value.items():
            yield from references(member, f"{at}.{name}")


def rewritten(value: Any, *, entries: Entries, place: int, addresses: Mapping[int, str]) -> Any:
    """A resource of the entry at ``place`` in which what leads to other entries names their addresses here.

    That is references, whole URIs and links of a narrative (R4, transaction). ``addresses`` are relative, by place.
    """

    def follow(reference: str) -> str:
        found = entries.find(reference, place=place)
        return reference if found is None else addresses.get(found, reference)

    def change(name: str, member: Any) -> Any:
        if isinstance(member, dict):
            return {inner: change(inner, one) for inner, one in member.items()}
        if isinstance(member, list):
            return [change(name, one) for one in member]
        if not isinstance(member, str):
            return member
        if name == "div":
            return _URN.sub(lambda found: follow(found[0]), member)
        return follow(member) if name == "reference" or member.startswith("urn:") else member

    return change("", value)
