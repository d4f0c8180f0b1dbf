"""What a referring system asks for, free of FHIR and of HTTP: the dataclasses that cross into the domain."""

from dataclasses import dataclass
from datetime import date, datetime
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
class Term:
    """Something that a document can be found by: the search parameter's ``name`` and one value of it.

    A code or an identifier is ``system`` and ``value``; a reference is ``value``, and an identifier in it is another
    term, of ``name:identifier``. A date is the time from ``starts_at`` up to, not including, ``ends_at``.
    """

    name: str
    system: str = ""
    value: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewPatient:
    """A patient as sent: ``document`` is the resource as JSON text, the rest is what we read from it.

    ``nhs_number`` is ten digits with a right check digit, or empty. ``birth_date`` is None when it
    was absent or only partly given. ``deceased_between`` are the first and the last day on which the date of death can lie,
    the same where it was given in full. Codes are FHIR's own (``gender``: administrative-gender) and UK Core's
    (``ethnic_category``: UKCore-EthnicCategoryEngland, empty where it says nothing).
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
    ethnic_category: str = ""
    is_deceased: bool = False
    deceased_between: tuple[date, date] | None = None


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
    """A peer-support referral as sent: ``document`` is the ServiceRequest as JSON text.

    ``status`` is the FHIR status that its sender gives it; ``task_document`` the Task that came with it, if one did.
    ``terms`` and ``task_terms`` are what the two can be found by, beside what is read from them here.
    ``reason_text`` says in the sender's words why it is taken back. ``preferences`` are codes of Preference;
    ``has_acute_risk`` is the sender's answer to that question, None without one; ``texts`` are what the sender wrote
    in words and ``indications`` the codes beside the reasons that tell of the patient, each with the FHIR element it
    stands in.
    """

    document: str
    subject: NewPatient | KnownPatient | PatientByNhsNumber
    intent: str
    status: str = "active"
    priority: str = "routine"
    authored_on: str = ""
    identifiers: tuple[Identifier, ...] = ()
    reasons: tuple[Coding, ...] = ()
    requester_name: str = ""
    requester_ods: str = ""
    is_contact_prohibited: bool = False
    is_patient_contained: bool = False
    task_document: str = ""
    terms: tuple[Term, ...] = ()
    task_terms: tuple[Term, ...] = ()
    reason_text: str = ""
    preferences: frozenset[str] = frozenset()
    has_acute_risk: bool | None = None
    texts: tuple[tuple[str, str], ...] = ()
    indications: tuple[tuple[str, Coding], ...] = ()
