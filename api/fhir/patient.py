"""Patient: create and read."""

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.fhir.base import BASE_URL, FhirView, actor_of, created, id_of, resource_of, versioned
from api.fhir.schema import READ_ERRORS, RESOURCE, WRITE_ERRORS
from integrations.fhir import patient
from referrals.reading import read_patient
from referrals.receiving import receive_patient


class PatientCollection(FhirView):
    """Where patients are made known ahead of a referral."""

    resource_types = ("Patient",)

    @extend_schema(
        operation_id="Patient_create",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses={
            (200, "application/fhir+json"): RESOURCE,
            (201, "application/fhir+json"): RESOURCE,
            **WRITE_ERRORS,
        },
    )
    def post(self, request: Request) -> Response:
        """Make a patient known; one with the same NHS number is brought up to date instead (200)."""
        new = patient.read(resource_of(request, "Patient"))
        at = timezone.now()
        received = receive_patient(new=new, by=actor_of(request), at=at)
        row = received.patient
        rendered = patient.render(row, base_url=BASE_URL)
        return created(
            rendered, pk=row.pk, version=row.version, at=at, status=201 if received.is_new else 200
        )


class PatientInstance(FhirView):
    """One patient."""

    resource_types = ("Patient",)

    @extend_schema(
        operation_id="Patient_read",
        tags=["FHIR"],
        responses={(200, "application/fhir+json"): RESOURCE, **READ_ERRORS},
    )
    def get(self, request: Request, resource_id: str) -> Response:
        """Read a patient as last received."""
        row = read_patient(patient_id=id_of(resource_id), by=actor_of(request), at=timezone.now())
        if row is None:
            raise Http404
        rendered = patient.render(row, base_url=BASE_URL)
        return Response(rendered, headers=versioned(row.version, row.updated_at))
