"""Patient: what we read from it, and how it goes back."""

import re
from calendar import monthrange
from datetime import date, datetime
from typing import Any

from django.utils.timezone import localdate

from integrations.fhir import choosing, contacts, fields, limits, rows, wire
from integrations.fhir.identifiers import nhs_number_of
from integrations.fhir.outcome import Refused
from integrations.fhir.rendering import with_server_elements
from referrals.groups import ETHNIC_GROUPS
from referrals.intake import NewPatient

_ETHNIC_CATEGORY = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory"
# UK Core's, and the name that examples of the Booking and Referral Standard still have for it.
_ETHNIC_CATEGORIES = {
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland",
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategory",
}
_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME_ORDER = {"official": 0, "usual": 1, "": 2, "temp": 3, "nickname": 4}
_ADDRESS_ORDER = {"home": 0, "": 1, "temp": 2, "work": 3}


def read(resource: dict[str, Any], *, at: str = "Patient") -> NewPatient:
    """A Patient that passed the checks; Refused (422) for an NHS number that cannot be right,
    contact details that cannot be used and what is too long to keep.

    ``at`` is the FHIRPath under which faults are reported.
    """
    language = _language(resource)
    faults = [
        *limits.check(language, longest=limits.LANGUAGE, at=f"{at}.communication"),
        *contacts.faults(resource, at=at),
    ]
    try:
        number = nhs_number_of(
            (f"{at}.identifier[{place}]", identifier)
            for place, identifier in fields.indexed(resource, "identifier")
        )
    except Refused as refusal:
        raise Refused(422, [*faults, *refusal.findings]) from None
    if faults:
        raise Refused(422, faults)
    name = choosing.first(fields.children(resource, "name"), _NAME_ORDER, _is_named)
    address = choosing.first(fields.children(resource, "address"), _ADDRESS_ORDER, _is_placed)
    return NewPatient(
        document=wire.dump(resource).decode(),
        birth_date=_birth_date(fields.text(resource, "birthDate")),
        nhs_number=number,
        given_name=_first_text(name.get("given")),
        family_name=fields.text(name, "family"),
        gender=fields.text(resource, "gender"),
        phone=contacts.phone_of(resource),
        email=contacts.email_of(resource),
        postcode=fields.text(address, "postalCode"),
        language=language,
        ethnic_category=_ethnic_category(resource),
        is_deceased=resource.get("deceasedBoolean") is True
        or bool(fields.text(resource, "deceasedDateTime")),
        deceased_between=_days_of(fields.text(resource, "deceasedDateTime")),
    )


def render(patient: rows.Patient, *, base_url: str) -> dict[str, Any]:
    """The patient as received, under our id and version.

    Every render takes ``base_url``; a Patient holds no address of ours.
    """
    return with_server_elements(
        wire.load(patient.document), pk=patient.pk, version=patient.version, at=patient.updated_at
    )


def _birth_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _FULL_DATE.fullmatch(text) else None
    except ValueError:
        return None


def _days_of(text: str) -> tuple[date, date] | None:
    """The first and the last day of an R4 dateTime, which may be a year or a month; None for what is none."""
    try:
        if "T" in text:
            day = localdate(datetime.fromisoformat(text))
            return day, day
        year, month, day_of_month = (*map(int, text.split("-")), 0, 0)[:3]
        last_month = month or 12
        last_day = day_of_month or monthrange(year, last_month)[1]
        return date(year, month or 1, day_of_month or 1), date(year, last_month, last_day)
    except ValueError:
        return None


def _is_named(name: dict[str, Any]) -> bool:
    return bool(fields.text(name, "family") or _first_text(name.get("given")))


def _is_placed(address: dict[str, Any]) -> bool:
    return bool(fields.text(address, "postalCode"))


def _first_text(values: Any) -> str:
    texts = values if isinstance(values, list) else []
    return next((text.strip() for text in texts if isinstance(text, str)), "")


def _ethnic_category(resource: dict[str, Any]) -> str:
    """A code that says something; any other ("not stated", another country's) is as none."""
    for extension in fields.children(resource, "extension"):
        if fields.text(extension, "url") == _ETHNIC_CATEGORY:
            codings = fields.children(fields.child(extension, "valueCodeableConcept"), "coding")
            for coding in codings:
                code = fields.text(coding, "code")
                if fields.text(coding, "system") in _ETHNIC_CATEGORIES and code in ETHNIC_GROUPS:
                    return code
    return ""


def _language(resource: dict[str, Any]) -> str:
    for communication in fields.children(resource, "communication"):
        if communication.get("preferred") is True:
            codings = fields.children(fields.child(communication, "language"), "coding")
            return next((fields.text(c, "code") for c in codings if fields.text(c, "code")), "")
    return ""
