"""``HealthcareService/$match``: which communities would suit somebody, before there is a referral. Nothing is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.timezone import localdate
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Interaction
from api.fhir.base import BASE_URL, FhirView, actor_of
from api.fhir.directory import SERVICES
from api.fhir.schema import OUTCOME, READ_ERRORS, RESOURCE
from api.fhir.sending import resource_of
from communities.finding import find_communities
from communities.selectors import people_by_condition
from integrations.fhir import match, match_answer
from integrations.fhir.checking import accept
from integrations.fhir.match import Asked, Given
from integrations.fhir.outcome import Finding

_BUNDLE: dict[Any, Any] = {
    (200, "application/fhir+json"): RESOURCE,
    **READ_ERRORS,
    400: OUTCOME,
    413: OUTCOME,
    415: OUTCOME,
    422: OUTCOME,
}


class Match(FhirView):
    """A need in, ranked communities out: by the rules of a referral's own matching, and with the same result."""

    resource_types = ("HealthcareService",)
    interaction = Interaction.SEARCH

    @extend_schema(
        operation_id="HealthcareService_match",
        tags=["FHIR"],
        parameters=[OpenApiParameter(name) for name in match.IN_ADDRESS],
        responses=_BUNDLE,
    )
    def get(self, request: Request) -> Response:
        """Ask with what can name nobody: date of birth and postcode are for POST alone."""
        pairs = [(n, v) for n, values in request.query_params.lists() for v in values]
        at = timezone.now()
        return _answer(request, _asked(*match.in_address(pairs), at=at, is_in_body=False), at=at)

    @extend_schema(
        operation_id="HealthcareService_match_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_BUNDLE,
    )
    def post(self, request: Request) -> Response:
        """Ask with a Parameters resource."""
        at = timezone.now()
        accepted = accept(
            resource_of(request),
            resource_type="Parameters",
            read=lambda parameters: _asked(*match.in_body(parameters), at=at, is_in_body=True),
            base_url=BASE_URL,
            is_strict=actor_of(request).is_strict,
        )
        return _answer(request, accepted.content, accepted.warnings, at=at)


def _asked(
    given: Sequence[Given], findings: Sequence[Finding], *, at: datetime, is_in_body: bool
) -> Asked:
    day = localdate(at)
    return match.read(given, findings, base_url=BASE_URL, day=day, is_in_body=is_in_body)


def _answer(
    request: Request, asked: Asked, warnings: Sequence[Finding] = (), *, at: datetime
) -> Response:
    by = actor_of(request)
    ranking = find_communities(
        wanted=asked.wanted, with_refused=asked.includes_refused, by=by, at=at
    )
    offers, refused = match_answer.shown(ranking, includes_refused=asked.includes_refused)
    ids = [*(one.community_id for one in offers), *(one.community_id for one in refused)]
    rows = SERVICES.rows(by).filter(pk__in=ids)
    return Response(
        match_answer.searchset(
            ranking,
            {str(row.pk): SERVICES.show(row, BASE_URL) for row in rows},
            includes_refused=asked.includes_refused,
            people=people_by_condition(),
            warnings=(*warnings, *asked.warnings),
            base_url=BASE_URL,
        )
    )
