"""Taking a referral in: one transaction writes patient, referral, first state, audit and the next job."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import localdate

from accounts.actors import Actor
from accounts.models import Organisation
from audit.models import Action
from audit.recording import record
from communities.models import Condition
from communities.selectors import conditions_by_code
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.changing import said_in, write_change
from referrals.intake import Identifier, KnownPatient, NewPatient, NewReferral
from referrals.lifecycle import STATUSES, BusinessStatus, RequestStatus
from referrals.models import Patient, PatientVersion, Referral, ReferralIdentifier
from referrals.nhs_numbers import nhs_number_hash, nhs_number_hashes, take_turns

MOST_IDENTIFIERS = 20
OLDEST = timedelta(days=365.25 * 125)
_REFERENCE_LETTERS = (
    "23456789BCDFGHJKMNPQRSTVWXYZ"  # no vowels, no look-alikes: readable on the telephone
)


class ReferralRefused(Exception):
    """A rule of the service stands against this referral. ``element`` is the FHIR element that it concerns."""

    def __init__(self, sentence: str, *, code: str, element: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.element = element
        self.position: int | None = None  # its place among things sent together


class ReferralKnown(Exception):
    """The sender gave this identifier before; ``referral`` is the one that bears it."""

    def __init__(self, referral: Referral) -> None:
        super().__init__(
            f"A referral with this identifier exists already: ServiceRequest/{referral.pk}."
        )
        self.referral = referral
        self.position: int | None = None


@dataclass(frozen=True)
class ReceivedPatient:
    """A patient as kept, and whether the row is new."""

    patient: Patient
    is_new: bool


@transaction.atomic
def receive_referral(*, new: NewReferral, by: Actor, at: datetime) -> Referral:
    """Write a new referral. Raises ReferralRefused or ReferralKnown, and then nothing is written."""
    practice = Organisation.objects.select_related("icb").get(pk=_organisation_of(by))
    check_requester(new, practice)
    _refuse_known(new.identifiers, by)
    conditions = conditions_of(new)
    patient = _patient_of(new, by=by, at=at)
    is_draft = new.status == RequestStatus.DRAFT
    first = BusinessStatus.DRAFTED if is_draft else BusinessStatus.RECEIVED
    statuses = STATUSES[first]
    referral = Referral.objects.create(
        reference=_new_reference(),
        practice=practice,
        icb=practice.icb,
        client_id=by.id,
        patient=patient,
        intent=new.intent,
        priority=new.priority,
        authored_on=new.authored_on,
        is_contact_prohibited=new.is_contact_prohibited,
        is_patient_contained=new.is_patient_contained,
        status=statuses.request,
        task_status=statuses.task,
        business_status=first,
        told_at=at,
        received_at=at,
        issued_at=None if is_draft else at,
    )
    referral.conditions.add(*conditions)
    write_identifiers(referral, new.identifiers, by=by)
    record(Action.REFERRAL_RECEIVED, by=by, at=at, target=f"ServiceRequest/{referral.pk}")
    write_change(referral, by=by, at=at, said=said_in(new))
    if not is_draft:
        enqueue(JobKind.MATCH, tenant_id=referral.practice_id, at=at, referral_id=str(referral.pk))
    return referral


def conditions_of(new: NewReferral) -> list[Condition]:
    """The conditions that the reasons mean. Raises ReferralRefused when they mean none."""
    conditions = conditions_by_code(
        coding.code for coding in new.reasons if coding.system == "http://snomed.info/sct"
    )
    if not conditions:
        raise ReferralRefused(
            "None of the SNOMED CT codes in reasonCode is a condition that this service knows. The codes it knows are"
            " listed at /api/conditions.",
            code="not-supported",
            element="ServiceRequest.reasonCode",
        )
    return conditions


@transaction.atomic
def receive_patient(*, new: NewPatient, by: Actor, at: datetime) -> ReceivedPatient:
    """Write a patient, or bring the practice's row of the same NHS number up to date.

    Raises ReferralRefused.
    """
    birth_date = checked_birth_date(new, today=localdate(at))
    patient = known_patient(new, by)
    if patient is None:
        fresh = Patient(practice_id=_organisation_of(by), received_at=at, version=0)
        try:
            with transaction.atomic():
                write_patient(fresh, new, birth_date, by=by, at=at)
            return ReceivedPatient(fresh, is_new=True)
        except IntegrityError:
            patient = known_patient(new, by)  # another request was quicker
    if patient is None:
        raise RuntimeError("a patient can neither be written nor found")
    write_patient(patient, new, birth_date, by=by, at=at)
    return ReceivedPatient(patient, is_new=False)


def known_patient(new: NewPatient, by: Actor) -> Patient | None:
    """The practice's own row with this NHS number, locked. Two that ask for one number take turns."""
    if not new.nhs_number:
        return None
    hashes = nhs_number_hashes(new.nhs_number)
    take_turns(hashes)
    own = Patient.objects.visible_to(by).select_for_update()
    return own.filter(nhs_number_hash__in=hashes).first()


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
    patient.document = new.document
    patient.version += 1
    patient.updated_at = at
    patient.save()
    PatientVersion.objects.create(
        patient=patient, version=patient.version, document=new.document, at=at
    )
    record(Action.PATIENT_RECEIVED, by=by, at=at, target=f"Patient/{patient.pk}")


