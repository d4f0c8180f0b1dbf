"""Finding communities for a referral: what the patient needs, ranked by the pure rules, kept with all that it followed from."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import SYSTEM
from communities.candidates import candidates
from communities.finding import Wanted, age_on, need_of
from communities.judged import judged_at, keep_judged
from communities.matching import facts
from communities.matching.need import Need
from communities.matching.ranking import VERSION, Ranked, rank
from communities.matching.weights import WEIGHTS
from communities.places import place_of
from communities.unmet import count_unmet
from jobs.models import JobKind
from jobs.queue import enqueue
from referrals.changing import move
from referrals.groups import (
    ETHNIC_GROUPS,
    Sex,
    age_band_of,
    imd_quintile_of,
    language_group_of,
    rurality_of,
)
from referrals.lifecycle import BusinessStatus
from referrals.models import FirstMatch, MatchRun, Offer, Referral

MOST_OFFERS = 3


class OtherRules(Exception):
    """The run was made by rules of another version, which are not here."""


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
    if not find_offers(referral, at=at):
        count_as_unmet(referral, at=at)
        move(referral, BusinessStatus.NO_MATCH, by=SYSTEM, at=at, reason="no-suitable-community")
        return
    move(referral, BusinessStatus.MATCHED, by=SYSTEM, at=at)
    enqueue(JobKind.INVITE, tenant_id=referral.practice_id, at=at, referral_id=str(referral.pk))


def find_offers(referral: Referral, *, at: datetime) -> Sequence[Offer]:
    """Run the matcher for a referral that the caller holds, and write its offers, best first; the referral stays."""
    wanted = _wanted(referral, at=at)
    need = need_of(wanted, practice=referral.practice)
    judged = candidates(need, on=localdate(at))
    found = rank(need, judged).offers[:MOST_OFFERS]
    run = MatchRun.objects.create(
        referral=referral,
        at=at,
        matcher_version=VERSION,
        asked=json.dumps(facts.written(need)),
        judged=keep_judged(judged),
        weights=WEIGHTS,
        considered=len(judged),
        offered=len(found),
    )
    _keep_first_match(referral, wanted, offered=len(found))
    return Offer.objects.bulk_create(
        Offer(
            run=run,
            referral=referral,
            community_id=each.community_id,
            rank=place,
            score=each.score,
            reasons=[asdict(reason) for reason in (*each.reasons, *each.worth_knowing)],
        )
        for place, each in enumerate(found, start=1)
    )


def replay(run: MatchRun) -> tuple[Ranked, ...]:
    """What a run offered, judged again from what it kept, whatever the directory says now. Raises OtherRules."""
    if run.matcher_version != VERSION:
        raise OtherRules(f"Made by {run.matcher_version}; these are {VERSION}.")
    ranking = rank(_need_of_run(run), judged_at(run.judged), run.weights)
    return ranking.offers[:MOST_OFFERS]


def count_as_unmet(referral: Referral, *, at: datetime) -> None:
    """Count the conditions for which nothing was found; a referral that is matched again counts once for each."""
    newest, *before = referral.match_runs.filter(offered=0).exclude(asked="").order_by("-pk")
    counted = {key for run in before for key in _need_of_run(run).condition_keys}
    need = _need_of_run(newest)
    count_unmet(need, need.condition_keys - counted, on=localdate(at))


def _keep_first_match(referral: Referral, wanted: Wanted, *, offered: int) -> None:
    """Keep what the figures on fairness need; of a referral that is matched again, what the first match was."""
    category = referral.patient.ethnic_category
    first = FirstMatch(
        referral=referral,
        matcher_version=VERSION,
        offered=offered,
        imd_quintile=imd_quintile_of(wanted.place),
        rurality=rurality_of(wanted.place),
        age_band=age_band_of(wanted.age),
        sex=wanted.sex if wanted.sex in Sex.values else "",
        language=language_group_of(referral.patient.language),
        ethnic_group=ETHNIC_GROUPS.get(category, ""),
    )
    FirstMatch.objects.bulk_create([first], ignore_conflicts=True)


def _need_of_run(run: MatchRun) -> Need:
    return facts.read(Need, json.loads(run.asked))


def _wanted(referral: Referral, *, at: datetime) -> Wanted:
    patient = referral.patient
    return Wanted(
        conditions=tuple(referral.conditions.all()),
        age=age_on(localdate(at), born=patient.birth_date),
        sex=patient.gender,
        languages=(patient.language,) if patient.language else (),
        preferences=referral.preferences,
        place=place_of(patient.postcode),
    )
