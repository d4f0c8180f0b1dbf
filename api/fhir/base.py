"""What every FHIR endpoint shares: who may, in whose transaction, what is read, how the answer is dressed."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection
from django.http import Http404
from django.utils.http import http_date
from rest_framework.exceptions import PermissionDenied, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.repeating import Made
from accounts.scopes import Interaction, is_granted
from api.authentication import BearerToken
from api.fhir.denials import record_denial
from api.permissions import HasScope
from api.renderers import FhirAsJsonRenderer, FhirRenderer
from api.throttling import Counted
from integrations.fhir import conditional, wire
from integrations.fhir.checking import check
from integrations.fhir.outcome import Refused, malformed
from integrations.fhir.rendering import etag, location
from privacy.tenancy import acting_for
from referrals.intake import Identifier

BASE_URL = settings.PUBLIC_BASE_URL
_TAKEN = ("application/fhir+json", "application/json")
_MOST_TRIES = 3
_LONGEST_WAIT_SECONDS = 0.2
# PostgreSQL took one of two transactions back: serialization_failure, deadlock_detected.
_TAKEN_BACK = {"40001", "40P01"}


class FhirJson(BaseParser):
    """Names the media type for OpenAPI; bodies are read by ``resource_of``, which is stricter than any parser."""

    media_type = "application/fhir+json"


class FhirView(Counted):
    """A FHIR endpoint for clinical systems. ``resource_types`` are those that the token must cover."""

    is_fhir = True
    authentication_classes = [BearerToken]
    permission_classes = [HasScope]
    parser_classes = [FhirJson]
    renderer_classes = [FhirRenderer, FhirAsJsonRenderer]
    resource_types: tuple[str, ...] = ()
    interaction: str | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks; what answers then runs in one transaction, in which only their organisation's rows are there.

        Put around the method itself, so that an error takes everything back before it becomes an answer.
        """
        super().initial(request, *args, **kwargs)
        method = (request.method or "").lower()
        actor = request.user
        if isinstance(actor, Actor) and actor.organisation_id and hasattr(self, method):
            answer = getattr(self, method)
            setattr(self, method, partial(_in_transaction, actor.organisation_id, answer))

    def handle_exception(self, exc: Exception) -> Response:
        """The answer to an error. What was denied is recorded now, when all else has been taken back."""
        response = super().handle_exception(exc)
        record_denial(self.request, status=response.status_code)
        return response


def _in_transaction(
    organisation_id: UUID, answer: Callable[..., Response], request: Request, **parts: Any
) -> Response:
    """Try again, a little later, where PostgreSQL has taken the transaction back for the sake of another."""
    for tries_left in reversed(range(_MOST_TRIES)):
        try:
            with acting_for(organisation_id):
                return answer(request, **parts)
        except OperationalError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state not in _TAKEN_BACK or not tries_left or connection.in_atomic_block:
                raise
            time.sleep(random.uniform(0, _LONGEST_WAIT_SECONDS))  # noqa: S311  (so that the two do not meet again)
    raise RuntimeError("the last try neither answered nor raised")


def actor_of(request: Request) -> Actor:
    """The clinical system that asks; the permission has made sure that there is one."""
    actor = request.user
    if not isinstance(actor, Actor):
        raise TypeError("an endpoint without HasScope asked for its actor")
    return actor


def resource_of(
    request: Request, resource_type: str, *, takes_condition: bool = False
) -> dict[str, Any]:
    """The resource in the body, checked against R4. Raises Refused with every fault.

    An endpoint that ``takes_condition`` asks for it with ``condition_of``; elsewhere a condition is refused.
    """
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type not in _TAKEN:
        raise UnsupportedMediaType(
            media_type or "none", f"Send {_TAKEN[0]} as Content-Type; XML is not read."
        )
    if "If-None-Exist" in request.headers and not takes_condition:
        sentence = "If-None-Exist is not read here. In a transaction it stands in entry.request.ifNoneExist."
        raise Refused(400, [malformed("not-supported", sentence)])
    resource = wire.parse(request.body)
    findings = check(resource, resource_type=resource_type)
    if any(finding.is_error for finding in findings):
        raise Refused(400, findings)
    return resource


def condition_of(request: Request, resource_type: str) -> Identifier | None:
    """The identifier that If-None-Exist names, or None without the header. Raises Refused."""
    condition = request.headers.get("If-None-Exist")
    if condition is None:
        return None
    if not is_granted(
        actor_of(request).scopes, resource_type=resource_type, interaction=Interaction.READ
    ):
        # What is there already is answered with its content.
        raise PermissionDenied(f"If-None-Exist needs the scope system/{resource_type}.r too.")
    try:
        return conditional.read(condition, resource_type=resource_type)
    except conditional.ConditionNotServed as error:
        raise Refused(400, [malformed("not-supported", str(error))]) from None


def id_of(text: str) -> UUID:
    """An id from the address; what is no UUID is no id of ours, and so not found."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def created(made: Made, resource: dict[str, Any]) -> Response:
    """The answer to a create: the resource, where it is, and its version."""
    place = location(made.resource_type, made.pk, made.version, base_url=BASE_URL)
    return Response(
        resource,
        status=made.status,
        headers={"Location": place, **versioned(made.version, made.at)},
    )


def versioned(version: int, at: datetime) -> dict[str, str]:
    """The headers that name a version."""
    return {"ETag": etag(version), "Last-Modified": http_date(at.timestamp())}