@transaction.atomic
def receive_together(
    *,
    new: Sequence[NewPatient | NewReferral],
    patient_positions: Mapping[int, int],
    by: Actor,
    at: datetime,
) -> list[Patient | Referral]:
    """Write all of these or nothing. ``patient_positions`` says which of them is a referral's patient.

    Raises what receive_referral raises, with ``position`` set. The answer is in the order of ``new``.
    """
    _refuse_known_together(new, by)
    written: dict[int, Patient | Referral] = {}
    patients_first = sorted(
        range(len(new)), key=lambda position: isinstance(new[position], NewReferral)
    )
    for position in patients_first:
        item = new[position]
        try:
            if isinstance(item, NewPatient):
                written[position] = receive_patient(new=item, by=by, at=at).patient
            else:
                if position in patient_positions:
                    patient = written[patient_positions[position]]
                    item = replace(item, subject=KnownPatient(patient_id=patient.pk))
                written[position] = receive_referral(new=item, by=by, at=at)
        except (ReferralRefused, ReferralKnown) as refusal:
            refusal.position = position
            raise
    return [written[position] for position in range(len(new))]


def _refuse_known_together(new: Sequence[NewPatient | NewReferral], by: Actor) -> None:
    """All of them known is a repeat. Only some is a mistake: a sender may take "known" for "all is done"."""
    referrals = {place: item for place, item in enumerate(new) if isinstance(item, NewReferral)}
    for place, item in referrals.items():
        _refuse_too_many(item.identifiers, position=place)
    known = {place: _known_referral(item.identifiers, by) for place, item in referrals.items()}
    first = next(iter(known.values()), None)
    if first and all(known.values()):
        error = ReferralKnown(first)
        error.position = next(iter(known))
        raise error
    seen: set[Identifier] = set()
    for place, item in referrals.items():
        if known[place] or not seen.isdisjoint(item.identifiers):
            refusal = ReferralRefused(
                "A referral with this identifier exists already or stands twice in the transaction. Nothing was"
                " written: send the others again without it.",
                code="business-rule",
                element="ServiceRequest.identifier",
            )
            refusal.position = place
            raise refusal
        seen.update(item.identifiers)


def _organisation_of(by: Actor) -> UUID:
    if by.organisation_id is None:
        raise ValueError("only an organisation's client can send referrals")
    return by.organisation_id


def check_requester(new: NewReferral, practice: Organisation) -> None:
    """Raise ReferralRefused when it is somebody else's."""
    if new.requester_ods and new.requester_ods != practice.ods_code:
        raise ReferralRefused(
            f"The requester's ODS code is not that of the organisation this client is registered for"
            f" ({practice.ods_code}).",
            code="business-rule",
            element="ServiceRequest.requester",
        )


def checked_birth_date(new: NewPatient, *, today: date) -> date:
    """The date of birth of somebody who can be invited. Raises ReferralRefused."""
    if new.is_deceased:
        raise ReferralRefused(
            "The patient is recorded as deceased, so no invitation can be sent.",
            code="business-rule",
            element="Patient.deceased",
        )
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
    return new.birth_date


def _patient_of(new: NewReferral, *, by: Actor, at: datetime) -> Patient:
    if isinstance(new.subject, NewPatient):
        try:
            return receive_patient(new=new.subject, by=by, at=at).patient
        except ReferralRefused as refusal:
            within = refusal.element.removeprefix("Patient")
            refusal.element = f"ServiceRequest.subject.resolve(){within}"
            raise
    own = Patient.objects.visible_to(by)
    if isinstance(new.subject, KnownPatient):
        patient = own.filter(pk=new.subject.patient_id).first()
        if patient and new.subject.nhs_number not in ("", patient.nhs_number):
            raise ReferralRefused(
                "The Patient referred to has another NHS number than the one in subject.identifier.",
                code="business-rule",
                element="ServiceRequest.subject",
            )
        missing = "No Patient with this id is known for your organisation."
    else:
        hashes = nhs_number_hashes(new.subject.nhs_number)
        patient = own.filter(nhs_number_hash__in=hashes).first()
        missing = "No Patient with this NHS number is known for your organisation."
    if patient is None:
        raise ReferralRefused(
            f"{missing} Send the Patient with the referral: contained in the ServiceRequest or in a transaction Bundle.",
            code="not-found",
            element="ServiceRequest.subject",
        )
    return patient


def _refuse_known(identifiers: tuple[Identifier, ...], by: Actor) -> None:
    _refuse_too_many(identifiers)
    if known := _known_referral(identifiers, by):
        raise ReferralKnown(known)


def _refuse_too_many(identifiers: tuple[Identifier, ...], *, position: int | None = None) -> None:
    if len(identifiers) > MOST_IDENTIFIERS:
        refusal = ReferralRefused(
            f"A referral can have {MOST_IDENTIFIERS} identifiers at most.",
            code="too-costly",
            element="ServiceRequest.identifier",
        )
        refusal.position = position
        raise refusal


def _known_referral(identifiers: tuple[Identifier, ...], by: Actor) -> Referral | None:
    known = Q(pk__in=())
    for identifier in identifiers:
        known |= Q(system=identifier.system, value=identifier.value)
    rows = ReferralIdentifier.objects.filter(known, client_id=by.id).select_related("referral")
    row = rows.order_by("pk").first()
    return row.referral if row else None


def write_identifiers(
    referral: Referral, identifiers: tuple[Identifier, ...], *, by: Actor
) -> None:
    """Let the sender's identifiers name this referral for ever. Raises ReferralKnown when one names another."""
    try:
        with transaction.atomic():
            ReferralIdentifier.objects.bulk_create(
                ReferralIdentifier(
                    referral=referral,
                    client_id=by.id,
                    system=identifier.system,
                    value=identifier.value,
                )
                # In one order, so that two requests with the same ones wait in line and not for each other.
                for identifier in sorted(set(identifiers), key=lambda one: (one.system, one.value))
            )
    except IntegrityError:
        # Lost a race: the other referral is committed now, so it can be named.
        if known := _known_referral(identifiers, by):
            raise ReferralKnown(known) from None
        raise


def _new_reference() -> str:
    letters = "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
