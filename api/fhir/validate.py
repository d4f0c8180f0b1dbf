"""``$validate``: what a create or an update would be told, for every type that is served, and nothing kept.

A valid token is enough for what the resource itself says. What is kept is looked at only where the token covers the
write: the Task that an update would change, and the patient of a referral.
"""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.scopes import Interaction, is_granted
from api import errors
from api.fhir import task
from api.fhir.acceptable import findings_of
from api.fhir.base import BASE_URL, FhirView, actor_of, id_of
from api.fhir.entries import TAKES
from api.fhir.parameters import refuse_unknown
from api.fhir.schema import OUTCOME, RESOURCE
from api.fhir.sending import Sent, resource_of
from integrations.fhir import fields, validating
from integrations.fhir.checking import has_errors
from integrations.fhir.outcome import Finding, operation_outcome, unprocessable
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
        by, at = actor_of(request), timezone.now()
        is_update = wanted.mode == "update"
        findings = validating.validate(
            wanted,
            resource_type=self.resource_type,
            takes=TAKES,
            is_strict=by.is_strict,
            base_url=BASE_URL,
            also=partial(findings_of, is_update=is_update, by=by, at=at),
        )
        if (
            self.resource_type == "Task"
            and is_update
            and not (wanted.profile or has_errors(findings))
        ):
            findings = _of_update(wanted.resource, findings, by=by, at=at)
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


def _of_update(
    resource: dict[str, Any], found: list[Finding], *, by: Actor, at: datetime
) -> list[Finding]:
    """What an update of a Task that is known would be told, which is carried out and taken back; else what was found."""
    if not is_granted(by.scopes, resource_type="Task", interaction=Interaction.UPDATE):
        return found
    sent = Sent(resource_type="Task", resource=resource, by=by, at=at)
    try:
        with transaction.atomic():
            task.update(id_of(fields.text(resource, "id")), sent)
            transaction.set_rollback(True)
    except Http404:
        return found
    except errors.ANSWERED as error:
        return errors.told_of(error)[1]
    return sent.warnings


def _wanted(request: Request, *, mode: str = "") -> Wanted:
    refuse_unknown(request, "mode", "profile")
    said = request.query_params
    return validating.wanted(
        resource_of(request), mode=said.get("mode", mode), profile=said.get("profile", "")
    )
