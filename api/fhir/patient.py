"""Patient: made known, and brought up to date."""

from uuid import UUID

from accounts.repeating import Made
from api.fhir.kinds import Kind
from api.fhir.sending import Sent
from integrations.fhir import patient
from integrations.fhir.sources import patients
from referrals.amending import amend_patient
from referrals.repeating import receive_one


def create(sent: Sent) -> Made:
    """Make a patient known; one with the same NHS number is brought up to date instead. Raises Refused."""
    new = sent.accept(patient.read)
    return receive_one(new=new, condition=sent.condition, by=sent.by, at=sent.at)


def update(patient_id: UUID, sent: Sent) -> Made | None:
    """Bring a patient up to date. Raises Refused and what amend_patient raises."""
    row = amend_patient(
        patient_id=patient_id,
        new=sent.accept(patient.read),
        expected_version=sent.expected_version,
        by=sent.by,
        at=sent.at,
    )
    if row is None:
        return None
    return Made(
        resource_type="Patient", pk=row.pk, version=row.version, at=row.updated_at, status=200
    )


KIND = Kind(
    resource_type="Patient",
    sources=(patients.SOURCE,),
    versions=(patients.VERSIONS,),
    create=create,
    update=update,
    takes_condition=True,
    operations={
        "everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        "export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
    },
)
