"""``PUT /api/communities/<key>/capacity``: a host says how many places its community has, signed as its events are."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone
from django.utils.timezone import localdate
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import host_actor
from accounts.hosts import secrets_of
from accounts.throttling import Limit
from api.events import ErrorSchema, SignatureRefused
from api.throttling import Counted
from communities.capacity import (
    LONGEST_FRESH,
    Message,
    NotNewer,
    Statement,
    community_keyed,
    number_waiting,
)
from communities.models import Capacity, CapacityState
from integrations.fhir.outcome import Finding, Refused, unprocessable
from integrations.platforms.webhooks import SignatureWrong, verify
from privacy.tenancy import acting_for
from referrals.placing import state_places

logger = logging.getLogger(__name__)

JSON = "application/json"
MOST_PLACES = 1_000_000
LONGEST_ID = 100
_ID = f"webhook-id is a text of 1 to {LONGEST_ID} printable characters."
_NOT_NEWER = "A message that was signed in this second or later has been taken already."


class StatementSchema(serializers.Serializer[None]):
    """What a host states. ``total`` null: no limit. ``used`` left out: as it is counted here.

    ``community`` is the key that is in the address too: only the body is signed.
    """

    community = serializers.CharField(max_length=100)
    total = serializers.IntegerField(min_value=0, max_value=MOST_PLACES, allow_null=True)
    used = serializers.IntegerField(min_value=0, max_value=MOST_PLACES, required=False)
    has_waiting_list = serializers.BooleanField(default=False)
    needs_assessment = serializers.BooleanField(default=False)
    fresh_until = serializers.DateField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Names that nobody knows are refused: one that is misspelt would be lost in silence."""
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            known = ", ".join(self.fields)
            said = f"Unknown: {unknown[0][:40]}. Known: {known}."
            raise serializers.ValidationError({"non_field_errors": [said]})
        return super().to_internal_value(data)

    def validate_community(self, value: str) -> str:
        """A statement counts for the community that it was signed for, and for no other."""
        if value != self.context["key"]:
            raise serializers.ValidationError("Give the key that is in the address.")
        return value

    def validate_fresh_until(self, value: Any) -> Any:
        """A statement holds from today, and not for ever."""
        today = localdate()
        if not today <= value <= today + LONGEST_FRESH:
            raise serializers.ValidationError(
                f"Today or at most {LONGEST_FRESH // timedelta(days=1)} days from now."
            )
        return value


class CapacitySchema(serializers.Serializer[None]):
    """How it stands now. ``used`` includes the places that are held for people who wait; ``waiting`` is the others."""

    state = serializers.ChoiceField(CapacityState.values)
    total = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    free = serializers.IntegerField(allow_null=True)
    waiting = serializers.IntegerField()
    has_waiting_list = serializers.BooleanField()
    needs_assessment = serializers.BooleanField()
    stated_on = serializers.DateField()
    fresh_until = serializers.DateField()


_HEADERS = [
    OpenApiParameter("webhook-id", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True),
    OpenApiParameter("webhook-timestamp", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True),
    OpenApiParameter("webhook-signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True),
]


class CommunityCapacity(Counted):
    """The places of one community. Any live key of its host signs."""

    authentication_classes = []
    permission_classes = [AllowAny]  # the signature is the credential
    parser_classes = [JSONParser]
    limit = Limit.EVENTS

    @extend_schema(
        operation_id="community_capacity_update",
        tags=["Communities"],
        parameters=_HEADERS,
        request={JSON: StatementSchema},
        responses={
            200: CapacitySchema,
            400: ErrorSchema,
            401: ErrorSchema,
            409: ErrorSchema,
            413: ErrorSchema,
            415: ErrorSchema,
            422: ErrorSchema,
            429: ErrorSchema,
        },
        examples=[
            OpenApiExample(
                "Forty places, and a waiting list",
                value={
                    "community": "h0123456789abcde",
                    "total": 40,
                    "used": 38,
                    "has_waiting_list": True,
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request, key: str) -> Response:
        """State the places of a community anew; whoever waits is served when there are more.

        A message must be signed in a later second than the one before it; the same id again changes nothing.
        """
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise UnsupportedMediaType(media_type or "none", f"Send {JSON} as Content-Type.")
        community, at = community_keyed(key), timezone.now()
        try:
            secrets = secrets_of(community.host_id) if community else []
            verify(request.body, request.headers, secrets=secrets)
        except SignatureWrong as error:
            logger.warning("capacity refused: wrong signature")
            raise SignatureRefused(
                "The signature is wrong, or the timestamp is off by more than five minutes."
            ) from error
        assert community is not None  # noqa: S101  (without one no signature fits)
        statement = _read(request.body, key=key, message=_message(request))
        try:
            with acting_for(community.host_id):
                stated = state_places(
                    community=community, statement=statement, by=host_actor(community.host), at=at
                )
        except NotNewer as error:
            raise Refused(409, [Finding("error", "conflict", _NOT_NEWER)]) from error
        return Response(_shown(stated))


def _message(request: Request) -> Message:
    """The message whose signature was checked; of its moment only whole seconds are signed."""
    message_id = request.headers["webhook-id"]
    if not 1 <= len(message_id) <= LONGEST_ID or not message_id.isprintable():
        raise Refused(422, [unprocessable("value", _ID)])
    moment = datetime.fromtimestamp(int(float(request.headers["webhook-timestamp"])), tz=UTC)
    return Message(message_id, moment)


def _read(body: bytes, *, key: str, message: Message) -> Statement:
    try:
        content = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise ParseError("The body is not JSON.") from error
    given = StatementSchema(data=content, context={"key": key})
    if not given.is_valid():
        raise Refused(422, _findings(given.errors))
    facts = {name: value for name, value in given.validated_data.items() if name != "community"}
    return Statement(**facts, message=message)


def _findings(errors: Any) -> Iterator[Finding]:
    for name, sentences in errors.items():
        place = f"{name}: " if name in StatementSchema().fields else ""
        yield from (unprocessable("value", f"{place}{sentence}") for sentence in sentences)


def _shown(capacity: Capacity) -> dict[str, Any]:
    return {
        "state": capacity.state(localdate()),
        "total": capacity.total,
        "used": capacity.used,
        "free": capacity.free,
        "waiting": number_waiting(capacity.pk),
        "has_waiting_list": capacity.has_waiting_list,
        "needs_assessment": capacity.needs_assessment,
        "stated_on": capacity.stated_on,
        "fresh_until": capacity.fresh_until,
    }
