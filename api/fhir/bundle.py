"""``POST /fhir/R4``: a transaction of patients and referrals, all or nothing."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.fhir.base import BASE_URL, FhirView, actor_of, resource_of
from api.fhir.schema import RESOURCE, WRITE_ERRORS
from integrations.fhir import bundle
from referrals.models import Referral
from referrals.receiving import receive_together


class Transaction(FhirView):
    """The base address of the FHIR server."""

    resource_types = ("ServiceRequest", "Patient")

    @extend_schema(
        operation_id="transaction",
        tags=["FHIR"],
        request={"application/fhir+json": RESOURCE},
        responses={(200, "application/fhir+json"): RESOURCE, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Create the Patients and ServiceRequests of a transaction Bundle together, or none of them."""
        sent = bundle.read_transaction(resource_of(request, "Bundle"), base_url=BASE_URL)
        at = timezone.now()
        written = receive_together(
            new=[entry.content for entry in sent.entries],
            patient_positions={
                entry.index: entry.patient_entry
                for entry in sent.entries
                if entry.patient_entry is not None
            },
            by=actor_of(request),
            at=at,
        )
        answer = [
            bundle.Created(
                resource_type="ServiceRequest" if isinstance(row, Referral) else "Patient",
                pk=row.pk,
                version=row.version,
                at=at,
            )
            for row in written
        ]
        return Response(bundle.render_response(answer, base_url=BASE_URL))
