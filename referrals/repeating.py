"""Receiving on a condition: only what no row bears the named identifier of yet is written (FHIR's conditional create)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.actors import Actor
from accounts.models import RepeatKind
from accounts.repeating import Claim, Made, Mark, claim, remember
from referrals import selectors
from referrals.intake import Identifier, KnownPatient, NewPatient, NewReferral
from referrals.models import Patient, Referral
from referrals.nhs_numbers import nhs_number_hashes
from referrals.patients import ReceivedPatient, receive_patient
from referrals.receiving import receive_referral, receive_together
from referrals.refusals import ReferralKnown, ReferralRefused

New = NewPatient | NewReferral


class SeveralMatch(Exception):
    """More than one row bears the identifier of a condition, so it does not say which is meant."""


@dataclass(frozen=True)
class Search:
    """A condition that was looked up: the claim on its words, and the one row that it means, if there is one."""

    claim: Claim
    found: UUID | None


def receive_one(*, new: New, condition: Identifier | None, by: Actor, at: datetime) -> Made:
    """Write a referral or a patient that came alone. Raises SeveralMatch and what receive_referral raises."""
    if condition is not None:
        try:
            return receive_together_unless_there(
                new=[new], conditions={0: condition}, patient_positions={}, by=by, at=at
            )[0]
        except (ReferralRefused, ReferralKnown) as refusal:
            refusal.position = None
            raise
    if isinstance(new, NewPatient):
        return _made(receive_patient(new=new, by=by, at=at), at=at)
    return _made(receive_referral(new=new, by=by, at=at), at=at)


@transaction.atomic
def receive_together_unless_there(
    *,
    new: Sequence[New],
    conditions: Mapping[int, Identifier],
    patient_positions: Mapping[int, int],
    by: Actor,
    at: datetime,
) -> list[Made]:
    """Write all of these or nothing, but leave out each whose condition names what is there already.

    ``conditions`` and ``patient_positions`` are by position in ``new``. Raises SeveralMatch and what receive_together
    raises. The answer is in the order of ``new``.
    """
    try:
        return _receive(new, conditions, patient_positions, by=by, at=at)
    except ReferralKnown as known:
        # Somebody who set no condition was quicker. If it is what a condition names, it can be found now.
        condition = conditions.get(known.position) if known.position is not None else None
        if condition is None or not _referrals(condition, by=by):
            raise
        return _receive(new, conditions, patient_positions, by=by, at=at)


@transaction.atomic
def _receive(
    new: Sequence[New],
    conditions: Mapping[int, Identifier],
    patient_positions: Mapping[int, int],
    *,
    by: Actor,
    at: datetime,
) -> list[Made]:
    searches = {
        position: _search(new[position], condition, by=by, at=at)
        for position, condition in conditions.items()
    }
    found = {place: search.found for place, search in searches.items() if search.found}
    wanted = [position for position in range(len(new)) if position not in found]
    place_of = {position: place for place, position in enumerate(wanted)}
    try:
        written = receive_together(
            new=[_with_patient(new[p], found.get(patient_positions.get(p, -1))) for p in wanted],
            patient_positions={
                place_of[referral]: place_of[patient]
                for referral, patient in patient_positions.items()
                if referral in place_of and patient in place_of
            },
            by=by,
            at=at,
        )
    except (ReferralRefused, ReferralKnown) as refusal:
        if refusal.position is not None:
            refusal.position = wanted[refusal.position]
        raise
    made = {position: _made(row, at=at) for position, row in zip(wanted, written, strict=True)}
    made |= {position: _found(new[position], pk, by=by) for position, pk in found.items()}
    for position, search in searches.items():
        if not (search.found and search.claim.made):
            remember(search.claim, [made[position]])
    return [made[position] for position in range(len(new))]


def _search(new: New, condition: Identifier, *, by: Actor, at: datetime) -> Search:
    """Claimed before it is looked up, so that of two with the same words the second finds what the first made."""
    kind = "Patient" if isinstance(new, NewPatient) else "ServiceRequest"
    words = f"{kind}?identifier={condition.system}|{condition.value}"
    claimed = claim(Mark(kind=RepeatKind.IF_NONE_EXIST, text=words), by=by, at=at)
    # What was made under these words counts too, even if it does not bear the identifier itself.
    before = [made.pk for made in claimed.made]
    find = _patients if isinstance(new, NewPatient) else _referrals
    matches = find(condition, by=by, or_one_of=before)
    if len(matches) > 1:
        raise SeveralMatch(
            "More than one resource matches the condition. Nothing was written: read them, or send another identifier."
        )
    return Search(claimed, next(iter(matches), None))


def _referrals(condition: Identifier, *, by: Actor, or_one_of: Sequence[UUID] = ()) -> set[UUID]:
    bearing = Q(
        identifiers__client_id=by.id,
        identifiers__system=condition.system,
        identifiers__value=condition.value,
    )
    rows = Referral.objects.visible_to(by).filter(bearing | Q(pk__in=or_one_of))
    return set(rows.values_list("pk", flat=True))


def _patients(condition: Identifier, *, by: Actor, or_one_of: Sequence[UUID] = ()) -> set[UUID]:
    bearing = Q(nhs_number_hash__in=nhs_number_hashes(condition.value))
    rows = Patient.objects.visible_to(by).filter(bearing | Q(pk__in=or_one_of))
    return set(rows.values_list("pk", flat=True))


def _with_patient(new: New, patient_id: UUID | None) -> New:
    if patient_id is None or isinstance(new, NewPatient):
        return new
    return replace(new, subject=KnownPatient(patient_id=patient_id))


def _made(row: ReceivedPatient | Referral, *, at: datetime) -> Made:
    if isinstance(row, Referral):
        return Made(
            resource_type="ServiceRequest", pk=row.pk, version=row.version, at=at, status=201
        )
    return Made(
        resource_type="Patient",
        pk=row.pk,
        version=row.patient.version,
        at=row.patient.updated_at,
        status=201 if row.is_new else 200,  # a known patient is brought up to date
    )


def _found(new: New, pk: UUID, *, by: Actor) -> Made:
    if isinstance(new, NewPatient):
        patient = selectors.patient_of(by, pk)
        if patient is None:
            raise RuntimeError("a patient was found and is gone")
        kind, version, at = "Patient", patient.version, patient.updated_at
    else:
        referral = selectors.referral_of(by, pk)
        if referral is None:
            raise RuntimeError("a referral was found and is gone")
        change = selectors.newest_change(referral)
        kind, version, at = "ServiceRequest", change.version, change.at
    return Made(resource_type=kind, pk=pk, version=version, at=at, status=200, is_found=True)
