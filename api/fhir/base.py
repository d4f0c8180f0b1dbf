"""What every FHIR endpoint shares: who may, in whose transaction, what is read, how the answer is dressed."""

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection
from django.http import Http404, HttpRequest
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import MethodNotAllowed, NotAcceptable
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from api.authentication import BearerToken
from api.fhir.denials import NotThere, record_denial, record_denied_entry
from api.fhir.schema import FhirSchema
from api.fhir.sending import is_of_another_version
from api.permissions import HasScope
from api.renderers import FhirAsJsonRenderer, FhirRenderer
from api.throttling import Counted
from privacy.tenancy import acting_for

BASE_URL = settings.PUBLIC_BASE_URL
_FORMATS = ("json", "application/json", "application/fhir+json", "text/json")
_WRITTEN = "Answers are FHIR R4 (fhirVersion=4.0) as application/fhir+json or application/json."
_MOST_TRIES = 3
_LONGEST_WAIT_SECONDS = 0.2
# PostgreSQL took one of two transactions back: serialization_failure, deadlock_detected.
_TAKEN_BACK = {"40001", "40P01"}


class FhirJson(BaseParser):
    """Names the media type for OpenAPI; bodies are read by ``sending``, which is stricter than any parser."""

    media_type = "application/fhir+json"


class FhirView(Counted):
    """A FHIR endpoint for clinical systems. ``resource_types`` are those that the token must cover; ``example`` is
    a body for OpenAPI."""

    is_fhir = True
    authentication_classes = [BearerToken]
    permission_classes = [HasScope]
    parser_classes = [FhirJson]
    renderer_classes = [FhirRenderer, FhirAsJsonRenderer]
    schema = FhirSchema()
    resource_types: tuple[str, ...] = ()
    interaction: str | None = None
    example: Mapping[str, Any] | None = None

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's own)
    ) -> tuple[BaseRenderer, str]:
        """``_format`` goes before the Accept header, which a browser or a proxy may have set.

        Raises NotAcceptable, which says what is written.
        """
        wanted = request.query_params.get("_format")
        if force:
            return super().perform_content_negotiation(request, force)
        if wanted is None:
            return self._accepted(request)
        media_type, parameters = parse_header_parameters(wanted.strip())
        # A plus in a query string arrives as a space.
        named = media_type.replace(" ", "+")
        if named not in _FORMATS or is_of_another_version(parameters):
            raise NotAcceptable(f"_format is json: {_WRITTEN}")
        return FhirRenderer(), FhirRenderer.media_type

    def _accepted(self, request: Request) -> tuple[BaseRenderer, str]:
        """What the Accept header takes. One that names another FHIR version beside R4 gets R4."""
        ranges = request.headers.get("Accept", "*/*").split(",")
        if all(is_of_another_version(parse_header_parameters(one)[1]) for one in ranges):
            raise NotAcceptable(f"No other FHIR version is written. {_WRITTEN}")
        try:
            return super().perform_content_negotiation(request)
        except NotAcceptable:
            raise NotAcceptable(_WRITTEN) from None

    def http_method_not_allowed(
        self, request: HttpRequest, *_args: object, **_kwargs: object
    ) -> Response:
        """Say what is possible at this address. Raises MethodNotAllowed."""
        method, possible = request.method or "", ", ".join(self.allowed_methods)
        raise MethodNotAllowed(
            method, f"{method} is not possible at this address. Possible: {possible}."
        )

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
        if isinstance(exc, NotThere):
            record_denied_entry(self.request, exc.url, status=response.status_code)
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


def id_of(text: str) -> UUID:
    """An id from the address; what is no UUID as we write them is no id of ours, and so not found.

    Ids are case-sensitive (R4, datatypes).
    """
    try:
        found = UUID(text)
    except ValueError:
        raise Http404 from None
    if str(found) != text:
        raise Http404
    return found
