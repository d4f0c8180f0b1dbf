"""Taking a referral in: one transaction writes patient, referral, first state, audit and the next job."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.actors import Actor
from accounts.models import Organisation
from communities.models import Condition
from communities.selectors import conditions_by_code
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.changing import said_in, write_change
from referrals.intake import Identifier, KnownPatient, NewPatient, NewReferral
from referrals.lifecycle import STATUSES, BusinessStatus, RequestStatus
from referrals.models import Referral, ReferralIdentifier
from referrals.patients import ReceivedPatient, organisation_of, patient_of, receive_patient
from referrals.refusals import ReferralKnown, ReferralRefused
from referrals.risk import preferences_of, stop_of

MOST_IDENTIFIERS = 20
_REFERENCE_LETTERS = (
    "23456789BCDFGHJKMNPQRSTVWXYZ"  # no vowels, no look-alikes: readable on the telephone
)


@transaction.atomic
def receive_referral(
    *, new: NewReferral, by: Actor, at: datetime, is_looked_up: bool = False
) -> Referral:
    """Write a new referral, or nothing: raises ReferralRefused or ReferralKnown. ``is_looked_up``: none has its identifiers."""
    practice = Organisation.objects.select_related("icb").get(pk=organisation_of(by))
    check_requester(new.requester_ods, own=practice.ods_code or "")
    if not is_looked_up:
        _refuse_known(new.identifiers, by)
    conditions = conditions_of(new)
    patient = patient_of(new, by=by, at=at)
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
        preferences=preferences_of(new),
        status=statuses.request,
        task_status=statuses.task,
        business_status=first,
        told_at=at,
        received_at=at,
        issued_at=None if is_draft else at,
    )
    referral.conditions.add(*conditions)
    write_identifiers(referral, new.identifiers, by=by)
    write_change(referral, by=by, at=at, said=said_in(new), is_first=True)
    if not is_draft:
        enqueue(JobKind.MATCH, tenant_id=referral.practice_id, at=at, referral_id=str(referral.pk))
    return referral


def conditions_of(new: NewReferral) -> list[Condition]:
    """The conditions that the reasons mean. Raises ReferralRefused when they mean none, or a risk stops the referral."""
    if stop := stop_of(new):
        raise ReferralRefused(stop.sentence, code=stop.code, element=stop.element)
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
def receive_together(
    *,
    new: Sequence[NewPatient | NewReferral],
    patient_positions: Mapping[int, int],
    by: Actor,
    at: datetime,
) -> list[ReceivedPatient | Referral]:
    """Write all of these or nothing. ``patient_positions`` says which of them is a referral's patient.

    Raises what receive_referral raises, with ``position`` set. The answer is in the order of ``new``.
    """
    _refuse_known_together(new, by)
    written: dict[int, ReceivedPatient | Referral] = {}
    patients_first = sorted(
        range(len(new)), key=lambda position: isinstance(new[position], NewReferral)
    )
    for position in patients_first:
        item = new[position]
        try:
            if isinstance(item, NewPatient):
                written[position] = receive_patient(new=item, by=by, at=at)
            else:
                if position in patient_positions:
                    patient = written[patient_positions[position]]
                    item = replace(item, subject=KnownPatient(patient_id=patient.pk))
                written[position] = receive_referral(new=item, by=by, at=at, is_looked_up=True)
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


def check_requester(ods_code: str, *, own: str, element: str = "ServiceRequest.requester") -> None:
    """Raise ReferralRefused when somebody else asks: another ODS code than the sender's own. None is its own."""
    if ods_code not in ("", own):
        raise ReferralRefused(
            f"The requester's ODS code is not that of the organisation this client is registered for ({own}).",
            code="business-rule",
            element=element,
        )


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
