"""Create, read, search and transaction, each written as one would write it first."""

import json
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.shortcuts import get_object_or_404
from fhir.resources.R4B import get_fhir_model_class
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.naive.models import Audit, History, Outbox, Resource


class Whole(APIView):
    """The base address, which takes transactions."""

    def post(self, request: Request) -> Response:
        """Keep every entry or none, under new ids."""
        bundle: Any = request.data
        text = json.dumps(bundle)
        ids = {entry["fullUrl"]: uuid4() for entry in bundle["entry"]}
        for entry in bundle["entry"]:
            name, kind = entry["fullUrl"], entry["resource"]["resourceType"]
            text = text.replace(f'"reference": "{name}"', f'"reference": "{kind}/{ids[name]}"')
        with transaction.atomic():
            kept = [
                _keep(entry["resource"], ids[entry["fullUrl"]])
                for entry in json.loads(text)["entry"]
            ]
            _note("transaction", kept[-1])
        entries = [
            {"response": {"status": "201 Created", "location": f"{row.kind}/{row.pk}/_history/1"}}
            for row in kept
        ]
        return Response(_dumped(_bundle("transaction-response", entries)))


class Type(APIView):
    """A type, which is created and searched."""

    def post(self, request: Request, kind: str) -> Response:
        """Keep one resource."""
        resource: Any = request.data
        with transaction.atomic():
            row = _keep(resource, uuid4())
            _note("create", row)
        return Response(row.document, status=201)

    def get(self, request: Request, kind: str) -> Response:
        """A page, with the total, by offset."""
        asked = request.query_params
        rows = Resource.objects.filter(kind=kind)
        for name in ("status", "patient"):
            if name in asked:
                rows = rows.filter(**{name: asked[name]})
        count, begin = int(asked.get("_count", 20)), int(asked.get("_offset", 0))
        page = rows.order_by("-updated_at", "pk")[begin : begin + count]
        entries = [{"resource": row.document} for row in page]
        return Response(_dumped(_bundle("searchset", entries) | {"total": rows.count()}))


class Instance(APIView):
    """One resource, which is read."""

    def get(self, request: Request, kind: str, resource_id: UUID) -> Response:
        """The newest version."""
        return Response(get_object_or_404(Resource, pk=resource_id, kind=kind).document)


def _keep(resource: dict[str, Any], resource_id: UUID) -> Resource:
    """Keep a resource and its first version; with a ServiceRequest a Task that follows it."""
    kind = resource["resourceType"]
    subject = resource.get("for") or resource.get("subject") or {}
    stamped = {**resource, "id": str(resource_id), "meta": {"versionId": "1"}}
    row = Resource.objects.create(
        id=resource_id,
        kind=kind,
        status=resource.get("status", ""),
        patient=subject.get("reference", ""),
        document=_dumped(stamped),
    )
    History.objects.create(resource=row, version=1, document=row.document)
    if kind == "ServiceRequest":
        _keep(_task_of(resource_id, resource["subject"]), uuid4())
    return row


def _task_of(referral_id: UUID, subject: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "focus": {"reference": f"ServiceRequest/{referral_id}"},
        "for": subject,
    }


def _note(action: str, row: Resource) -> None:
    target = f"{row.kind}/{row.pk}"
    Audit.objects.create(action=action, target=target)
    Outbox.objects.create(target=target)


def _bundle(kind: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def _dumped(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource after its way through the model, which is what is kept and answered."""
    model = get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    dumped: dict[str, Any] = json.loads(model.model_dump_json())
    return dumped
