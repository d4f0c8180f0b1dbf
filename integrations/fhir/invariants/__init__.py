"""The rules that R4 sets between the elements of one object (its invariants), one function each."""

from collections.abc import Iterator

from integrations.fhir.invariants import conformance, datatypes, messages, records
from integrations.fhir.invariants.rule import Rule
from integrations.fhir.outcome import Finding, unprocessable
from integrations.fhir.structure import Node

# By the type, as the models name it.
RULES: dict[str, tuple[Rule, ...]] = (
    datatypes.RULES | records.RULES | messages.RULES | conformance.RULES
)


def check(node: Node) -> Iterator[Finding]:
    """The rules that the object breaks."""
    for rule in RULES.get(node.type_name, ()):
        if not rule.holds(node.value):
            at = f"{node.at}.{rule.element}" if rule.element else node.at
            yield unprocessable("invariant", f"{rule.text} ({rule.key}).", at)
