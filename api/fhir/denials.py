"""Denied access: what a clinical system asked for and may not see leaves a trace in the audit.

Only of those with a valid token: whoever has none must not be able to fill the database, and is a line in the log.
"""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request

from accounts.actors import Actor
from audit import recording
from integrations.fhir.schema import is_resource
from integrations.fhir.systems import fhir_base
from privacy.tenancy import acting_for

_BASE = f"{fhir_base(settings.PUBLIC_BASE_URL)}/"


class NotThere(Http404):
    """What is foreign or absent and was named in the body of a request; ``url`` is its address, ``element`` named it."""

    def __init__(self, url: str, text: str = "", element: str = "") -> None:
        super().__init__(text)
        self.url = url
        self.element = element


def record_denial(request: Request, *, status: int) -> None:
    """Record a refusal for want of rights, or a read of what is foreign or absent: nobody learns which it was."""
    match = request.resolver_match
    if match is None or status not in (403, 404):
        return
    resource_id = match.kwargs.get("resource_id")
    if status == 403 or resource_id:
        target = target_of(match.route.split("/")[2], resource_id) if resource_id else ""
        _record(request, status=status, target=target)


def record_empty_search(
    request: Request, resource_type: str, pairs: Sequence[tuple[str, str]]
) -> None:
    """Record a search for one resource that shows nothing of it, because it is foreign or absent."""
    named = (
        (resource_type, value) if name == "_id" else value.removeprefix(_BASE).split("/")[:2]
        for name, value in pairs
    )
    targets = (target_of(*parts) for parts in named if len(parts) == 2)
    if target := next(filter(None, targets), ""):
        _record(request, status=200, target=target)


def record_denied_entry(request: Request, url: str, *, status: int) -> None:
    """Record the refusal of what an entry or a message names, as it would have been of a request of its own."""
    parts = url.partition("?")[0].removeprefix(_BASE).split("/")[:2]
    target = target_of(*parts) if len(parts) == 2 else ""
    if status == 403 or (status == 404 and target):
        _record(request, status=status, target=target)


def target_of(resource_type: str, resource_id: str) -> str:
    """What was asked for, where it is a well-formed id: never free text of the sender's."""
    try:
        return f"{resource_type}/{UUID(resource_id)}" if is_resource(resource_type) else ""
    except ValueError:
        return ""


def _record(request: Request, *, status: int, target: str) -> None:
    actor, match = request.user, request.resolver_match
    if match is None or not (isinstance(actor, Actor) and actor.organisation_id):
        return
    with acting_for(actor.organisation_id):
        recording.record_denial(
            by=actor,
            at=timezone.now(),
            status=status,
            address=str(match.url_name),
            target=target,
        )
