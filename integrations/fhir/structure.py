"""Whether JSON has the structure that R4 gives its types: one walk that meets every fault once.

The walk also lists the objects it met (nodes), so that the checks of meaning need no walk.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from integrations.fhir import fields, primitives, schema
from integrations.fhir.outcome import Finding, malformed
from integrations.fhir.schema import Element
from integrations.fhir.wire import MAX_DEPTH

_ELEMENT_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Node:
    """An object met on the walk. ``local`` holds what a reference such as "#x" means there."""

    at: str
    type_name: str
    value: dict[str, Any]
    local: dict[str, dict[str, Any]]
    parent_type: str = ""
    element: Element | None = None


@dataclass
class Walk:
    """What one walk over a resource found."""

    findings: list[Finding] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def resource(
        self,
        value: dict[str, Any],
        *,
        at: str,
        local: dict[str, dict[str, Any]] | None = None,
        parent_type: str = "",
        element: Element | None = None,
    ) -> None:
        """Walk a resource of a type that is not known beforehand."""
        name = value.get("resourceType")
        if not schema.is_resource(name):
            self.findings.append(unknown_type(name, at))
            return
        self._object(
            Node(
                at=at,
                type_name=str(name),
                value=value,
                local=_local(value) if local is None else local,
                parent_type=parent_type,
                element=element,
            )
        )

    def _object(self, node: Node) -> None:
        if node.at.count(".") > MAX_DEPTH:
            text = f"Elements are nested more than {MAX_DEPTH} levels deep."
            self.findings.append(malformed("too-long", text, node.at))
            return
        self.nodes.append(node)
        elements = schema.elements_of(node.type_name)
        for name in node.value:
            self._member(node, name, elements)
        self.findings += _unmet(node)

    def _member(self, node: Node, name: Any, elements: dict[str, Element]) -> None:
        plain = name.removeprefix("_") if isinstance(name, str) else ""
        element = elements.get(plain)
        is_extension = plain != name
        if element is None or (is_extension and not element.is_primitive):
            if name != "resourceType" or not schema.is_resource(node.type_name):
                self.findings.append(_unknown_element(node, name))
            return
        at = f"{node.at}.{element.path_name}"
        value = node.value[name]
        if primitives.is_blank(value):
            self.findings.append(_empty(at))
        elif element.is_list != isinstance(value, list):
            wanted = "a JSON array" if element.is_list else "one value, not a JSON array"
            self._fault("structure", f"This must be {wanted}.", at)
        elif element.is_list:
            self._items(node, element, value, at, is_extension=is_extension)
        else:
            self._value(node, element, value, at, is_extension=is_extension)

    def _items(
        self, node: Node, element: Element, values: list[Any], at: str, *, is_extension: bool
    ) -> None:
        siblings = node.value.get(element.name if is_extension else f"_{element.name}")
        if is_extension and isinstance(siblings, list) and len(siblings) != len(values):
            text = "The array of extensions must be as long as the array of values."
            self._fault("structure", text, at)
        for place, value in enumerate(values):
            here = f"{at}[{place}]"
            if value is None and element.is_primitive and _is_held(siblings, place):
                continue
            if primitives.is_blank(value):
                self.findings.append(_empty(here))
            else:
                self._value(node, element, value, here, is_extension=is_extension)

    def _value(
        self, node: Node, element: Element, value: Any, at: str, *, is_extension: bool
    ) -> None:
        if element.is_primitive and not is_extension:
            if wanted := primitives.fault(element.type_name, value):
                self._fault("value", f"This must be {wanted}.", at)
        elif not isinstance(value, dict):
            self._fault("structure", "This must be a JSON object.", at)
        elif element.type_name == schema.ANY_RESOURCE:
            # A contained resource shares its container's ids; an entry of a Bundle has its own.
            local = node.local if element.name == "contained" else None
            self.resource(value, at=at, local=local, parent_type=node.type_name, element=element)
        else:
            self._object(
                Node(
                    at=at,
                    type_name="Element" if is_extension else element.type_name,
                    value=value,
                    local=node.local,
                    parent_type=node.type_name,
                    element=element,
                )
            )

    def _fault(self, code: str, text: str, at: str) -> None:
        self.findings.append(malformed(code, text, at))


def unknown_type(name: object, at: str) -> Finding:
    """A resourceType that is absent, or that R4 does not have."""
    if name is None:
        return malformed("structure", "resourceType is missing.", at)
    return malformed("not-supported", "resourceType is not the name of an R4 resource.", at)


def _local(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    contained = fields.children(resource, "contained")
    # Of two with one id, a fault of its own, the first counts.
    ids = {f"#{fields.text(inner, 'id')}": inner for inner in reversed(contained)}
    return ids | {"#": resource}


def _is_held(siblings: Any, place: int) -> bool:
    """Whether a null stands in for a value that only its sibling array has."""
    return isinstance(siblings, list) and place < len(siblings) and siblings[place] is not None


def _empty(at: str) -> Finding:
    text = "This is empty. Leave out elements that have no value."
    return malformed("invariant", text, at)


def _unknown_element(node: Node, name: Any) -> Finding:
    if name == "fhir_comments":
        text = "fhir_comments is not part of R4 JSON. Leave it out."
        return malformed("structure", text, node.at)
    if not isinstance(name, str) or not _ELEMENT_NAME.fullmatch(name):
        return malformed("structure", f"{node.type_name} has a member with no FHIR name.", node.at)
    text = f"{node.type_name} has no element of this name."
    return malformed("structure", text, f"{node.at}.{name.removeprefix('_')}")


def _unmet(node: Node) -> Iterator[Finding]:
    """Required elements that are absent, and choices that were made twice."""
    for name, choice in schema.demands_of(node.type_name).items():
        made = [e.name for e in choice if e.name in node.value or f"_{e.name}" in node.value]
        at = f"{node.at}.{name}"
        if len(made) > 1:
            yield malformed("structure", f"Give only one of {', '.join(made)}.", at)
        elif not made and choice[0].is_required:
            wanted = name if len(choice) == 1 else f"one of {name}[x]"
            yield malformed("required", f"{node.type_name} needs {wanted}.", at)
