"""Task: what the service does with a referral. Read, vread, and search by the referral it is about."""

import re
from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Interaction
from api.fhir.base import BASE_URL, FhirView, actor_of, id_of, versioned
from api.fhir.denials import record_empty_search, target_of
from api.fhir.reading import seen
from api.fhir.schema import OUTCOME, READ_ERRORS, RESOURCE
from integrations.fhir import task
from integrations.fhir.search import searchset
from referrals.models import Referral
from referrals.reading import Asked, read_practice_task, read_referral
from referrals.selectors import practice_tasks_of

_FOCUS = re.compile(r"ServiceRequest/(?P<id>[A-Za-z0-9\-.]{1,64})")


class TaskInstance(FhirView):
    """The Task of one referral, which has the referral's id; or one that the practice has to do, with its own."""

    resource_types = ("Task",)

    @extend_schema(
        operation_id="Task_read",
        tags=["FHIR"],
        responses={(200, "application/fhir+json"): RESOURCE, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read how far a referral has come."""
        try:
            return seen(request, resource_id, render=task.render)
        except Http404:
            return _asked(request, resource_id)


class TaskVersion(FhirView):
    """The Task of one referral at a given version."""

    resource_types = ("Task",)

    @extend_schema(
        operation_id="Task_vread",
        tags=["FHIR"],
        responses={(200, "application/fhir+json"): RESOURCE, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str, version: int) -> Response:
        """Read how far a referral had come at a version."""
        try:
            return seen(request, resource_id, render=task.render, version=version)
        except Http404:
            return _asked(request, resource_id, version=version)


class TaskCollection(FhirView):
    """Where Tasks are found."""

    resource_types = ("Task",)
    interaction = Interaction.SEARCH

    @extend_schema(
        operation_id="Task_search",
        tags=["FHIR"],
        parameters=[OpenApiParameter("focus", required=True, description="ServiceRequest/<id>")],
        responses={(200, "application/fhir+json"): RESOURCE, 400: OUTCOME, **READ_ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Find the Task of a referral: ``?focus=ServiceRequest/<id>``."""
        focus = request.query_params.get("focus", "")
        wanted = _FOCUS.fullmatch(focus.removeprefix(f"{BASE_URL}/fhir/R4/"))
        if set(request.query_params) != {"focus"} or not wanted:
            raise ParseError("Task is searched by one parameter: focus=ServiceRequest/<id>.")
        if len(request.query_params.getlist("focus")) > 1:
            raise ParseError("Send focus once: one search finds the Task of one ServiceRequest.")
        try:
            referral_id = id_of(wanted["id"])
        except Http404:
            seen = None
        else:
            seen = read_referral(referral_id=referral_id, by=actor_of(request), at=timezone.now())
        found = []
        if seen:
            found = [task.render(seen.referral, seen.change, base_url=BASE_URL)]
            found += [
                _rendered(Asked(row, row.version, row.changed_at), seen.referral)
                for row in practice_tasks_of(seen.referral)
            ]
        else:
            record_empty_search(request, target=target_of("ServiceRequest", wanted["id"]))
        return Response(
            searchset(found, base_url=BASE_URL, query={"focus": focus}, resource_type="Task")
        )


def _asked(request: Request, resource_id: str, *, version: int | None = None) -> Response:
    asked = read_practice_task(
        task_id=id_of(resource_id), version=version, by=actor_of(request), at=timezone.now()
    )
    if asked is None:
        raise Http404
    rendered = _rendered(asked, asked.task.referral)
    return Response(rendered, headers=versioned(asked.version, asked.at))


def _rendered(asked: Asked, referral: Referral) -> dict[str, Any]:
    return task.render_for_practice(
        asked.task, referral, version=asked.version, at=asked.at, base_url=BASE_URL
    )
