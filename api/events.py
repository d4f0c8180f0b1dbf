"""``POST /api/events/<key>``: activity from a community's own software, as counts, signed."""

import logging
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import host_actor
from accounts.hosts import host_key
from accounts.throttling import Limit
from api.throttling import Counted
from engagement.contract import Receipt, Received
from engagement.recording import record_activities
from integrations.platforms.webhooks import (
    BatchMalformed,
    Problem,
    SignatureWrong,
    read_batch,
    verify,
)
from privacy.tenancy import acting_for

logger = logging.getLogger(__name__)

BATCH = "application/cloudevents-batch+json"
_TAKEN = (BATCH, "application/cloudevents+json")


class SignatureRefused(APIException):
    """The webhook is not signed as it must be."""

    status_code = 401


class CloudEvents(BaseParser):
    """Names the media type for OpenAPI; the raw bytes are what is signed and so what is read."""

    media_type = BATCH


class EventSchema(serializers.Serializer[None]):
    """One CloudEvents 1.0 event of the engagement contract."""

    specversion = serializers.ChoiceField(["1.0"])
    id = serializers.CharField(max_length=100)
    source = serializers.CharField(max_length=200)  # type: ignore[assignment]  # a field of that name
    type = serializers.CharField(max_length=100)
    subject = serializers.CharField(max_length=40)
    time = serializers.DateTimeField()
    data = serializers.DictField(required=False)  # type: ignore[assignment]  # a field of that name


class ReceiptSchema(serializers.Serializer[None]):
    """What became of one event."""

    id = serializers.CharField()
    receipt = serializers.ChoiceField([*Receipt.values, "refused"])
    reason = serializers.CharField(required=False)


class ReceiptsSchema(serializers.Serializer[None]):
    """One receipt per event, in the order sent."""

    receipts = ReceiptSchema(many=True)


class ErrorSchema(serializers.Serializer[None]):
    """What is wrong."""

    errors = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # a field of that name


class Events(Counted):
    """The address that a host's webhook posts to; the key in it says whose secret signs."""

    authentication_classes = []
    permission_classes = [AllowAny]  # the signature is the credential
    parser_classes = [CloudEvents]
    limit = Limit.EVENTS

    @extend_schema(
        operation_id="events_create",
        tags=["Communities"],
        parameters=[
            OpenApiParameter(
                "webhook-id", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            ),
            OpenApiParameter(
                "webhook-timestamp", OpenApiTypes.INT, OpenApiParameter.HEADER, required=True
            ),
            OpenApiParameter(
                "webhook-signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            ),
        ],
        request={BATCH: EventSchema(many=True), _TAKEN[1]: EventSchema},
        responses={
            202: ReceiptsSchema,
            400: ErrorSchema,
            401: ErrorSchema,
            413: ErrorSchema,
            415: ErrorSchema,
            422: ReceiptsSchema,
            429: ErrorSchema,
        },
        examples=[
            OpenApiExample(
                "Twelve posts read",
                value=[
                    {
                        "specversion": "1.0",
                        "id": "evt_01",
                        "source": "urn:community:example",
                        "type": "peer.engagement.read.v1",
                        "subject": "psn_q2w3e4r5t6y7u2i3o4p5a6s7d2",
                        "time": "2026-11-20T00:00:00Z",
                        "data": {"count": 12, "granularity": "day"},
                    }
                ],
                request_only=True,
                media_type=BATCH,
            )
        ],
    )
    def post(self, request: Request, key_id: UUID) -> Response:
        """Take a batch; 202 with a receipt per event, 422 when not one of them can be read."""
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        if media_type not in _TAKEN:
            raise UnsupportedMediaType(media_type or "none", f"Send {BATCH} as Content-Type.")
        key, at = host_key(key_id), timezone.now()
        try:
            verify(request.body, request.headers, secrets=[key.secret] if key else [])
        except SignatureWrong as error:
            # A line, not a row: whoever has no key must not be able to fill the database.
            logger.warning("webhook refused: wrong signature for key %s", key_id)
            raise SignatureRefused(
                "The signature is wrong, or the timestamp is off by more than five minutes."
            ) from error
        assert key is not None  # noqa: S101  (without a key no signature fits)
        try:
            batch = read_batch(request.body)
        except BatchMalformed as error:
            raise ParseError(str(error)) from error
        with acting_for(key.organisation_id):
            recorded = record_activities(
                new=list(batch.events), by=host_actor(key.organisation), at=at
            )
        return Response(
            {"receipts": _receipts(recorded, batch.problems)}, status=202 if recorded else 422
        )


def _receipts(recorded: list[Received], problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    """One receipt per event, in the order in which they were sent."""
    by_index = {problem.index: problem for problem in problems}
    readable = iter(recorded)
    receipts = []
    for index in range(len(recorded) + len(problems)):
        if problem := by_index.get(index):
            receipts.append(
                {"id": problem.event_id, "receipt": "refused", "reason": problem.sentence}
            )
        else:
            received = next(readable)
            receipts.append({"id": received.event_id, "receipt": received.receipt.value})
    return receipts
