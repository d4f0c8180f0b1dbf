"""``POST /fhir/R4``: a transaction of patients and referrals, all or nothing."""

from collections.abc import Sequence
from functools import partial

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.repeating import Made
from api.fhir.base import BASE_URL, FhirView, actor_of, resource_of
from api.fhir.repeats import once
from api.fhir.schema import MARKS, RESOURCE, WRITE_ERRORS
from integrations.fhir import bundle
from referrals.repeating import receive_together_unless_there


class Transaction(FhirView):
    """The base address of the FHIR server."""

    resource_types = ("ServiceRequest", "Patient")

    @extend_schema(
        operation_id="transaction",
        tags=["FHIR"],
        parameters=MARKS,
        request={"application/fhir+json": RESOURCE},
        responses={(200, "application/fhir+json"): RESOURCE, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Create the Patients and ServiceRequests of a transaction Bundle together, or none of them.

        An entry whose request.ifNoneExist names what is there already is answered with that ("200 OK").
        """
        return once(request, make=partial(_make, request), show=_show)


def _make(request: Request) -> list[Made]:
    sent = bundle.read_transaction(resource_of(request, "Bundle"), base_url=BASE_URL)
    return receive_together_unless_there(
        new=[entry.content for entry in sent.entries],
        conditions={
            entry.index: entry.condition for entry in sent.entries if entry.condition is not None
        },
        patient_positions={
            entry.index: entry.patient_entry
            for entry in sent.entries
            if entry.patient_entry is not None
        },
        by=actor_of(request),
        at=timezone.now(),
    )


def _show(made: Sequence[Made], *, is_repeat: bool) -> Response:
    del is_repeat
    answers = [
        bundle.Answered(
            resource_type=one.resource_type,
            pk=one.pk,
            version=one.version,
            at=one.at,
            is_new=one.status == 201,
        )
        for one in made
    ]
    return Response(bundle.render_response(answers, base_url=BASE_URL))
