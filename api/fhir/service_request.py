"""ServiceRequest: a referral is received, corrected, issued, withdrawn."""

from functools import partial
from typing import Any
from uuid import UUID

from accounts.repeating import Made
from accounts.scopes import Interaction
from api.fhir.base import BASE_URL
from api.fhir.kinds import Kind
from api.fhir.sending import Sent, naming_status, require_subject
from api.permissions import require
from integrations.fhir import service_request
from integrations.fhir.sources import referrals
from integrations.fhir.subject import nothing_to_resolve
from integrations.fhir.systems import fhir_base
from referrals.amending import amend_referral, would_change_patient
from referrals.repeating import receive_one

EXAMPLE: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "contained": [
        {
            "resourceType": "Patient",
            "id": "p1",
            "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}],
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
}
_read = partial(service_request.read, base_url=BASE_URL, resolve=nothing_to_resolve)


def create(sent: Sent) -> Made:
    """Receive a referral. Raises Refused, PermissionDenied and what receive_one raises."""
    new = sent.accept(_read)
    require_subject(new, by=sent.by)
    return receive_one(new=new, condition=sent.condition, by=sent.by, at=sent.at)


def update(referral_id: UUID, sent: Sent) -> Made | None:
    """Do with a referral what its requester now says of it.

    Raises Refused, PermissionDenied and what amend_referral raises.
    """
    new = sent.accept(partial(_read, statuses=service_request.AMENDABLE))
    # Of what is taken back, nothing else is read.
    if new.status not in service_request.TAKEN_BACK and would_change_patient(
        referral_id, new, by=sent.by
    ):
        require(sent.by, ("Patient", Interaction.UPDATE))
    with naming_status("ServiceRequest"):
        seen = amend_referral(
            referral_id=referral_id,
            new=new,
            expected_version=sent.expected_version,
            by=sent.by,
            at=sent.at,
        )
    if seen is None:
        return None
    return Made(
        resource_type="ServiceRequest",
        pk=referral_id,
        version=seen.change.version,
        at=seen.change.at,
        status=200,
    )


KIND = Kind(
    resource_type="ServiceRequest",
    sources=(referrals.SERVICE_REQUEST,),
    versions=(referrals.SERVICE_REQUEST_VERSIONS,),
    create=create,
    update=update,
    takes_condition=True,
    example=EXAMPLE,
    operations={
        name: f"{fhir_base(BASE_URL)}/OperationDefinition/{name}"
        for name in ("events", "available-actions")
    },
)
