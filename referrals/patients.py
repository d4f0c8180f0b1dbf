"""Taking patients in: a row of its own for each practice and NHS number, and every version of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate

from accounts.actors import Actor, ActorKind
from accounts.scopes import Interaction, is_granted
from audit.models import Action
from audit.recording import record
from referrals.documents import is_same_content
from referrals.dying import stop_referrals
from referrals.intake import KnownPatient, NewPatient, NewReferral, PatientByNhsNumber
from referrals.models import Patient, PatientVersion
from referrals.nhs_numbers import nhs_number_hash, nhs_number_hashes, take_turns
from referrals.refusals import ReferralRefused

OLDEST = timedelta(days=365.25 * 125)


class ChangeNotCovered(Exception):
    """The Patient is known, and who sends it may only create."""

    def __init__(self) -> None:
        super().__init__(
            "A Patient with this NHS number is known and would be changed: system/Patient.u is needed."
        )


@dataclass(frozen=True)
class ReceivedPatient:
    """A patient as kept, and whether the row is new."""

    patient: Patient
    is_new: bool

    @property
    def pk(self) -> UUID:
        """The patient's id."""
        return self.patient.pk


@transaction.atomic(savepoint=False)
def receive_patient(
    *, new: NewPatient, by: Actor, at: datetime, is_to_be_referred: bool = False
) -> ReceivedPatient:
    """Write a patient, or bring the practice's row of the same NHS number up to date.

    A death can be reported of a patient who is known. ``is_to_be_referred``: only somebody alive will do.
    Raises ReferralRefused or ChangeNotCovered.
    """
    birth_date = checked_birth_date(new, today=localdate(at))
    patient = known_patient(new, by)
    if patient is None or is_to_be_referred:
        refuse_deceased(patient or new)
    if patient is None:
        fresh = Patient(practice_id=organisation_of(by), received_at=at, version=0)
        try:
            with transaction.atomic():
                write_patient(fresh, new, birth_date, by=by, at=at)
            return ReceivedPatient(fresh, is_new=True)
        except IntegrityError:
            patient = known_patient(new, by)  # another request was quicker
    if patient is None:
        raise RuntimeError("a patient can neither be written nor found")
    _refuse_uncovered(patient, new, by)
    bring_up_to_date(patient, new, birth_date, by=by, at=at)
    return ReceivedPatient(patient, is_new=False)


def _refuse_uncovered(patient: Patient, new: NewPatient, by: Actor) -> None:
    """A clinical system that may create patients may not for that change one who is known."""
    may_update = is_granted(by.scopes, resource_type="Patient", interaction=Interaction.UPDATE)
    if by.kind is not ActorKind.CLIENT or may_update:
        return
    if not is_same_content(new.document, patient.document):
        raise ChangeNotCovered


def known_patient(new: NewPatient, by: Actor) -> Patient | None:
    """The practice's own row with this NHS number, locked. Two that ask for one number take turns."""
    if not new.nhs_number:
        return None
    hashes = nhs_number_hashes(new.nhs_number)
    take_turns(hashes)
    own = Patient.objects.visible_to(by).select_for_update()
    return own.filter(nhs_number_hash__in=hashes).first()


def bring_up_to_date(
    patient: Patient, new: NewPatient, birth_date: date, *, by: Actor, at: datetime
) -> None:
    """Make a row that the caller holds what was sent; where that is nothing new, it keeps its version.

    A death that is reported ends the patient's referrals.
    """
    if not is_same_content(new.document, patient.document):
        write_patient(patient, new, birth_date, by=by, at=at)
        if new.is_deceased:
            stop_referrals(patient, by=by, at=at)


