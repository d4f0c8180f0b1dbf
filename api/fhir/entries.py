"""One entry of a batch or a transaction carried out, and what is answered to it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.repeating import Made
from accounts.scopes import Interaction
from api.fhir import reading
from api.fhir.answering import Shown, has_version, preference
from api.fhir.base import BASE_URL, actor_of, id_of
from api.fhir.denials import record_empty_search
from api.fhir.kinds import Kind
from api.fhir.sending import Sent, expected_version
from api.fhir.served import KINDS, SOURCES
from api.permissions import require
from integrations.fhir.asked import Asked, Takes
from integrations.fhir.bundle import Answered
from integrations.fhir.outcome import Finding, Refused, operation_outcome, unprocessable
from integrations.fhir.rendering import location

_METHODS = {"POST": "create", "PUT": "update", "DELETE": "delete", "GET": "read"}
_SCOPES = {
    "POST": Interaction.CREATE,
    "PUT": Interaction.UPDATE,
    "DELETE": Interaction.DELETE,
    "GET": Interaction.READ,
}
TAKES: Takes = {
    method: tuple(name for name, kind in KINDS.items() if interaction in kind.interactions)
    for method, interaction in _METHODS.items()
}


def check_scope(asked: Asked, *, by: Actor) -> None:
    """Refuse what the token does not cover. Raises PermissionDenied."""
    is_search = asked.method == "GET" and not asked.resource_id
    needed = [Interaction.SEARCH if is_search else _SCOPES[asked.method]]
    if asked.condition is not None:
        needed.append(Interaction.READ)  # it says what is there already
    require(by, *((asked.resource_type, interaction) for interaction in needed))


def carry_out(
    asked: Asked, resource: dict[str, Any], *, by: Actor, at: datetime, warnings: list[Finding]
) -> Made:
    """Write what an entry asks; what is tolerated goes into ``warnings``.

    Raises Http404 for what is foreign or absent, and all that bars it.
    """
    kind = KINDS[asked.resource_type]
    if asked.condition is not None and not kind.takes_condition:
        text = f"ifNoneExist is not read for a {asked.resource_type}."
        at_condition = f"Bundle.entry[{asked.place}].request.ifNoneExist"
        raise Refused(422, [unprocessable("not-supported", text, at_condition)])
    sent = Sent(
        resource_type=asked.resource_type,
        resource=resource,
        by=by,
        at=at,
        condition=asked.condition,
        expected_version=expected_version(asked.if_match or None),
        warnings=warnings,
    )
    if asked.method == "POST" and kind.create:
        return kind.create(sent)
    if asked.method == "PUT" and kind.update:
        made = kind.update(id_of(asked.resource_id), sent)
        if made is None:
            raise Http404
        return made
    return _delete(kind, id_of(asked.resource_id), by=by, at=at)


def read(request: Request, asked: Asked, *, at: datetime) -> Answered:
    """What an entry asks to see: a resource, a version of it, or a search. Raises Http404 and Refused."""
    kind, by = KINDS[asked.resource_type], actor_of(request)
    if not asked.resource_id:
        found, page = reading.search(kind, asked.query, every=SOURCES, is_strict=True, by=by, at=at)
        if not page.found and not page.total:
            record_empty_search(request, asked.resource_type, asked.query)
        return Answered(status=200, resource=found)
    if asked.version is None:
        shown = reading.read(kind, asked.resource_id, by=by, at=at)
    else:
        shown = reading.vread(kind, asked.resource_id, asked.version, by=by, at=at)
    if _is_known(asked, shown):
        return Answered(status=304, version=shown.version, at=shown.at)
    return Answered(status=200, version=shown.version, at=shown.at, resource=shown.resource)


def _is_known(asked: Asked, shown: Shown) -> bool:
    """Whether the asker holds this version already, as R4's conditional read has it; ifNoneMatch decides."""
    if asked.if_none_match:
        return has_version(asked.if_none_match, shown.version)
    if not asked.if_modified_since:
        return False
    # An instant of R4, which the checks have read; answers give moments to the millisecond.
    since = datetime.fromisoformat(asked.if_modified_since)
    return shown.at.replace(microsecond=shown.at.microsecond // 1000 * 1000) <= since


def written(
    request: Request, made: Made, *, warnings: Sequence[Finding], is_repeat: bool
) -> Answered:
    """The answer to an entry that wrote: where it is now, and as much of it as is preferred (by default, nothing)."""
    if made.status == 204:
        return Answered(status=204)
    prefer = preference(request, "return")
    answered = Answered(
        status=made.status,
        location=location(made.resource_type, made.pk, made.version, base_url=BASE_URL),
        version=made.version,
        at=made.at,
        outcome=operation_outcome(warnings) if warnings or prefer == "OperationOutcome" else None,
    )
    if prefer != "representation":
        return answered
    # What the sender did not just write is a read, and audited.
    show = reading.vread if is_repeat or made.is_found else reading.version_made
    kind, by = KINDS[made.resource_type], actor_of(request)
    shown = show(kind, str(made.pk), made.version, by=by, at=made.at)
    return replace(answered, resource=shown.resource)


def _delete(kind: Kind, resource_id: UUID, *, by: Actor, at: datetime) -> Made:
    if kind.delete is None or not kind.delete(resource_id, by=by, at=at):
        raise Http404
    return Made(resource_type=kind.resource_type, pk=resource_id, version=0, at=at, status=204)
