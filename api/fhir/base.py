"""What every FHIR endpoint shares: who may, what is read, how the answer is dressed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils.http import http_date
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Actor
from api.authentication import BearerToken
from api.permissions import HasScope
from api.renderers import FhirAsJsonRenderer, FhirRenderer
from integrations.fhir import wire
from integrations.fhir.checking import check
from integrations.fhir.outcome import Refused, malformed
from integrations.fhir.rendering import etag, location

BASE_URL = settings.PUBLIC_BASE_URL
_TAKEN = ("application/fhir+json", "application/json")


class FhirJson(BaseParser):
    """Names the media type for OpenAPI; bodies are read by ``resource_of``, which is stricter than any parser."""

    media_type = "application/fhir+json"


class FhirView(APIView):
    """A FHIR endpoint for clinical systems. ``resource_types`` are those that the token must cover."""

    is_fhir = True
    authentication_classes = [BearerToken]
    permission_classes = [HasScope]
    parser_classes = [FhirJson]
    renderer_classes = [FhirRenderer, FhirAsJsonRenderer]
    resource_types: tuple[str, ...] = ()
    interaction: str | None = None


def actor_of(request: Request) -> Actor:
    """The clinical system that asks; the permission has made sure that there is one."""
    actor = request.user
    if not isinstance(actor, Actor):
        raise TypeError("an endpoint without HasScope asked for its actor")
    return actor


def resource_of(request: Request, resource_type: str) -> dict[str, Any]:
    """The resource in the body, checked against R4. Raises Refused with every fault."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type not in _TAKEN:
        raise UnsupportedMediaType(
            media_type or "none", f"Send {_TAKEN[0]} as Content-Type; XML is not read."
        )
    if "If-None-Exist" in request.headers:
        sentence = "Conditional creation is not supported. Leave out If-None-Exist."
        raise Refused(400, [malformed("not-supported", sentence)])
    resource = wire.parse(request.body)
    findings = check(resource, resource_type=resource_type)
    if any(finding.is_error for finding in findings):
        raise Refused(400, findings)
    return resource


def id_of(text: str) -> UUID:
    """An id from the address; what is no UUID is no id of ours, and so not found."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def created(
    resource: dict[str, Any], *, pk: UUID, version: int, at: datetime, status: int = 201
) -> Response:
    """The answer to a create: the resource, where it is, and its version."""
    place = location(resource["resourceType"], pk, version, base_url=BASE_URL)
    return Response(resource, status=status, headers={"Location": place, **versioned(version, at)})


def versioned(version: int, at: datetime) -> dict[str, str]:
    """The headers that name a version."""
    return {"ETag": etag(version), "Last-Modified": http_date(at.timestamp())}
