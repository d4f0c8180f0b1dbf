"""From exceptions to answers, in one place: an OperationOutcome on FHIR, a small JSON object elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.repeating import InFlight, MarkTaken, RequestDone
from integrations.fhir.exports.beginning import ExportRunning, TooManyKept
from integrations.fhir.outcome import Finding, Refused, operation_outcome
from integrations.fhir.systems import fhir_base
from referrals.amending import StaleVersion
from referrals.lifecycle import MoveNotAllowed
from referrals.patients import ChangeNotCovered
from referrals.refusals import ReferralKnown, ReferralRefused
from referrals.repeating import SeveralMatch
from referrals.tasking import TaskKnown

# Status → NHS http-error-code, R4 issue type.
CODES: dict[int, tuple[str, str]] = {
    400: ("REC_BAD_REQUEST", "invalid"),
    401: ("REC_UNAUTHORIZED", "login"),
    403: ("REC_FORBIDDEN", "forbidden"),
    404: ("REC_NOT_FOUND", "not-found"),
    405: ("REC_METHOD_NOT_ALLOWED", "not-supported"),
    406: ("REC_NOT_ACCEPTABLE", "not-supported"),
    409: ("REC_CONFLICT", "duplicate"),
    410: ("REC_NOT_FOUND", "deleted"),
    411: ("REC_BAD_REQUEST", "required"),
    412: ("REC_BAD_REQUEST", "multiple-matches"),
    413: ("REC_BAD_REQUEST", "too-long"),
    415: ("REC_BAD_REQUEST", "not-supported"),
    422: ("REC_UNPROCESSABLE_ENTITY", "business-rule"),
    425: ("REC_TOO_EARLY", "duplicate"),
    429: ("REC_TOO_MANY_REQUESTS", "throttled"),
    500: ("REC_SERVER_ERROR", "exception"),
    503: ("REC_SERVICE_UNAVAILABLE", "transient"),
}


def finding(status: int, sentence: str, *, code: str = "", element: str = "") -> Finding:
    """A finding with the codes that go with a status."""
    details, issue_code = CODES.get(status, CODES[500 if status >= 500 else 400])
    return Finding(
        severity="error",
        code=code or issue_code,
        text=sentence,
        expression=element,
        details=details,
    )


def referral_refused(error: ReferralRefused) -> tuple[int, list[Finding]]:
    """The status and the finding for a rule of the service."""
    element = _placed(error.element, error.position)
    return 422, [finding(422, str(error), code=error.code, element=element)]


def _referral_known(error: ReferralKnown) -> tuple[int, list[Finding]]:
    element = _placed("ServiceRequest.identifier", error.position)
    return 409, [finding(409, str(error), element=element)]


def _placed(element: str, position: int | None) -> str:
    """The element's FHIRPath, inside the Bundle where there was one."""
    if position is None:
        return element
    return f"Bundle.entry[{position}].resource.{element.partition('.')[2]}"


def _refused(error: Refused) -> tuple[int, list[Finding]]:
    return error.status, list(error.findings)


def _api_exception(error: exceptions.APIException) -> tuple[int, list[Finding]]:
    return error.status_code, [finding(error.status_code, str(error.detail))]


def _not_found(error: Http404) -> tuple[int, list[Finding]]:
    return 404, [finding(404, str(error) or "There is nothing at this address.")]


def _denied(_error: PermissionDenied) -> tuple[int, list[Finding]]:
    return 403, [finding(403, "This is not allowed.")]


def _always(status: int) -> Callable[[Exception], tuple[int, list[Finding]]]:
    """For an error that says it all itself."""
    return lambda error: (status, [finding(status, str(error))])


def _stale(error: StaleVersion) -> tuple[int, list[Finding]]:
    return 412, [finding(412, str(error), code="conflict")]


_ANSWERS: dict[type[Exception], Callable[[Any], tuple[int, list[Finding]]]] = {
    Refused: _refused,
    ReferralRefused: referral_refused,
    ReferralKnown: _referral_known,
    MarkTaken: _always(422),
    InFlight: _always(425),
    RequestDone: _always(409),
    SeveralMatch: _always(412),
    StaleVersion: _stale,
    MoveNotAllowed: _always(422),
    TaskKnown: _always(409),
    ExportRunning: _always(429),
    TooManyKept: _always(429),
    exceptions.APIException: _api_exception,
    ChangeNotCovered: _always(403),
    Http404: _not_found,
    PermissionDenied: _denied,
}
# What we know to answer; anything else is a fault of ours.
ANSWERED = tuple(_ANSWERS)


def answer_to(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for what we do not know: that is a fault of ours and becomes a 500."""
    if not isinstance(error, ANSWERED):
        return None
    status, findings = told_of(error)
    is_fhir = getattr(context["view"], "is_fhir", False)
    response = Response(body(findings, is_fhir=is_fhir), status=status)
    for name, value in _headers(error).items():
        response[name] = value
    return response


def told_of(error: Exception) -> tuple[int, list[Finding]]:
    """The status and the findings of one that is ANSWERED, each at the element that the error names if at none."""
    answer = next(answer for kind, answer in _ANSWERS.items() if isinstance(error, kind))
    status, findings = answer(error)
    element = getattr(error, "element", "")
    return status, [one if one.expression else replace(one, expression=element) for one in findings]


def _headers(error: Exception) -> dict[str, str]:
    """What an error's answer says beside its body."""
    # Not from the request: its Host header is the sender's.
    base = fhir_base(settings.PUBLIC_BASE_URL)
    if isinstance(error, ReferralKnown):
        return {"Location": f"{base}/ServiceRequest/{error.referral.pk}"}
    if isinstance(error, TaskKnown):
        return {"Location": f"{base}/Task/{error.referral.pk}"}
    if isinstance(error, RequestDone):
        # The patient of a transaction may stand before the referral.
        made = max(error.made, key=lambda one: one.resource_type == "ServiceRequest")
        return {"Location": f"{base}/{made.resource_type}/{made.pk}"}
    if isinstance(error, InFlight):
        return {"Retry-After": "1"}
    named = {"auth_header": "WWW-Authenticate", "wait": "Retry-After"}
    found = {header: getattr(error, name, None) for name, header in named.items()}
    if isinstance(error, ExportRunning):
        # For a client that asked before and has not had our answer.
        found["Content-Location"] = f"{base}/export/{error.export_id}"
    return {header: str(value) for header, value in found.items() if value is not None}


def body(findings: list[Finding], *, is_fhir: bool) -> dict[str, Any]:
    """The body of an error answer."""
    if is_fhir:
        return operation_outcome(findings)
    return {"errors": [{"code": item.code, "message": item.text} for item in findings]}
