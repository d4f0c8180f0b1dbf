"""Makes integrations/fhir/r4_bindings.json: the codes of every required binding, from R4's own definitions.

``python -m scripts.r4_bindings FOLDER``: the folder holds R4 4.0.1's definitions.json.zip, unpacked.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrations.fhir import schema
from integrations.fhir.bindings import FILE

_DEFINITIONS = ("profiles-types.json", "profiles-resources.json")
_TERMINOLOGY = ("valuesets.json", "v3-codesystems.json", "v2-tables.json")
# Too large or open to be listed: codes.py knows how their codes are written.
_BY_PATTERN = ("mimetypes", "currencies")


@dataclass
class Terminology:
    """The value sets and code systems of R4, by canonical."""

    value_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    code_systems: dict[str, dict[str, Any]] = field(default_factory=dict)

    def codes_of(self, canonical: str) -> list[str] | None:
        """Every code of a value set; None when R4 itself does not list them."""
        compose = self.value_sets.get(_unversioned(canonical), {}).get("compose")
        if compose is None:
            return None
        codes: list[str] = []
        for part in compose["include"]:
            included = self._included(part)
            if included is None:
                return None
            codes += included
        left_out = {one["code"] for part in compose.get("exclude", []) for one in part["concept"]}
        return [code for code in dict.fromkeys(codes) if code not in left_out]

    def _included(self, part: dict[str, Any]) -> list[str] | None:
        if "filter" in part:
            return None
        if "concept" in part:
            return [one["code"] for one in part["concept"]]
        codes: list[str] = []
        for canonical in part.get("valueSet", []):
            nested = self.codes_of(canonical)
            if nested is None:
                return None
            codes += nested
        if "system" not in part:
            return codes
        system = self.code_systems.get(part["system"], {})
        if system.get("content") != "complete":
            return None
        return codes + list(_codes(system.get("concept", [])))


def required_bindings(folder: Path) -> dict[str, Any]:
    """The content of the file: value sets by name, and which element of which type is bound to which."""
    terminology = Terminology()
    for resource in _resources(folder, _TERMINOLOGY):
        if resource["resourceType"] == "ValueSet":
            terminology.value_sets[resource["url"]] = resource
        elif resource["resourceType"] == "CodeSystem":
            terminology.code_systems[resource["url"]] = resource
    value_sets: dict[str, list[str]] = {}
    elements: dict[str, dict[str, str]] = {}
    for path, canonical in _bound(folder):
        name = canonical.rsplit("/", 1)[1]
        codes = [] if name in _BY_PATTERN else terminology.codes_of(canonical)
        owner = _owner(path)
        if codes is not None and owner:
            value_sets[name] = codes
            elements.setdefault(owner, {})[path.rsplit(".", 1)[1]] = name
    return {
        "valueSets": dict(sorted(value_sets.items())),
        "elements": dict(sorted(elements.items())),
    }


def _bound(folder: Path) -> Iterator[tuple[str, str]]:
    """Each element with a required binding: its path and the value set."""
    for definition in _resources(folder, _DEFINITIONS):
        is_type = definition["resourceType"] == "StructureDefinition"
        if is_type and definition.get("derivation") != "constraint":
            for element in definition["snapshot"]["element"]:
                binding = element.get("binding", {})
                if binding.get("strength") == "required":
                    yield element["path"], _unversioned(binding["valueSet"])


def _owner(path: str) -> str:
    """The type of the models that holds the element; empty for what R4B has no more."""
    type_name, *steps, last = path.split(".")
    try:
        for step in steps:
            type_name = _at(type_name, step).type_name
        _at(type_name, last)
    except (LookupError, ValueError):
        return ""
    return type_name


def _at(type_name: str, step: str) -> schema.Element:
    return {e.path_name: e for e in schema.elements_of(type_name).values()}[step]


def _resources(folder: Path, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for name in names:
        bundle = json.loads((folder / name).read_text(encoding="utf-8"))
        yield from (entry["resource"] for entry in bundle["entry"])


def _codes(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", []))


def _unversioned(canonical: str) -> str:
    return canonical.partition("|")[0]


def _written(content: dict[str, Any]) -> str:
    """JSON with a line for each value set and each type, so that a change can be read."""
    parts = (
        f'  "{part}": {{\n'
        + ",\n".join(
            f"    {json.dumps(name)}: {json.dumps(held)}" for name, held in members.items()
        )
        + "\n  }"
        for part, members in content.items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write the file and say how much is in it."""
    [folder] = arguments
    content = required_bindings(Path(folder))
    FILE.write_text(_written(content), encoding="utf-8")
    bound = sum(map(len, content["elements"].values()))
    print(f"{bound} elements are bound to {len(content['valueSets'])} value sets.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
