"""How OpenAPI describes FHIR endpoints: FHIR's own definitions are the contract, this is the way in."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

RESOURCE = OpenApiTypes.OBJECT
OUTCOME = OpenApiResponse(
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
READ_ERRORS = {401: OUTCOME, 403: OUTCOME, 404: OUTCOME, 406: OUTCOME, 429: OUTCOME}
WRITE_ERRORS = {
    400: OUTCOME,
    401: OUTCOME,
    403: OUTCOME,
    409: OUTCOME,
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
