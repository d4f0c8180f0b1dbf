"""``$validate``: what a create or an update would be told, for every type that is served, and nothing kept.

A valid token is enough: nothing that is kept of anybody is looked at, so there is nothing that a scope could guard.
"""

from functools import partial
from typing import Any

from django.utils.timezone import localdate
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.fhir.acceptable import findings_of
from api.fhir.base import BASE_URL, FhirView, actor_of
from api.fhir.entries import TAKES
from api.fhir.schema import OUTCOME, RESOURCE
from api.fhir.sending import resource_of
from integrations.fhir import fields, validating
from integrations.fhir.outcome import operation_outcome, unprocessable
from integrations.fhir.validating import Wanted

_FHIR = "application/fhir+json"
_SCHEMA: dict[str, Any] = {
    "tags": ["FHIR"],
    "parameters": [OpenApiParameter(name) for name in ("mode", "profile")],
    "request": {_FHIR: RESOURCE},
    "responses": {
        (200, _FHIR): RESOURCE,
        **dict.fromkeys((400, 401, 413, 415, 429), OUTCOME),
    },
}


class _Validate(FhirView):
    """An address of one type."""

    resource_type = ""

    def answer(self, request: Request, wanted: Wanted, resource_id: str = "") -> Response:
        """Every finding, as an OperationOutcome."""
        by, today = actor_of(request), localdate()
        findings = validating.validate(
            wanted,
            resource_type=self.resource_type,
            takes=TAKES,
            is_strict=by.is_strict,
            base_url=BASE_URL,
            also=partial(findings_of, is_update=wanted.mode == "update", today=today),
        )
        if resource_id and fields.text(wanted.resource, "id") != resource_id:
            text = "The id of the resource must be there, and that of the address."
            findings.append(unprocessable("invalid", text, f"{self.resource_type}.id"))
        return Response(operation_outcome(findings))


class ValidateType(_Validate):
    """``[type]/$validate``."""

    @extend_schema(**_SCHEMA)
    def post(self, request: Request) -> Response:
        """Validate a resource, as the mode says."""
        return self.answer(request, _wanted(request))


class ValidateInstance(_Validate):
    """``[type]/[id]/$validate``: unless the mode says otherwise, as an update of the resource with this id."""

    @extend_schema(**_SCHEMA)
    def post(self, request: Request, resource_id: str) -> Response:
        """Validate a resource, as an update."""
        return self.answer(request, _wanted(request, mode="update"), resource_id)


def _wanted(request: Request, *, mode: str = "") -> Wanted:
    said = request.query_params
    return validating.wanted(
        resource_of(request), mode=said.get("mode", mode), profile=said.get("profile", "")
    )
