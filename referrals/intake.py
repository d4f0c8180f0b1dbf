"""What a referring system asks for, free of FHIR and of HTTP: the dataclasses that cross into the domain."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """A business identifier given by the sender; ``system`` in its canonical spelling."""

    system: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Coding:
    """One code of one code system, as FHIR writes it."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, kw_only=True)
class NewPatient:
    """A patient as sent: ``document`` is the resource as JSON text, the rest is what we read from it.

    ``nhs_number`` is ten digits with a right check digit, or empty. ``birth_date`` is None when it
    was absent or only partly given. Codes are FHIR's own (``gender``: administrative-gender).
    """

    document: str
    birth_date: date | None
    nhs_number: str = ""
    given_name: str = ""
    family_name: str = ""
    gender: str = ""
    phone: str = ""
    email: str = ""
    postcode: str = ""
    language: str = ""
    is_deceased: bool = False


@dataclass(frozen=True, kw_only=True)
class KnownPatient:
    """A patient that this service already holds; ``nhs_number``, when sent too, must be the same person's."""

    patient_id: UUID
    nhs_number: str = ""


@dataclass(frozen=True, kw_only=True)
class PatientByNhsNumber:
    """A patient named by NHS number only (ten digits, right check digit)."""

    nhs_number: str


@dataclass(frozen=True, kw_only=True)
class NewReferral:
    """A peer-support referral as sent: ``document`` is the ServiceRequest as JSON text."""

    document: str
    subject: NewPatient | KnownPatient | PatientByNhsNumber
    intent: str
    priority: str = "routine"
    authored_on: str = ""
    identifiers: tuple[Identifier, ...] = ()
    reasons: tuple[Coding, ...] = ()
    requester_name: str = ""
    requester_ods: str = ""
    is_contact_prohibited: bool = False
    is_patient_contained: bool = False
