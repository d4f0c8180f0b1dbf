"""Questions about one patient or referral: $everything, $events and $available-actions. They change nothing."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Interaction
from api.fhir.base import BASE_URL, FhirView, actor_of, id_of
from api.fhir.parameters import pairs_of
from api.fhir.schema import OUTCOME, READ_ERRORS, RESOURCE
from api.fhir.served import KINDS
from integrations.fhir import actions, events
from integrations.fhir.everything import everything_of
from integrations.fhir.outcome import Refused, malformed
from integrations.fhir.searching.query import DRESS
from referrals.reading import read_practice_task, read_referral

_FHIR = "application/fhir+json"
_ANSWERS: dict[Any, Any] = {(200, _FHIR): RESOURCE, 400: OUTCOME, **READ_ERRORS}
_BODY = {_FHIR: RESOURCE}


class Question(FhirView):
    """Asked by GET with parameters in the address, or by POST with a Parameters resource."""

    interaction = Interaction.READ


class Everything(Question):
    """``Patient/[id]/$everything``."""

    resource_types = ("Patient",)

    @extend_schema(
        operation_id="Patient_everything",
        tags=["FHIR"],
        parameters=[OpenApiParameter(name) for name in ("_type", "_since", "_count")],
        responses=_ANSWERS,
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read all there is about a patient, as far as the token goes: the self link names the types if not all."""
        shown = everything_of(
            id_of(resource_id),
            pairs_of(request),
            base_url=BASE_URL,
            by=actor_of(request),
            at=timezone.now(),
        )
        return _found(shown)

    @extend_schema(
        operation_id="Patient_everything_by_post", tags=["FHIR"], request=_BODY, responses=_ANSWERS
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Read all there is about a patient."""
        return self.get(request, resource_id)


class Events(Question):
    """``ServiceRequest/[id]/$events``."""

    resource_types = ("ServiceRequest", "Task")

    @extend_schema(
        operation_id="ServiceRequest_events",
        tags=["FHIR"],
        parameters=[OpenApiParameter(name) for name in (events.SINCE, events.UNTIL)],
        responses=_ANSWERS,
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read what has happened to a referral, oldest first: its Task at every version, the version being the number."""
        numbers = _numbers(request)
        shown = events.events_of(
            id_of(resource_id),
            first=max(numbers.get(events.SINCE, 1), 1),
            last=numbers.get(events.UNTIL),
            base_url=BASE_URL,
            by=actor_of(request),
            at=timezone.now(),
        )
        return _found(shown)

    @extend_schema(
        operation_id="ServiceRequest_events_by_post",
        tags=["FHIR"],
        request=_BODY,
        responses=_ANSWERS,
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Read what has happened to a referral."""
        return self.get(request, resource_id)


class RequestActions(Question):
    """``ServiceRequest/[id]/$available-actions``."""

    resource_types = ("ServiceRequest",)

    @extend_schema(
        operation_id="ServiceRequest_available_actions", tags=["FHIR"], responses=_ANSWERS
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read what the asker may do with a referral now, where it leads, and how."""
        return _found(_actions_on_referral(request, resource_id, focus="ServiceRequest"))

    @extend_schema(
        operation_id="ServiceRequest_available_actions_by_post",
        tags=["FHIR"],
        request=_BODY,
        responses=_ANSWERS,
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Read what the asker may do with a referral now."""
        return self.get(request, resource_id)


class TaskActions(Question):
    """``Task/[id]/$available-actions``: of a referral's Task, or of one for the practice."""

    resource_types = ("Task",)

    @extend_schema(operation_id="Task_available_actions", tags=["FHIR"], responses=_ANSWERS)
    def get(self, request: Request, resource_id: str) -> Response:
        """Read what the asker may do with a Task now, where it leads, and how."""
        shown = _actions_on_referral(request, resource_id, focus="Task")
        return _found(shown or _actions_on_practice_task(request, resource_id))

    @extend_schema(
        operation_id="Task_available_actions_by_post",
        tags=["FHIR"],
        request=_BODY,
        responses=_ANSWERS,
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Read what the asker may do with a Task now."""
        return self.get(request, resource_id)


def _found(shown: dict[str, Any] | None) -> Response:
    if shown is None:
        raise Http404
    return Response(shown)


def _actions_on_referral(
    request: Request, resource_id: str, *, focus: str
) -> dict[str, Any] | None:
    seen = read_referral(referral_id=id_of(resource_id), by=actor_of(request), at=timezone.now())
    if seen is None:
        return None
    return actions.of_referral(seen, focus=focus, changeable=_changeable(), base_url=BASE_URL)


def _actions_on_practice_task(request: Request, resource_id: str) -> dict[str, Any] | None:
    asked = read_practice_task(task_id=id_of(resource_id), by=actor_of(request), at=timezone.now())
    return None if asked is None else actions.of_practice_task(asked, changeable=_changeable())


def _changeable() -> list[str]:
    return [name for name, kind in KINDS.items() if kind.update]


def _numbers(request: Request) -> dict[str, int]:
    """The numbers of events that are asked for. Raises Refused."""
    found: dict[str, int] = {}
    for name, value in pairs_of(request):
        if name in DRESS:
            continue
        if name not in (events.SINCE, events.UNTIL):
            text = f"This operation takes: {events.SINCE}, {events.UNTIL}."
            raise Refused(400, [malformed("not-supported", text)])
        if not (value.isascii() and value.isdecimal() and len(value) <= 9):
            raise Refused(400, [malformed("value", f"{name} is the number of an event.")])
        found[name] = int(value)
    return found
