"""How an answer is dressed: what ``Prefer`` asks to have back, the headers of a version, 304 for what is known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.http import http_date
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeating import Made
from api.fhir.base import BASE_URL
from integrations.fhir.outcome import Finding, operation_outcome
from integrations.fhir.rendering import etag, location
from integrations.fhir.subsets import part_of

_MOST_NAMED = 20
_PREFERENCE = re.compile(r"\b(?P<name>return|handling)=\"?(?P<value>[A-Za-z]+)")


@dataclass(frozen=True)
class Shown:
    """A resource at a version."""

    resource: dict[str, Any]
    version: int
    at: datetime


def preference(request: Request, name: str) -> str:
    """What ``Prefer`` says of ``return`` or ``handling``, or an empty string."""
    preferences = _PREFERENCE.finditer(request.headers.get("Prefer", ""))
    return next((found["value"] for found in preferences if found["name"] == name), "")


def written(
    request: Request,
    made: Made,
    resource: dict[str, Any] | None,
    warnings: Sequence[Finding] = (),
) -> Response:
    """The answer to a create or an update: where the ``resource`` is, its version, and as much of it as is preferred."""
    body = resource
    if preference(request, "return") == "OperationOutcome":
        body = operation_outcome(warnings)
    place = location(made.resource_type, made.pk, made.version, base_url=BASE_URL)
    headers = {"Location": place, **versioned(made.version, made.at)}
    if warnings:
        # A representation has no room for warnings, and they are not to be missed.
        headers["Tolerated"] = ", ".join(warning.expression for warning in warnings[:_MOST_NAMED])
    return Response(body, status=made.status, headers=headers)


def read(request: Request, shown: Shown) -> Response:
    """The answer to a read: the resource, as much of it as is asked for, or 304 when the asker has it."""
    headers = versioned(shown.version, shown.at)
    if _is_known(request, shown):
        return Response(status=304, headers=headers)
    resource = part_of(
        shown.resource,
        summary=request.query_params.get("_summary", "false"),
        elements=tuple(filter(None, request.query_params.get("_elements", "").split(","))),
    )
    return Response(resource, headers=headers)


def versioned(version: int, at: datetime) -> dict[str, str]:
    """The headers that name a version."""
    return {"ETag": etag(version), "Last-Modified": http_date(at.timestamp())}


def _is_known(request: Request, shown: Shown) -> bool:
    """Whether the asker holds this version already. If-None-Match decides where both are sent (RFC 9110, 13.2.2)."""
    known = request.headers.get("If-None-Match")
    if known is not None:
        return has_version(known, shown.version)
    since = request.headers.get("If-Modified-Since")
    if not since:
        return False
    try:
        return int(shown.at.timestamp()) <= parsedate_to_datetime(since).timestamp()
    except (TypeError, ValueError, OverflowError):
        return False  # what is no date is not heeded (RFC 9110, 13.1.3)


def has_version(known: str, version: int) -> bool:
    """Whether an If-None-Match names this version, among others or as any."""
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return "*" in tags or etag(version).removeprefix("W/") in tags
