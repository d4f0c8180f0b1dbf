"""Create, update and patch: whatever the type, carried out once and answered with what was made."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import jsonpatch
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.repeating import Made
from accounts.scopes import Interaction
from api.errors import finding
from api.fhir import answering, reading
from api.fhir.base import actor_of, id_of
from api.fhir.kinds import Create, Delete, Kind, Update
from api.fhir.repeats import once
from api.fhir.sending import (
    JSON_PATCH,
    Sent,
    expected_version,
    media_type_of,
    refuse_condition,
    resource_of,
)
from api.permissions import require
from audit.models import Action
from audit.recording import record
from integrations.fhir import conditional, fields, wire
from integrations.fhir.outcome import Finding, Refused, malformed, unprocessable
from referrals.amending import StaleVersion
from referrals.intake import Identifier

_MOST_CHANGES = 100


def create(request: Request, kind: Kind, write: Create) -> Response:
    """Make what the body holds, unless the same request did so before or If-None-Exist names what is there."""

    warnings: list[Finding] = []

    def make() -> list[Made]:
        sent = Sent(
            resource_type=kind.resource_type,
            resource=resource_of(request),
            by=actor_of(request),
            at=timezone.now(),
            condition=_condition(request, kind),
            warnings=warnings,
        )
        return [recorded(write(sent), sent.warnings, by=sent.by, at=sent.at)]

    return once(request, make=make, show=partial(_show, request, kind, warnings))


def update(request: Request, kind: Kind, write: Update, resource_id: str) -> Response:
    """Bring a resource to what the body holds. What is foreign or absent is Http404: ids are ours to give."""

    warnings: list[Finding] = []

    def make() -> list[Made]:
        refuse_condition(request.headers)
        sent = _amended(request, kind, resource_of(request), warnings)
        return [_update(write, resource_id, sent)]

    return once(request, make=make, show=partial(_show, request, kind, warnings))


def patch(request: Request, kind: Kind, write: Update, resource_id: str) -> Response:
    """Change parts of a resource as a JSON Patch says (RFC 6902), and then as if the whole had been sent."""

    warnings: list[Finding] = []

    def make() -> list[Made]:
        refuse_condition(request.headers)
        media_type_of(request, JSON_PATCH)
        # What is there decides what comes of it, and is answered: a patch reads as well.
        require(actor_of(request), (kind.resource_type, Interaction.READ))
        changes = wire.parse_list(request.body)
        newest = reading.read(kind, resource_id, by=actor_of(request), at=timezone.now())
        sent = _amended(request, kind, _patched(newest.resource, changes), warnings)
        if sent.expected_version not in (None, newest.version):
            raise StaleVersion(newest.version)
        # What was read is what was changed: another's change in between is not to be lost.
        sent = replace(sent, expected_version=newest.version, is_patched=True)
        return [_update(write, resource_id, sent)]

    return once(request, make=make, show=partial(_show, request, kind, warnings))


def delete(request: Request, remove: Delete, resource_id: str) -> Response:
    """Take a resource away. What is foreign or absent is Http404."""
    if not remove(id_of(resource_id), by=actor_of(request), at=timezone.now()):
        raise Http404
    return Response(status=204)


def _amended(
    request: Request, kind: Kind, resource: dict[str, Any], warnings: list[Finding]
) -> Sent:
    return Sent(
        resource_type=kind.resource_type,
        resource=resource,
        by=actor_of(request),
        at=timezone.now(),
        expected_version=expected_version(request.headers.get("If-Match")),
        warnings=warnings,
    )


def _update(write: Update, resource_id: str, sent: Sent) -> Made:
    if fields.text(sent.resource, "id") != resource_id:
        text = "The id of the resource must be there, and that of the address."
        raise Refused(400, [malformed("invalid", text, f"{sent.resource_type}.id")])
    made = write(id_of(resource_id), sent)
    if made is None:
        raise Http404
    return recorded(made, sent.warnings, by=sent.by, at=sent.at)


def recorded(made: Made, warnings: Sequence[Finding], *, by: Actor, at: datetime) -> Made:
    """What was tolerated is in the audit: how much of it, for what was made of it."""
    if warnings:
        record(
            Action.DEVIATION_TOLERATED,
            by=by,
            at=at,
            target=f"{made.resource_type}/{made.pk}",
            detail={"count": len(warnings)},
        )
    return made


def _patched(resource: dict[str, Any], changes: list[Any]) -> dict[str, Any]:
    if len(changes) > _MOST_CHANGES:
        text = f"A patch may have at most {_MOST_CHANGES} operations."
        raise Refused(422, [unprocessable("too-costly", text)])
    patched: Any = resource
    try:
        for change in changes:
            patched = jsonpatch.JsonPatch([change]).apply(patched, in_place=True)
            # After each, because a copy of what was copied doubles every time.
            wire.refuse_beyond_limits(patched)
    except jsonpatch.JsonPatchTestFailed:
        text = (
            "A test of the patch failed: the resource is not as the sender thought. Read it again."
        )
        raise Refused(409, [finding(409, text, code="conflict")]) from None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, ValueError):
        text = "The patch cannot be applied: every operation needs op and path, and a path must be there."
        raise Refused(422, [unprocessable("processing", text)]) from None
    if not isinstance(patched, dict):
        text = "The patch takes away the resource itself."
        raise Refused(422, [unprocessable("processing", text)])
    return patched


def _condition(request: Request, kind: Kind) -> Identifier | None:
    """The identifier that If-None-Exist names, or None without one. Raises Refused.

    Some clients write the condition into the address instead (``POST Patient?identifier=…``): what they ask is clear.
    """
    condition = request.headers.get("If-None-Exist")
    if condition is None and "identifier" in request.query_params:
        condition = request.META["QUERY_STRING"]
    if condition is None:
        return None
    if not kind.takes_condition:
        refuse_condition(request.headers)
    # What is there already is answered with its content.
    require(actor_of(request), (kind.resource_type, Interaction.READ))
    try:
        return conditional.read(condition, resource_type=kind.resource_type)
    except conditional.ConditionNotServed as error:
        raise Refused(400, [malformed("not-supported", str(error))]) from None


def _show(
    request: Request,
    kind: Kind,
    warnings: Sequence[Finding],
    made: Sequence[Made],
    *,
    is_repeat: bool,
) -> Response:
    [one] = made
    if answering.preference(request, "return") in ("minimal", "OperationOutcome"):
        return answering.written(request, one, None, warnings)
    by, at = actor_of(request), timezone.now()
    # What the sender did not just write is a read, and audited.
    show = reading.vread if is_repeat or one.is_found else reading.version_made
    shown = show(kind, str(one.pk), one.version, by=by, at=at)
    return answering.written(request, one, shown.resource, warnings)
