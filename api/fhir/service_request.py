"""ServiceRequest: create, read, vread."""

from collections.abc import Sequence
from functools import partial

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeating import Made
from api.fhir.base import BASE_URL, FhirView, actor_of, condition_of, created, resource_of
from api.fhir.reading import seen
from api.fhir.repeats import once
from api.fhir.schema import IF_NONE_EXIST, MARKS, READ_ERRORS, RESOURCE, WRITE_ERRORS
from integrations.fhir import service_request
from integrations.fhir.subject import nothing_to_resolve
from referrals.repeating import receive_one, referral_as_answered

EXAMPLE = OpenApiExample(
    "A referral with a contained patient",
    value={
        "resourceType": "ServiceRequest",
        "contained": [
            {
                "resourceType": "Patient",
                "id": "p1",
                "identifier": [
                    {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}
                ],
                "name": [{"use": "official", "family": "Example", "given": ["Alex"]}],
                "telecom": [{"system": "phone", "value": "07700 900123", "use": "mobile"}],
                "birthDate": "1980-02-29",
                "address": [{"use": "home", "postalCode": "E8 1AA"}],
            }
        ],
        "identifier": [{"system": "https://gp.example/referral", "value": "R-0001"}],
        "status": "active",
        "intent": "order",
        "code": {
            "coding": [
                {"system": f"{BASE_URL}/fhir/R4/CodeSystem/referral-type", "code": "peer-support"}
            ]
        },
        "subject": {"reference": "#p1"},
        "reasonCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "35489007"}]}],
    },
    request_only=True,
)


class ServiceRequestCollection(FhirView):
    """Where referrals are created."""

    resource_types = ("ServiceRequest",)

    @extend_schema(
        operation_id="ServiceRequest_create",
        tags=["FHIR"],
        parameters=[*MARKS, IF_NONE_EXIST],
        request={"application/fhir+json": RESOURCE},
        responses={
            (200, "application/fhir+json"): RESOURCE,
            (201, "application/fhir+json"): RESOURCE,
            **WRITE_ERRORS,
        },
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Refer a patient to peer support. With If-None-Exist, a referral that is there already is answered (200)."""
        return once(request, make=partial(_make, request), show=partial(_show, request))


def _make(request: Request) -> list[Made]:
    resource = resource_of(request, "ServiceRequest", takes_condition=True)
    new = service_request.read(resource, base_url=BASE_URL, resolve=nothing_to_resolve)
    condition = condition_of(request, "ServiceRequest")
    return [receive_one(new=new, condition=condition, by=actor_of(request), at=timezone.now())]


def _show(request: Request, made: Sequence[Made], *, is_repeat: bool) -> Response:
    found = referral_as_answered(
        made[0], is_repeat=is_repeat, by=actor_of(request), at=timezone.now()
    )
    if found is None:
        raise Http404
    rendered = service_request.render(found.referral, found.change, base_url=BASE_URL)
    return created(made[0], rendered)


class ServiceRequestInstance(FhirView):
    """One referral at its newest version."""

    resource_types = ("ServiceRequest",)

    @extend_schema(
        operation_id="ServiceRequest_read",
        tags=["FHIR"],
        responses={(200, "application/fhir+json"): RESOURCE, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read a referral as it was received, with the service's own elements laid over it."""
        return seen(request, resource_id, render=service_request.render)


class ServiceRequestVersion(FhirView):
    """One referral at a given version."""

    resource_types = ("ServiceRequest",)

    @extend_schema(
        operation_id="ServiceRequest_vread",
        tags=["FHIR"],
        responses={(200, "application/fhir+json"): RESOURCE, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str, version: int) -> Response:
        """Read a referral as it was at a version."""
        return seen(request, resource_id, render=service_request.render, version=version)
