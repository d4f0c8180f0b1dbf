"""Bulk Data ($export): asked for, waited for, fetched file by file, taken away (HL7 Bulk Data Access)."""

import re
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.http import http_date
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Actor
from accounts.scopes import Interaction
from api.fhir.base import BASE_URL, FhirView, actor_of, id_of
from api.fhir.parameters import pairs_of
from api.fhir.schema import OUTCOME, READ_ERRORS, RESOURCE
from api.permissions import HasScope, require
from api.renderers import FhirRenderer
from audit.models import Action
from audit.recording import record
from integrations.fhir.exports import asking, beginning, selectors
from integrations.fhir.exports.manifest import address_of, manifest
from integrations.fhir.exports.models import ExportState
from integrations.fhir.outcome import Finding, Refused, malformed

OPERATION = {"export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}
_ASYNC = re.compile(r"\brespond-async\b")
_PARAMETERS = [
    OpenApiParameter("_type", description="Types with commas between them; default: all"),
    OpenApiParameter("_since", description="An instant: only what changed after it"),
    OpenApiParameter("_outputFormat", description=asking.NDJSON),
    OpenApiParameter("Prefer", location=OpenApiParameter.HEADER, description="respond-async"),
]
_ACCEPTED: dict[Any, Any] = {202: None, 400: OUTCOME, **READ_ERRORS}


class MayExport(HasScope):
    """A clinical system that its operator lets export; which types its token covers is asked later."""

    message: str = (
        "This client is not registered to export. The operator of this service can change that."
    )

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether it was let."""
        actor = request.user
        if isinstance(actor, Actor) and not hasattr(view, (request.method or "").lower()):
            return True  # DRF answers 405 by itself
        return isinstance(actor, Actor) and actor.may_export


class KickOff(FhirView):
    """Where an export is asked for; a GET too makes one, so there is no HEAD."""

    permission_classes = [MayExport]
    http_method_names = ["get", "post", "options"]


class SystemExport(KickOff):
    """``$export``: all that the client may see."""

    @extend_schema(
        operation_id="export", tags=["FHIR"], parameters=_PARAMETERS, responses=_ACCEPTED
    )
    def get(self, request: Request) -> Response:
        """Ask for an export."""
        return _begin(request)

    @extend_schema(
        operation_id="export_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_ACCEPTED,
    )
    def post(self, request: Request) -> Response:
        """Ask for an export, by a Parameters resource."""
        return _begin(request)


class PatientExport(KickOff):
    """``Patient/$export``: all patients, and what there is about them."""

    @extend_schema(
        operation_id="Patient_export", tags=["FHIR"], parameters=_PARAMETERS, responses=_ACCEPTED
    )
    def get(self, request: Request) -> Response:
        """Ask for an export."""
        return _begin(request)

    @extend_schema(
        operation_id="Patient_export_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_ACCEPTED,
    )
    def post(self, request: Request) -> Response:
        """Ask for an export, by a Parameters resource."""
        return _begin(request)


class GroupExport(KickOff):
    """``Group/[id]/$export``: the patients of a group, and what there is about them."""

    @extend_schema(
        operation_id="Group_export", tags=["FHIR"], parameters=_PARAMETERS, responses=_ACCEPTED
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Ask for an export."""
        return _begin_group(request, resource_id)

    @extend_schema(
        operation_id="Group_export_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_ACCEPTED,
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Ask for an export, by a Parameters resource."""
        return _begin_group(request, resource_id)


class Status(FhirView):
    """One export: how far it is, where its files are, and its end."""

    permission_classes = [MayExport]

    @extend_schema(
        operation_id="export_status",
        tags=["FHIR"],
        responses={(200, "application/json"): RESOURCE, 202: None, 500: OUTCOME, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Ask after an export: 202 while it is written, then its manifest."""
        export = selectors.export_of(actor_of(request), id_of(resource_id))
        if export is None:
            raise Http404
        if export.state == ExportState.FAILED:
            text = "The export could not be finished. Delete it and ask again."
            raise Refused(500, [Finding("error", "exception", text, "", "REC_SERVER_ERROR")])
        if export.expires_at is None:
            progress = f"{export.resource_count} resources in {export.file_count} files so far"
            headers = {"X-Progress": progress, "Retry-After": str(beginning.POLL_SECONDS)}
            return Response(status=202, headers=headers)
        return Response(
            manifest(export, base_url=BASE_URL),
            content_type="application/json",
            headers={"Expires": http_date(export.expires_at.timestamp())},
        )

    @extend_schema(operation_id="export_delete", tags=["FHIR"], responses=_ACCEPTED)
    def delete(self, request: Request, resource_id: str) -> Response:
        """Stop it, or take its files away."""
        is_removed = beginning.remove_export(
            export_id=id_of(resource_id), by=actor_of(request), at=timezone.now()
        )
        if not is_removed:
            raise Http404
        return Response(status=202)


class File(FhirView):
    """One file of an export: resources of one type, each on a line of its own."""

    permission_classes = [MayExport]

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's own)
    ) -> tuple[BaseRenderer, str]:
        """A file is NDJSON and nothing else, whatever the Accept header says; errors are FHIR."""
        del request, force
        return FhirRenderer(), FhirRenderer.media_type

    @extend_schema(
        operation_id="export_file",
        tags=["FHIR"],
        responses={(200, asking.NDJSON): str, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str, number: int) -> HttpResponse:
        """Fetch a file."""
        by = actor_of(request)
        file = selectors.file_of(by, id_of(resource_id), number)
        if file is None:
            raise Http404
        require(by, (file.resource_type, Interaction.READ))
        record(
            Action.EXPORT_READ,
            by=by,
            at=timezone.now(),
            target=f"Export/{file.export_id}",
            detail={"file": number, "resources": file.resource_count},
        )
        return HttpResponse(file.text, content_type=asking.NDJSON)


def _begin_group(request: Request, group_id: str) -> Response:
    if not selectors.groups_of(actor_of(request)).filter(pk=id_of(group_id)).exists():
        raise Http404
    return _begin(request)


def _begin(request: Request) -> Response:
    if not _ASYNC.search(request.headers.get("Prefer", "")):
        text = "An export is answered later: send Prefer: respond-async."
        raise Refused(400, [malformed("required", text)])
    by = actor_of(request)
    wanted = asking.read(pairs_of(request), scopes=by.scopes)
    export = beginning.begin_export(
        types=wanted.types,
        since=wanted.since,
        request=f"{BASE_URL}{request.get_full_path()}",
        by=by,
        at=timezone.now(),
    )
    return Response(
        status=202, headers={"Content-Location": address_of(export.pk, base_url=BASE_URL)}
    )
