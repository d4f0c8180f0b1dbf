"""The codes that R4 allows in the elements read here (its required bindings).

fhir.resources does not check them. Keyed by the type and the element.
"""

from collections.abc import Iterator

from integrations.fhir.outcome import Finding, malformed
from integrations.fhir.structure import Node

_REQUEST_INTENT = (
    "proposal plan directive order original-order reflex-order filler-order instance-order option"
)
_REQUEST_PRIORITY = "routine urgent asap stat"
_GENDER = "male female other unknown"
_UNITS_OF_TIME = "s min h d wk mo a"

_BINDINGS: dict[str, dict[str, str]] = {
    "ServiceRequest": {
        "status": "draft active on-hold revoked completed entered-in-error unknown",
        "intent": _REQUEST_INTENT,
        "priority": _REQUEST_PRIORITY,
    },
    "Task": {
        "status": (
            "draft requested received accepted rejected ready cancelled in-progress on-hold"
            " failed completed entered-in-error"
        ),
        # Task may also say "unknown" and may not say "directive".
        "intent": _REQUEST_INTENT.replace("directive", "unknown"),
        "priority": _REQUEST_PRIORITY,
    },
    "AuditEvent": {"action": "C R U D E", "outcome": "0 4 8 12"},
    "Patient": {"gender": _GENDER},
    "PatientContact": {"gender": _GENDER},
    "PatientLink": {"type": "replaced-by replaces refer seealso"},
    "Practitioner": {"gender": _GENDER},
    "RelatedPerson": {"gender": _GENDER},
    "HumanName": {"use": "usual official temp nickname anonymous old maiden"},
    "Address": {"use": "home work temp old billing", "type": "postal physical both"},
    "ContactPoint": {
        "system": "phone fax email pager url sms other",
        "use": "home work temp old mobile",
    },
    "Identifier": {"use": "usual official temp secondary old"},
    "Narrative": {"status": "generated extensions additional empty"},
    "Quantity": {"comparator": "< <= >= >"},
    "TimingRepeat": {
        "durationUnit": _UNITS_OF_TIME,
        "periodUnit": _UNITS_OF_TIME,
        "dayOfWeek": "mon tue wed thu fri sat sun",
    },
    "Bundle": {
        "type": (
            "document message transaction transaction-response batch batch-response history"
            " searchset collection"
        )
    },
    "BundleEntryRequest": {"method": "GET HEAD POST PUT DELETE PATCH"},
    "BundleEntrySearch": {"mode": "match include outcome"},
    "OperationOutcomeIssue": {
        "severity": "fatal error warning information",
        "code": (
            "invalid structure required value invariant security login unknown expired forbidden"
            " suppressed processing not-supported duplicate multiple-matches not-found deleted"
            " too-long code-invalid extension too-costly business-rule conflict transient"
            " lock-error no-store exception timeout incomplete throttled informational"
        ),
    },
}
_ALLOWED = {
    type_name: {element: tuple(codes.split()) for element, codes in elements.items()}
    for type_name, elements in _BINDINGS.items()
}
ISSUE_TYPES = frozenset(_ALLOWED["OperationOutcomeIssue"]["code"])


def check(node: Node) -> Iterator[Finding]:
    """Codes that the value set of their element does not have."""
    for name, allowed in _ALLOWED.get(node.type_name, {}).items():
        value = node.value.get(name)
        if isinstance(value, list):
            for place, code in enumerate(value):
                yield from _fault(code, allowed, f"{node.at}.{name}[{place}]")
        else:
            yield from _fault(value, allowed, f"{node.at}.{name}")


def _fault(code: object, allowed: tuple[str, ...], at: str) -> Iterator[Finding]:
    # Blanks and other JSON types are faults of structure, and said there.
    if isinstance(code, str) and code.strip() and code not in allowed:
        text = f"This code is not in the value set. Use one of: {', '.join(allowed)}."
        yield malformed("code-invalid", text, at)
