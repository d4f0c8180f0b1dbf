"""What a requester does with what was sent: issue a draft, correct, withdraw, take it for a mistake.

What is possible, and what is answered, follows from what the practice was told: never from a step kept from it.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import Actor
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals import lifecycle
from referrals.changing import Said, move, said_in, tell_now
from referrals.documents import is_same_content
from referrals.intake import KnownPatient, NewPatient, NewReferral, PatientByNhsNumber
from referrals.lifecycle import STATUSES, BusinessStatus, RequestStatus
from referrals.models import Patient, PracticeTaskKind, Referral
from referrals.patients import bring_up_to_date, checked_birth_date, known_patient, refuse_deceased
from referrals.practice_tasks import ask_practice, finish_tasks
from referrals.reading import Seen
from referrals.recalling import recall_invitation, recall_unsent
from referrals.receiving import check_requester, conditions_of, write_identifiers
from referrals.refusals import ReferralKnown, ReferralRefused
from referrals.risk import preferences_of
from referrals.selectors import newest_change, referral_of

_FLAGS = ("is_contact_prohibited", "is_patient_contained")
# While nobody has been matched yet, another reason only means that the matcher reads another one.
_REASON_MAY_CHANGE = (BusinessStatus.DRAFTED, BusinessStatus.RECEIVED, BusinessStatus.NO_MATCH)
_TAKING_BACK = {
    RequestStatus.REVOKED.value: BusinessStatus.WITHDRAWN,
    RequestStatus.ENTERED_IN_ERROR.value: BusinessStatus.ENTERED_IN_ERROR,
}


class StaleVersion(Exception):
    """It has changed since the sender read it; ``current`` is the newest version, ``element`` what said which one was read."""

    def __init__(self, current: int) -> None:
        super().__init__(f"The newest version is {current}. Read it, and send the change again.")
        self.current = current
        self.element = ""


@transaction.atomic
def amend_referral(
    *, referral_id: UUID, new: NewReferral, expected_version: int | None, by: Actor, at: datetime
) -> Seen | None:
    """Do with a referral what its requester now sends of it; None: foreign and absent are alike.

    Raises StaleVersion, MoveNotAllowed or ReferralRefused, and then nothing is written.
    """
    referral = held(referral_id, expected_version=expected_version, by=by)
    if referral is None:
        return None
    if not _is_about(new, referral.patient):
        raise ReferralRefused(
            "A referral stays that of its patient. Withdraw it and refer again.",
            code="business-rule",
            element="ServiceRequest.subject",
        )
    said = said_in(new)
    if target := _TAKING_BACK.get(new.status):
        take_back(referral, target, said=said, by=by, at=at)
    else:
        _correct(referral, new, said=said, by=by, at=at)
    return Seen(referral, newest_change(referral))


def would_change_patient(referral_id: UUID, new: NewReferral, *, by: Actor) -> bool:
    """Whether what is sent of a referral brings a Patient along that is not as we know it; not for foreign and absent ones."""
    referral = referral_of(by, referral_id) if isinstance(new.subject, NewPatient) else None
    return (
        referral is not None
        and isinstance(new.subject, NewPatient)
        and not is_same_content(new.subject.document, referral.patient.document)
    )


@transaction.atomic
def amend_patient(
    *, patient_id: UUID, new: NewPatient, expected_version: int | None, by: Actor, at: datetime
) -> Patient | None:
    """Bring a patient up to date; None: foreign and absent are alike. Raises StaleVersion or ReferralRefused."""
    patient = Patient.objects.visible_to(by).select_for_update().filter(pk=patient_id).first()
    if patient is None:
        return None
    if expected_version not in (None, patient.version):
        raise StaleVersion(patient.version)
    _bring_up_to_date(patient, new, by=by, at=at)
    return patient


def held(referral_id: UUID, *, expected_version: int | None, by: Actor) -> Referral | None:
    """A referral that this actor sees, locked. Raises StaleVersion when the sender has read an older one."""
    rows = Referral.objects.visible_to(by).select_for_update(of=("self",))
    referral = rows.select_related("practice", "patient").filter(pk=referral_id).first()
    if referral and expected_version not in (None, referral.version):
        raise StaleVersion(referral.version)
    return referral


def take_back(
    referral: Referral, target: BusinessStatus, *, said: Said, by: Actor, at: datetime
) -> None:
    """End a referral for its requester; nobody is invited any more. The caller holds it. Raises MoveNotAllowed."""
    move(referral, target, by=by, at=at, said=said)
    finish_tasks(referral, at=at)
    recall_invitation(referral, at=at)


def issue(referral: Referral, *, said: Said, by: Actor, at: datetime) -> None:
    """Let a draft, or what is to be matched again, go on its way. The caller holds it. Raises MoveNotAllowed."""
    move(referral, BusinessStatus.RECEIVED, by=by, at=at, said=said)
    enqueue(JobKind.MATCH, tenant_id=referral.practice_id, at=at, referral_id=str(referral.pk))


def _correct(referral: Referral, new: NewReferral, *, said: Said, by: Actor, at: datetime) -> None:
    told = BusinessStatus(newest_change(referral).business_status)
    target = lifecycle.correction_of(told, by.kind)
    if told == BusinessStatus.DRAFTED and new.status == RequestStatus.ACTIVE:
        target = BusinessStatus.RECEIVED
    elif new.status != STATUSES[told].request:
        raise lifecycle.refusal(told, by.kind)
    _apply(referral, new, told=told, by=by, at=at)
    if target == told:
        tell_now(referral, by=by, at=at, told=told, reason="corrected", said=said)
    else:
        issue(referral, said=said, by=by, at=at)


def _apply(
    referral: Referral, new: NewReferral, *, told: BusinessStatus, by: Actor, at: datetime
) -> None:
    """Make the row what was sent. Raises ReferralRefused."""
    check_requester(new.requester_ods, own=referral.practice.ods_code or "")
    conditions, preferences = conditions_of(new), preferences_of(new)
    if (set(conditions), preferences) != (set(referral.conditions.all()), referral.preferences):
        if told not in _REASON_MAY_CHANGE:
            raise ReferralRefused(
                "Communities have been chosen for the reason and the needs that were sent first. Withdraw the referral"
                " and refer again.",
                code="business-rule",
                element="ServiceRequest.reasonCode",
            )
        referral.conditions.set(conditions)
    _add_identifiers(referral, new, by=by)
    if isinstance(new.subject, NewPatient) and new.subject.document != referral.patient.document:
        refuse_deceased(new.subject)
        patient = Patient.objects.select_for_update().get(pk=referral.patient_id)
        _bring_up_to_date(patient, new.subject, by=by, at=at)
    was_prohibited = referral.is_contact_prohibited
    for name in ("intent", "priority", "authored_on", *_FLAGS):
        setattr(referral, name, getattr(new, name))
    referral.preferences = preferences
    referral.save(update_fields=["intent", "priority", "authored_on", "preferences", *_FLAGS])
    if referral.is_contact_prohibited != was_prohibited:
        _change_contact(referral, told=told, at=at)


def _add_identifiers(referral: Referral, new: NewReferral, *, by: Actor) -> None:
    known = set(referral.identifiers.filter(client_id=by.id).values_list("system", "value"))
    added = tuple(one for one in new.identifiers if (one.system, one.value) not in known)
    try:
        write_identifiers(referral, added, by=by)
    except ReferralKnown as other:
        # Not "known": a sender may take that for "done".
        raise ReferralRefused(
            "Another referral has this identifier.",
            code="business-rule",
            element="ServiceRequest.identifier",
        ) from other


def _change_contact(referral: Referral, *, told: BusinessStatus, at: datetime) -> None:
    """Whether the patient may be contacted has changed: stop what waits and ask the practice, or go on."""
    if referral.is_contact_prohibited:
        recall_unsent(referral, at=at)
        if told == BusinessStatus.MATCHED:
            ask_practice(referral, PracticeTaskKind.CONTACT_PROHIBITED, at=at)
    elif told == BusinessStatus.MATCHED:
        finish_tasks(referral, PracticeTaskKind.CONTACT_PROHIBITED, at=at)
        enqueue(JobKind.INVITE, tenant_id=referral.practice_id, at=at, referral_id=str(referral.pk))


def _is_about(new: NewReferral, patient: Patient) -> bool:
    """Whether what was sent names the patient that the referral is about."""
    subject = new.subject
    if isinstance(subject, KnownPatient):
        return subject.patient_id == patient.pk and subject.nhs_number in ("", patient.nhs_number)
    if isinstance(subject, PatientByNhsNumber):
        return bool(subject.nhs_number == patient.nhs_number)
    return _is_same_person(subject, patient)


def _is_same_person(new: NewPatient, patient: Patient) -> bool:
    """By NHS number; where one is missing, by date of birth."""
    if new.nhs_number and patient.nhs_number:
        return bool(new.nhs_number == patient.nhs_number)
    return new.birth_date == patient.birth_date


def _bring_up_to_date(patient: Patient, new: NewPatient, *, by: Actor, at: datetime) -> None:
    birth_date = checked_birth_date(new, today=localdate(at))
    other = known_patient(new, by)
    if not _is_same_person(new, patient) or (other and other.pk != patient.pk):
        raise ReferralRefused(
            "A Patient stays the same person, and an NHS number belongs to one. Send this person as a new Patient.",
            code="business-rule",
            element="Patient.identifier",
        )
    bring_up_to_date(patient, new, birth_date, by=by, at=at)
