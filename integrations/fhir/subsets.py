"""Parts of a resource, for those who asked for less than all of it: ``_summary`` and ``_elements``."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from integrations.fhir import schema
from integrations.fhir.systems import OBSERVATION_VALUE

_ALWAYS = frozenset({"resourceType", "id", "meta"})
_SUBSETTED = {"system": OBSERVATION_VALUE, "code": "SUBSETTED"}


def part_of(
    resource: dict[str, Any], *, summary: str = "false", elements: Collection[str] = ()
) -> dict[str, Any]:
    """The resource as far as it was asked for, marked SUBSETTED when anything may be missing.

    ``summary`` is ``true``, ``text``, ``data`` or ``false``; ``elements`` are names of top-level elements.
    """
    kind = resource["resourceType"]
    if summary == "data":
        return _marked({name: value for name, value in resource.items() if name != "text"})
    if summary == "true":
        kept = _mandatory_of(kind) | _summary_of(kind)
    elif summary == "text":
        kept = _mandatory_of(kind) | {"text"}
    elif elements:
        kept = _mandatory_of(kind) | frozenset(elements)
    else:
        return resource
    return _marked(
        {name: value for name, value in resource.items() if name.removeprefix("_") in kept}
    )


def _marked(resource: dict[str, Any]) -> dict[str, Any]:
    meta = dict(resource.get("meta", {}))
    meta["tag"] = [*meta.get("tag", []), _SUBSETTED]
    return resource | {"meta": meta}


@lru_cache(maxsize=128)
def _summary_of(kind: str) -> frozenset[str]:
    """The elements that R4 puts into the summary of a type."""
    return frozenset(get_fhir_model_class(kind).summary_elements_sequence())


@lru_cache(maxsize=128)
def _mandatory_of(kind: str) -> frozenset[str]:
    """The elements without which a resource of the type would not be valid."""
    required = {e.name for e in schema.elements_of(kind).values() if e.is_required}
    return _ALWAYS | required
