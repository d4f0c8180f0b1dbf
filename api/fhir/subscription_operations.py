"""What a subscriber can ask for itself: where its subscriptions stand ($status), and events once more ($events)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scopes import Interaction
from api.fhir.base import BASE_URL, FhirView, actor_of, id_of
from api.fhir.schema import OUTCOME, READ_ERRORS, RESOURCE
from api.fhir.sending import sound_resource_of
from integrations.fhir import fields
from integrations.fhir.outcome import Refused, malformed
from integrations.fhir.subscriptions import notifications, replaying, selectors
from integrations.fhir.subscriptions.models import Content, SubscriptionStatus

_BUNDLE: dict[Any, Any] = {
    (200, "application/fhir+json"): RESOURCE,
    400: OUTCOME,
    **READ_ERRORS,
}
Pairs = Iterable[tuple[str, Sequence[object]]]  # the name of a parameter and all its values
_SINCE, _UNTIL, _CONTENT = "eventsSinceNumber", "eventsUntilNumber", "content"


class _Operation(FhirView):
    """Asked for by GET with parameters in the address, or by POST with a Parameters resource; it changes nothing."""

    resource_types = ("Subscription",)
    interaction = Interaction.READ


class TypeStatus(_Operation):
    """``$status`` of all subscriptions of the asker, or of some."""

    @extend_schema(
        operation_id="Subscription_status_all",
        tags=["FHIR"],
        parameters=[OpenApiParameter("id", many=True), OpenApiParameter("status", many=True)],
        responses=_BUNDLE,
    )
    def get(self, request: Request) -> Response:
        """Say where each subscription stands."""
        return _statuses(request, request.query_params.lists())

    @extend_schema(
        operation_id="Subscription_status_all_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_BUNDLE,
    )
    def post(self, request: Request) -> Response:
        """Say where each subscription stands."""
        return _statuses(request, _parameters(request))


class InstanceStatus(_Operation):
    """``$status`` of one subscription. Its parameters are for all; here they are ignored."""

    @extend_schema(operation_id="Subscription_status", tags=["FHIR"], responses=_BUNDLE)
    def get(self, request: Request, resource_id: str) -> Response:
        """Say where the subscription stands."""
        row = selectors.subscription_of(actor_of(request), id_of(resource_id))
        if row is None:
            raise Http404
        return Response(notifications.status_bundle([row], base_url=BASE_URL))

    @extend_schema(
        operation_id="Subscription_status_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_BUNDLE,
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Say where the subscription stands."""
        return self.get(request, resource_id)


class Events(_Operation):
    """``$events`` of one subscription: what it was to be told, as often as the asker wants."""

    @extend_schema(
        operation_id="Subscription_events",
        tags=["FHIR"],
        parameters=[OpenApiParameter(name) for name in (_SINCE, _UNTIL, _CONTENT)],
        responses=_BUNDLE,
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Tell again."""
        return _events(request, resource_id, request.query_params.lists())

    @extend_schema(
        operation_id="Subscription_events_by_post",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses=_BUNDLE,
    )
    def post(self, request: Request, resource_id: str) -> Response:
        """Tell again."""
        return _events(request, resource_id, _parameters(request))


def _statuses(request: Request, given: Pairs) -> Response:
    asked = _named(given, "id", "status")
    statuses = asked["status"]
    if not set(statuses) <= set(SubscriptionStatus.values):
        _refuse(f"status is one of: {', '.join(SubscriptionStatus.values)}.")
    rows = selectors.subscriptions_of(
        actor_of(request), ids=[_id(text) for text in asked["id"]], statuses=statuses
    )
    return Response(notifications.status_bundle(rows, base_url=BASE_URL))


def _events(request: Request, resource_id: str, given: Pairs) -> Response:
    asked = _named(given, _SINCE, _UNTIL, _CONTENT)
    content = _one(asked, _CONTENT)
    if content and content not in Content.values:
        _refuse(f"content is one of: {', '.join(Content.values)}.")
    bundle = replaying.events_again(
        subscription_id=id_of(resource_id),
        first=_number(asked, _SINCE) or 1,
        last=_number(asked, _UNTIL),
        content=content,
        base_url=BASE_URL,
        by=actor_of(request),
        at=timezone.now(),
    )
    if bundle is None:
        raise Http404
    return Response(bundle)


def _parameters(request: Request) -> Iterator[tuple[str, Sequence[object]]]:
    """What stands in a Parameters resource."""
    for parameter in fields.children(sound_resource_of(request, "Parameters"), "parameter"):
        values = [value for name, value in parameter.items() if name.startswith("value")]
        yield fields.text(parameter, "name"), values


def _named(given: Pairs, *known: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in known}
    for name, values in given:
        if name in found:
            found[name] += [part for value in values for part in str(value).split(",")]
        elif not name.startswith("_"):
            _refuse(f"This operation takes: {', '.join(known)}.")
    return found


def _one(asked: dict[str, list[str]], name: str) -> str:
    if len(asked[name]) > 1:
        _refuse(f"Send {name} once.")
    return asked[name][0] if asked[name] else ""


def _number(asked: dict[str, list[str]], name: str) -> int | None:
    text = _one(asked, name)
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 9):
        _refuse(f"{name} is the number of an event.")
    return int(text) if text else None


def _id(text: str) -> UUID:
    """What is no UUID is no id of ours, and so as good as one that is not there."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _refuse(text: str) -> NoReturn:
    raise Refused(400, [malformed("invalid", text)])
