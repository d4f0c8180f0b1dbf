"""Whom a referral is for: a patient sent along, one we hold, or one named by NHS number."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from integrations.fhir import fields, patient
from integrations.fhir.identifiers import nhs_number_of
from integrations.fhir.outcome import Refused, unprocessable
from integrations.fhir.systems import fhir_base
from referrals.intake import KnownPatient, NewPatient, PatientByNhsNumber

Resolve = Callable[[str], dict[str, Any] | None]
Subject = NewPatient | KnownPatient | PatientByNhsNumber

_OUR_PATIENT = re.compile(
    r"Patient/(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(/_history/[0-9]+)?"
)


def nothing_to_resolve(_reference: str) -> None:
    """For a resource that came alone."""
    return


def read(resource: dict[str, Any], *, base_url: str, resolve: Resolve, at: str) -> Subject:
    """The patient of the ServiceRequest at ``at``; Refused (422) when nobody can be made out."""
    subject = fields.child(resource, "subject")
    reference = fields.text(subject, "reference")
    if reference.startswith("#"):
        return _same_person(_contained(resource, reference, at), subject, at)
    sent = resolve(reference) if reference else None
    if sent is not None:
        return _same_person(_patient(sent, f"{at}.subject.resolve()"), subject, at)
    known = _OUR_PATIENT.fullmatch(reference.removeprefix(f"{fhir_base(base_url)}/"))
    if known:
        return KnownPatient(patient_id=UUID(known["id"]), nhs_number=_nhs_number(subject, at))
    if reference.startswith("urn:"):
        text = "No entry sent with this request has this fullUrl."
        raise Refused(422, [unprocessable("not-found", text, f"{at}.subject.reference")])
    return _by_nhs_number(subject, at)


def is_contained(resource: dict[str, Any]) -> bool:
    """Whether the ServiceRequest carries its patient inside itself."""
    return fields.text(fields.child(resource, "subject"), "reference").startswith("#")


def _contained(resource: dict[str, Any], reference: str, at: str) -> NewPatient:
    for place, contained in fields.indexed(resource, "contained"):
        if contained.get("id") == reference[1:]:
            return _patient(contained, f"{at}.contained[{place}]")
    text = "No contained resource has the id that this reference names."
    raise Refused(422, [unprocessable("not-found", text, f"{at}.subject.reference")])


def _patient(resource: dict[str, Any], at: str) -> NewPatient:
    if fields.text(resource, "resourceType") != "Patient":
        text = "The subject of a referral must be a Patient."
        raise Refused(422, [unprocessable("business-rule", text, at)])
    return patient.read(resource, at=at)


def _same_person(patient_sent: NewPatient, subject: dict[str, Any], at: str) -> NewPatient:
    """The patient, unless the reference beside it names somebody else by NHS number."""
    number = _nhs_number(subject, at)
    if number and patient_sent.nhs_number and number != patient_sent.nhs_number:
        text = "subject.identifier and the patient it refers to have different NHS numbers."
        raise Refused(422, [unprocessable("business-rule", text, f"{at}.subject.identifier")])
    return patient_sent


def _nhs_number(subject: dict[str, Any], at: str) -> str:
    return nhs_number_of([(f"{at}.subject.identifier", fields.child(subject, "identifier"))])


def _by_nhs_number(subject: dict[str, Any], at: str) -> PatientByNhsNumber:
    number = _nhs_number(subject, at)
    if not number:
        text = (
            "The patient cannot be made out. Send a contained Patient or a transaction with one,"
            " refer to a Patient of this service, or give the NHS number in subject.identifier."
        )
        code = "not-found" if fields.text(subject, "reference") else "required"
        raise Refused(422, [unprocessable(code, text, f"{at}.subject")])
    return PatientByNhsNumber(nhs_number=number)