def write_patient(
    patient: Patient, new: NewPatient, birth_date: date, *, by: Actor, at: datetime
) -> None:
    """Make the row what was sent, at a version of its own. A number that is not sent again is not forgotten."""
    patient.nhs_number = new.nhs_number or patient.nhs_number
    patient.nhs_number_hash = nhs_number_hash(patient.nhs_number)
    patient.given_name, patient.family_name = new.given_name, new.family_name
    patient.birth_date_text = birth_date.isoformat()
    patient.phone, patient.email, patient.postcode = new.phone, new.email, new.postcode
    patient.gender, patient.language = new.gender, new.language
    patient.ethnic_category = new.ethnic_category
    patient.is_deceased = new.is_deceased
    patient.document = new.document
    patient.version += 1
    patient.updated_at = at
    patient.save()
    PatientVersion.objects.create(
        patient=patient, version=patient.version, document=new.document, at=at
    )
    record(Action.PATIENT_RECEIVED, by=by, at=at, target=f"Patient/{patient.pk}")


def patient_of(new: NewReferral, *, by: Actor, at: datetime) -> Patient:
    """The patient of a new referral, locked so that a death which is reported meanwhile is not missed."""
    try:
        if isinstance(new.subject, NewPatient):
            refuse_deceased(new.subject)
            return receive_patient(new=new.subject, by=by, at=at, is_to_be_referred=True).patient
        patient = _held_patient(new.subject, by=by)
        refuse_deceased(patient)
    except ReferralRefused as refusal:
        within = refusal.element.removeprefix("Patient")
        if within != refusal.element:
            refusal.element = f"ServiceRequest.subject.resolve(){within}"
        raise
    return patient


def _held_patient(subject: KnownPatient | PatientByNhsNumber, *, by: Actor) -> Patient:
    own = Patient.objects.visible_to(by).select_for_update()
    if isinstance(subject, KnownPatient):
        patient = own.filter(pk=subject.patient_id).first()
        if patient and subject.nhs_number not in ("", patient.nhs_number):
            raise ReferralRefused(
                "The Patient referred to has another NHS number than the one in subject.identifier.",
                code="business-rule",
                element="ServiceRequest.subject",
            )
        missing = "No Patient with this id is known for your organisation."
    else:
        hashes = nhs_number_hashes(subject.nhs_number)
        patient = own.filter(nhs_number_hash__in=hashes).first()
        missing = "No Patient with this NHS number is known for your organisation."
    if patient is None:
        raise ReferralRefused(
            f"{missing} Send the Patient with the referral: contained in the ServiceRequest or in a transaction Bundle.",
            code="not-found",
            element="ServiceRequest.subject",
        )
    return patient


def refuse_deceased(patient: NewPatient | Patient) -> None:
    """Raise ReferralRefused for somebody who cannot be invited any more."""
    if patient.is_deceased:
        raise ReferralRefused(
            "The patient is recorded as deceased, so no invitation can be sent. The death of a patient who is known"
            " here is reported, and corrected, by an update of the Patient itself.",
            code="business-rule",
            element="Patient.deceased",
        )


def checked_birth_date(new: NewPatient, *, today: date) -> date:
    """The date of birth of somebody who can be invited. Raises ReferralRefused, for an impossible date of death too."""
    if new.birth_date is None:
        raise ReferralRefused(
            "Patient.birthDate is needed in full (YYYY-MM-DD): it is how we check that the right person opens the link.",
            code="required",
            element="Patient.birthDate",
        )
    if not today - OLDEST <= new.birth_date <= today:
        raise ReferralRefused(
            "Patient.birthDate must be a day in the past, at most 125 years ago.",
            code="value",
            element="Patient.birthDate",
        )
    _refuse_impossible_death(new, new.birth_date, today=today)
    return new.birth_date


def _refuse_impossible_death(new: NewPatient, birth_date: date, *, today: date) -> None:
    if new.deceased_between is None:
        return
    first, last = new.deceased_between
    if first > today or last < birth_date:
        raise ReferralRefused(
            "A date of death lies between the date of birth and today.",
            code="business-rule",
            element="Patient.deceased",
        )


def organisation_of(by: Actor) -> UUID:
    """Whose client acts."""
    if by.organisation_id is None:
        raise ValueError("only an organisation's client can send referrals")
    return by.organisation_id
