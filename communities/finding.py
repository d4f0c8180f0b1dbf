"""Finding communities for a need: what is known of the person, and the ranking it leads to. Nothing of it is kept."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import Actor
from accounts.models import Organisation
from audit.models import Action
from audit.recording import record
from communities.candidates import candidates, candidates_of_condition
from communities.matching.need import ACCESS, HOURS, STAGES, Need, Preference
from communities.matching.ranking import Ranking, rank
from communities.models import Condition
from communities.places import Place, place_of

_ABOUT_A_KILOMETRE = 2  # decimals of a degree: a need is kept, and must not say who it is


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Who looks for company, as far as it matters to the choice. Without a ``place``, that of their practice counts.

    ``preferences`` are codes of Preference.
    """

    conditions: tuple[Condition, ...]
    age: int
    sex: str = ""
    languages: tuple[str, ...] = ()
    preferences: frozenset[str] = frozenset()
    place: Place | None = None


def need_of(wanted: Wanted, *, practice: Organisation) -> Need:
    """What the matcher may know of a person: nothing that names anybody, no day and no address."""
    place = wanted.place or place_of(practice.postcode) or Place(lad_code="", icb_ods="", nation="")
    wishes = wanted.preferences
    return Need(
        condition_keys=frozenset(condition.key for condition in wanted.conditions),
        broader_keys=frozenset(each.broader for each in wanted.conditions if each.broader),
        age=wanted.age,
        sex=wanted.sex,
        languages=wanted.languages,
        is_carer=Preference.CARER in wishes,
        icb_ods=place.icb_ods,
        lad_code=place.lad_code,
        nation=place.nation,
        practice_ods=practice.ods_code or "",
        latitude=_coarse(place.latitude),
        longitude=_coarse(place.longitude),
        access_needs=wishes & ACCESS,
        hours=wishes & HOURS,
        stage=next(iter(sorted(wishes & STAGES)), ""),
        is_anonymous=Preference.ANONYMOUS in wishes,
        is_elsewhere=Preference.NOT_NEAR_ME in wishes,
        is_at_risk=Preference.KNOWN_RISK in wishes,
    )


def _coarse(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, _ABOUT_A_KILOMETRE)


def age_on(day: date, *, born: date) -> int:
    """Whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@transaction.atomic
def find_communities(
    *, wanted: Wanted, with_refused: bool = False, by: Actor, at: datetime
) -> Ranking:
    """Rank what is listed now, as for a referral by the same practice. The audit says that it was asked, never what.

    ``with_refused``: also say of every community for the condition why it does not suit.
    """
    if by.organisation_id is None:
        raise ValueError("communities are found for a practice")
    practice = Organisation.objects.get(pk=by.organisation_id)
    record(Action.COMMUNITIES_SOUGHT, by=by, at=at)
    need = need_of(wanted, practice=practice)
    judged = candidates_of_condition if with_refused else candidates
    return rank(need, judged(need, on=localdate(at)))
