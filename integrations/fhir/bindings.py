"""The required bindings of R4 4.0.1: which element takes only the codes of which value set.

The JSON file beside this module is made from R4's own definitions by ``scripts/r4_bindings.py``.
"""

import json
from pathlib import Path

FILE = Path(__file__).with_name("r4_bindings.json")

_CONTENT = json.loads(FILE.read_text(encoding="utf-8"))
# Value set: its codes in R4's order. One without codes is too large or open to be listed.
VALUE_SETS: dict[str, tuple[str, ...]] = {
    name: tuple(codes) for name, codes in _CONTENT["valueSets"].items()
}
# Type (as the models name it): element: value set.
ELEMENTS: dict[str, dict[str, str]] = _CONTENT["elements"]
ABSTRACT_TYPES = frozenset({"Resource", "DomainResource"})
RESOURCE_TYPES = frozenset(VALUE_SETS["resource-types"]) - ABSTRACT_TYPES
ISSUE_TYPES = frozenset(VALUE_SETS["issue-type"])
