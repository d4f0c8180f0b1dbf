"""What this service defines beyond R4, each to be read at its canonical, by everybody."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.fhir import answering
from api.fhir.base import BASE_URL, FhirView
from api.fhir.kinds import Plain
from api.fhir.parameters import FORM, form_of, pairs_of
from api.fhir.schema import OUTCOME, RESOURCE
from integrations.fhir.definitions import catalogue
from integrations.fhir.definitions.edition import Edition

EDITION = Edition(base_url=BASE_URL, version=settings.VERSION, day=date(2026, 11, 22))
KINDS = tuple(
    Plain(
        resource_type=name,
        interactions=("read", "search-type"),
        search_parameters=catalogue.PARAMETERS,
    )
    for name in catalogue.TYPES
)
_FHIR = "application/fhir+json"


class _Public(FhirView):
    """An address of one type of definitions."""

    authentication_classes = []
    permission_classes = [AllowAny]
    resource_type = ""


class Definition(_Public):
    """One definition."""

    @extend_schema(tags=["FHIR"], responses={(200, _FHIR): RESOURCE, 404: OUTCOME})
    def get(self, request: Request, resource_id: str) -> Response:
        """Read a definition; its id is the last part of its canonical."""
        del request
        found = catalogue.definition(self.resource_type, resource_id, EDITION)
        if found is None:
            raise Http404
        return Response(found)


class Definitions(_Public):
    """All definitions of one type."""

    @extend_schema(
        tags=["FHIR"],
        parameters=[OpenApiParameter(name) for name in (*catalogue.PARAMETERS, "_count")],
        responses={(200, _FHIR): RESOURCE, 400: OUTCOME},
    )
    def get(self, request: Request) -> Response:
        """Search."""
        return _searched(self, request, pairs_of(request))


class DefinitionsByForm(_Public):
    """``_search``: the same with the parameters in the body."""

    @extend_schema(
        tags=["FHIR"],
        request={FORM: RESOURCE},
        responses={(200, _FHIR): RESOURCE, 400: OUTCOME, 415: OUTCOME},
    )
    def post(self, request: Request) -> Response:
        """Search."""
        return _searched(self, request, form_of(request))


def _searched(view: _Public, request: Request, pairs: Sequence[tuple[str, str]]) -> Response:
    is_strict = answering.preference(request, "handling") != "lenient"
    found = catalogue.search(view.resource_type, pairs, is_strict=is_strict, edition=EDITION)
    return Response(found)
