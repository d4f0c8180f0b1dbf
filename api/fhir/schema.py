"""How OpenAPI describes FHIR endpoints: FHIR's own definitions are the contract, this is the way in."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

RESOURCE = OpenApiTypes.OBJECT
_PARAMETER = re.compile(r"\{\w+\}")
_OPERATION = re.compile(r"/\$([a-z\-]+)")


class FhirSchema(AutoSchema):
    """Names an operation by its address, since one view serves many types."""

    def get_operation_id(self) -> str:
        """``Task_one_history_get`` for GET /fhir/R4/Task/{resource_id}/_history."""
        place = _PARAMETER.sub("one", self.path).removeprefix("/fhir/R4")
        words = re.findall(r"[A-Za-z0-9]+", place)
        return "_".join([*(words or ["base"]), self.method.lower()])

    def get_examples(self) -> list[OpenApiExample]:
        """The view's example of what may be posted to it."""
        example = getattr(self.view, "example", None)
        if self.method != "POST" or example is None:
            return []
        name, media_type = "One that may be sent", "application/fhir+json"
        return [OpenApiExample(name, value=dict(example), request_only=True, media_type=media_type)]


def with_operations(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """The endpoints with FHIR's ``$`` in their paths, which is taken for the end of a pattern and dropped."""
    named = []
    for path, pattern, method, callback in endpoints:
        for name in _OPERATION.findall(f"/{pattern}"):
            path = path.replace(f"/{name}", f"/${name}")
        named.append((path, pattern, method, callback))
    return named


OUTCOME = OpenApiResponse(
    OpenApiTypes.OBJECT,
    description="OperationOutcome: what is wrong, where, and what to send instead",
)
_WITH_EXAMPLE = OpenApiResponse(
    OpenApiTypes.OBJECT,
    description="OperationOutcome: what is wrong, where, and what to send instead",
    examples=[
        OpenApiExample(
            "A missing element",
            value={
                "resourceType": "OperationOutcome",
                "issue": [
                    {
                        "severity": "error",
                        "code": "required",
                        "diagnostics": "ServiceRequest.subject is missing.",
                        "expression": ["ServiceRequest.subject"],
                    }
                ],
            },
        )
    ],
)
READ_ERRORS = {401: OUTCOME, 403: OUTCOME, 404: OUTCOME, 406: OUTCOME, 410: OUTCOME, 429: OUTCOME}
WRITE_ERRORS = {
    400: _WITH_EXAMPLE,
    401: OUTCOME,
    403: OUTCOME,
    409: OUTCOME,
    410: OUTCOME,
    412: OUTCOME,
    413: OUTCOME,
    415: OUTCOME,
    422: OUTCOME,
    425: OUTCOME,
    429: OUTCOME,
}
MARKS = [
    OpenApiParameter(
        "Idempotency-Key",
        location=OpenApiParameter.HEADER,
        description="1 to 255 visible ASCII characters of your choice, new for each new request. The same request with"
        " the same key is carried out once, however often and late it comes, and answered alike; repeats also bear"
        " Idempotency-Replayed: true. Another request with the same key is refused (422).",
    ),
    *(
        OpenApiParameter(
            name,
            location=OpenApiParameter.HEADER,
            description=f"Echoed. {more} for clients that are registered for the Booking and Referral Standard.",
        )
        for name, more in (
            ("X-Request-ID", "A GUID, and a repeat is answered 409 or, while it is in flight, 425"),
            ("X-Correlation-ID", "A GUID"),
        )
    ),
]
IF_NONE_EXIST = OpenApiParameter(
    "If-None-Exist",
    location=OpenApiParameter.HEADER,
    description="identifier=system|value: when it is there already, it is left as is and answered (200); when more than"
    " one is there, nothing is done (412). Needs the scope to read too.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    description='The ETag of the version that is to be changed, such as W/"3". When there is a newer one, nothing is done'
    " (412).",
)
