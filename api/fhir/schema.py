"""How OpenAPI describes FHIR endpoints: FHIR's own definitions are the contract, this is the way in."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

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
READ_ERRORS = {401: OUTCOME, 403: OUTCOME, 404: OUTCOME, 406: OUTCOME}
WRITE_ERRORS = {
    400: OUTCOME,
    401: OUTCOME,
    403: OUTCOME,
    409: OUTCOME,
    413: OUTCOME,
    415: OUTCOME,
    422: OUTCOME,
}
