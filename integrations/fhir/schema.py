"""What R4 says about each type, read from the models of fhir.resources."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fhir.resources.R4B import fhirtypes, get_fhir_model_class

from integrations.fhir.bindings import RESOURCE_TYPES

# The models keep their annotations as text: "typing.List[fhirtypes.CodeType | None] | None".
_ANNOTATION = re.compile(r"(?P<many>typing\.List\[)?(?:fhirtypes\.)?(?P<type>[A-Za-z0-9]+)")
ANY_RESOURCE = "Resource"
# The models' names for FHIR's primitive types.
_PRIMITIVES = {
    "Base64Binary": "base64Binary",
    "Boolean": "boolean",
    "Canonical": "canonical",
    "Code": "code",
    "Date": "date",
    "DateTime": "dateTime",
    "Decimal": "decimal",
    "Id": "id",
    "Instant": "instant",
    "Integer": "integer",
    "Markdown": "markdown",
    "Oid": "oid",
    "PositiveInt": "positiveInt",
    "String": "string",
    "Time": "time",
    "UnsignedInt": "unsignedInt",
    "Uri": "uri",
    "Url": "url",
    "Uuid": "uuid",
    "Xhtml": "xhtml",
    "bool": "boolean",
}
# Types of R4B that R4 4.0.1 does not have.
_LATER = {"CodeableReference", "RatioRange"}
_PRIMITIVE_NAMES = frozenset(_PRIMITIVES.values())
# R4B has dropped some; to ask for the models themselves would load all of them.
_RESOURCES = frozenset(name for name in RESOURCE_TYPES if hasattr(fhirtypes, f"{name}Type"))


@dataclass(frozen=True, kw_only=True)
class Element:
    """One element of a type. ``name`` is its JSON name; ``choice`` is ``value`` for ``value[x]``.

    ``targets`` are the resource types that a Reference here may point to (none: any).
    """

    name: str
    type_name: str
    is_list: bool
    is_required: bool
    choice: str
    targets: tuple[str, ...]

    @property
    def is_primitive(self) -> bool:
        return self.type_name in _PRIMITIVE_NAMES

    @property
    def path_name(self) -> str:
        """The name in FHIRPath, where ``valueString`` is called ``value``."""
        return self.choice or self.name


def is_resource(name: object) -> bool:
    """Whether R4 4.0.1 has a concrete resource type of this name that the models of R4B know, too."""
    return isinstance(name, str) and name in _RESOURCES


@lru_cache(maxsize=512)
def elements_of(type_name: str) -> dict[str, Element]:
    """The elements of a resource or complex type by JSON name."""
    model = get_fhir_model_class(type_name)
    annotations: dict[str, Any] = {}
    for parent in reversed(model.__mro__):
        annotations |= {
            name: annotation
            for name, annotation in vars(parent).get("__annotations__", {}).items()
            if isinstance(annotation, str)
        }
    return {
        element.name: element
        for name, field in model.model_fields.items()
        if not name.endswith("__ext") and name != "fhir_comments"
        for element in [_element(annotations[name], name, field)]
        if element.type_name not in _LATER
    }


@lru_cache(maxsize=512)
def demands_of(type_name: str) -> dict[str, tuple[Element, ...]]:
    """The elements, by FHIRPath name, that must be there or that exclude one another."""
    groups: dict[str, list[Element]] = {}
    for element in elements_of(type_name).values():
        groups.setdefault(element.path_name, []).append(element)
    return {
        name: tuple(group)
        for name, group in groups.items()
        if len(group) > 1 or group[0].is_required
    }


def _element(annotation: str, name: str, field: Any) -> Element:
    found = _ANNOTATION.match(annotation)
    assert found, annotation  # noqa: S101 - the models are generated, and every one is tested
    type_name = found["type"].removesuffix("Type")
    facts = field.json_schema_extra or {}
    return Element(
        name=field.alias or name,
        type_name=_PRIMITIVES.get(type_name, type_name),
        is_list=bool(found["many"]),
        is_required=field.is_required()
        or bool(facts.get("element_required") or facts.get("one_of_many_required")),
        choice=facts.get("one_of_many", ""),
        targets=tuple(
            target for target in facts.get("enum_reference_types", ()) if target != ANY_RESOURCE
        ),
    )
