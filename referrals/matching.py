"""Finding communities for a referral: what the patient needs, ranked by the pure rules, kept with the reasons."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import SYSTEM
from communities import selectors as communities
from communities.ranking import Need, rank
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.changing import move
from referrals.lifecycle import BusinessStatus
from referrals.models import MatchRun, Offer, Patient, Referral

MOST_OFFERS = 3


@transaction.atomic
def match_referral(*, referral_id: UUID, at: datetime) -> None:
    """Offer the best communities, or record that there is none. Does nothing when that has been done already."""
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("practice", "patient")
        .get(pk=referral_id)
    )
    if referral.business_status != BusinessStatus.RECEIVED:
        return
    need = need_of(referral, at=at)
    ranking = rank(need, communities.candidates(localdate(at)))
    offers = ranking.offers[:MOST_OFFERS]
    run = MatchRun.objects.create(
        referral=referral,
        at=at,
        matcher_version=ranking.version,
        need={
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(need).items()
        },
        considered=len(ranking.offers) + len(ranking.refused),
        offered=len(offers),
    )
    for place, offer in enumerate(offers, start=1):
        Offer.objects.create(
            run=run,
            referral=referral,
            community_id=offer.community_id,
            rank=place,
            score=offer.score,
            reasons=[asdict(reason) for reason in (*offer.reasons, *offer.worth_knowing)],
        )
    if not offers:
        move(referral, BusinessStatus.NO_MATCH, by=SYSTEM, at=at, reason="no-suitable-community")
        return
    move(referral, BusinessStatus.MATCHED, by=SYSTEM, at=at)
    enqueue(JobKind.INVITE, tenant_id=referral.practice_id, at=at, referral_id=str(referral.pk))


def need_of(referral: Referral, *, at: datetime) -> Need:
    """What the matcher may know of a patient: condition, age, sex, language and rough place, nothing else."""
    patient = referral.patient
    place = communities.place_of(patient.postcode) or communities.place_of(
        referral.practice.postcode
    )
    conditions = list(referral.conditions.all())
    return Need(
        condition_keys=frozenset(condition.key for condition in conditions),
        broader_keys=frozenset(condition.broader for condition in conditions if condition.broader),
        age=_age(patient, at=at),
        sex=patient.gender,
        languages=(patient.language,) if patient.language else (),
        is_carer=False,
        icb_ods=place.icb_ods if place else "",
        lad_code=place.lad_code if place else "",
        nation=place.nation if place else "",
    )


def _age(patient: Patient, *, at: datetime) -> int:
    today, born = localdate(at), patient.birth_date
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
