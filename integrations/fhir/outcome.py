"""What is wrong with a request, and how FHIR says it: findings, refusals and the OperationOutcome."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from integrations.fhir.systems import HTTP_ERROR_CODES

_BAD_REQUEST = "REC_BAD_REQUEST"
_UNPROCESSABLE = "REC_UNPROCESSABLE_ENTITY"
_LONGEST_EXPRESSION = 200
_PRINTABLE = re.compile(r"[ -~]*")


@dataclass(frozen=True)
class Finding:
    """One fault. ``text`` never repeats a received value: it could name a patient.

    ``severity`` and ``code`` are R4 issue-severity and issue-type; ``expression`` is the FHIRPath
    of the element; ``details`` is a code of the NHS http-error-codes.
    """

    severity: str
    code: str
    text: str
    expression: str = ""
    details: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity in {"fatal", "error"}


class Refused(Exception):
    """A request that is turned down, with the HTTP status and every reason."""

    def __init__(self, status: int, findings: Iterable[Finding]) -> None:
        self.status = status
        self.findings = tuple(findings)
        super().__init__(status, self.findings)

    def __str__(self) -> str:
        return " ".join(finding.text for finding in self.findings)


def refusal(findings: Iterable[Finding]) -> Refused:
    """The refusal of these findings, errors first: 400 when one of them is a fault of form, otherwise 422."""
    said = sorted(findings, key=lambda finding: not finding.is_error)
    is_malformed = any(f.is_error and f.details == _BAD_REQUEST for f in said)
    return Refused(400 if is_malformed else 422, said)


def malformed(code: str, text: str, expression: str = "") -> Finding:
    """A fault in the JSON or in the FHIR structure (HTTP 400)."""
    return Finding("error", code, text, expression, _BAD_REQUEST)


def unprocessable(code: str, text: str, expression: str = "") -> Finding:
    """FHIR of the right form whose content breaks a rule: R4's, or one of this service's (HTTP 422)."""
    return Finding("error", code, text, expression, _UNPROCESSABLE)


def gone() -> Refused:
    """The refusal of what its owner has deleted (HTTP 410), for which the NHS codes have no word of its own."""
    text = "This was deleted. Its history can still be read."
    return Refused(410, [Finding("error", "deleted", text, "", "REC_NOT_FOUND")])


def tolerated(code: str, text: str, expression: str = "") -> Finding:
    """A known deviation that is understood all the same: a warning in the answer."""
    return Finding("warning", code, text, expression, _UNPROCESSABLE)


def operation_outcome(findings: Iterable[Finding]) -> dict[str, Any]:
    """The findings as an R4 OperationOutcome; without findings it says that none were made."""
    # OperationOutcome.issue is 1..*, so "nothing to report" needs an issue of its own.
    said = tuple(findings) or (Finding("information", "informational", "No faults were found."),)
    return {"resourceType": "OperationOutcome", "issue": [_issue(finding) for finding in said]}


def _issue(finding: Finding) -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": finding.severity, "code": finding.code}
    if finding.details:
        issue["details"] = {"coding": [{"system": HTTP_ERROR_CODES, "code": finding.details}]}
    issue["diagnostics"] = finding.text
    if place := _enclosing(finding.expression):
        issue["expression"] = [place]
    return issue


def _enclosing(expression: str) -> str:
    """The expression; of one that is too long, or holds what a sender's own name may hold, the sound part above that."""
    while len(expression) > _LONGEST_EXPRESSION or not _PRINTABLE.fullmatch(expression):
        expression = expression.rpartition(".")[0]
    return expression
