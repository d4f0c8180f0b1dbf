"""Finding communities for a referral: what the patient needs, ranked by the pure rules, kept with the reasons."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import SYSTEM
from communities import selectors as communities
from communities.finding import Wanted, age_on, need_of
from communities.ranking import rank
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.changing import move
from referrals.lifecycle import BusinessStatus
from referrals.models import MatchRun, Offer, Referral

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
    need = need_of(_wanted(referral, at=at), practice=referral.practice)
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


def _wanted(referral: Referral, *, at: datetime) -> Wanted:
    patient = referral.patient
    return Wanted(
        conditions=tuple(referral.conditions.all()),
        age=age_on(localdate(at), born=patient.birth_date),
        sex=patient.gender,
        languages=(patient.language,) if patient.language else (),
        place=communities.place_of(patient.postcode),
    )
