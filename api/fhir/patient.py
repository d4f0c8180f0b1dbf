"""Patient: create and read."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeating import Made
from api.fhir.base import (
    BASE_URL,
    FhirView,
    actor_of,
    condition_of,
    created,
    id_of,
    resource_of,
    versioned,
)
from api.fhir.repeats import once
from api.fhir.schema import IF_NONE_EXIST, MARKS, READ_ERRORS, RESOURCE, WRITE_ERRORS
from integrations.fhir import patient, wire
from integrations.fhir.rendering import with_server_elements
from referrals.reading import read_patient
from referrals.repeating import receive_one


class PatientCollection(FhirView):
    """Where patients are made known ahead of a referral."""

    resource_types = ("Patient",)

    @extend_schema(
        operation_id="Patient_create",
        tags=["FHIR"],
        parameters=[*MARKS, IF_NONE_EXIST],
        request={"application/fhir+json": RESOURCE},
        responses={
            (200, "application/fhir+json"): RESOURCE,
            (201, "application/fhir+json"): RESOURCE,
            **WRITE_ERRORS,
        },
    )
    def post(self, request: Request) -> Response:
        """Make a patient known; one with the same NHS number is brought up to date instead (200).

        With If-None-Exist, a patient who is known already is left as is and answered (200).
        """
        return once(request, make=partial(_make, request), show=partial(_show, request))


def _make(request: Request) -> list[Made]:
    new = patient.read(resource_of(request, "Patient", takes_condition=True))
    condition = condition_of(request, "Patient")
    return [receive_one(new=new, condition=condition, by=actor_of(request), at=timezone.now())]


def _show(request: Request, made: Sequence[Made], *, is_repeat: bool) -> Response:
    del is_repeat
    one = made[0]
    if one.is_found:
        row = read_patient(patient_id=one.pk, by=actor_of(request), at=timezone.now())
        if row is None:
            raise Http404
        newest = replace(one, version=row.version, at=row.updated_at)
        return created(newest, patient.render(row, base_url=BASE_URL))
    # Made of what this request holds, not of the row: a newer version may stand there by now.
    sent = wire.parse(request.body)
    rendered = with_server_elements(sent, pk=one.pk, version=one.version, at=one.at)
    return created(one, rendered)


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
