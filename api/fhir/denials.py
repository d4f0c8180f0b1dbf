"""Denied access: what a clinical system asked for and may not see leaves a trace in the audit.

Only of those with a valid token: whoever has none must not be able to fill the database, and is a line in the log.
"""

from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request

from accounts.actors import Actor
from audit.models import Action
from audit.recording import record
from privacy.tenancy import acting_for


def record_denial(request: Request, *, status: int) -> None:
    """Record a refusal for want of rights, or a read of what is foreign or absent: nobody learns which it was."""
    match = request.resolver_match
    if match is None or status not in (403, 404):
        return
    actor, resource_id = request.user, match.kwargs.get("resource_id")
    if not (isinstance(actor, Actor) and actor.organisation_id):
        return
    if status == 403 or resource_id:
        with acting_for(actor.organisation_id):
            record(
                Action.ACCESS_DENIED,
                by=actor,
                at=timezone.now(),
                target=_target(match.route, resource_id),
                detail={"status": status, "address": str(match.url_name)},
            )


def _target(route: str, resource_id: str | None) -> str:
    """What was asked for, where it is a well-formed id: never free text of the sender's."""
    try:
        return f"{route.split('/')[2]}/{UUID(resource_id)}" if resource_id else ""
    except ValueError:
        return ""
