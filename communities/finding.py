"""Finding communities for a need: what is known of the person, and the ranking it leads to. Nothing of it is kept."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import Actor
from accounts.models import Organisation
from audit.models import Action
from audit.recording import record
from communities.models import Condition
from communities.ranking import Need, Ranking, rank
from communities.selectors import Place, candidates, place_of


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Who looks for company, as far as it matters to the choice. Without a ``place``, that of their practice counts."""

    conditions: tuple[Condition, ...]
    age: int
    sex: str = ""
    languages: tuple[str, ...] = ()
    is_carer: bool = False
    place: Place | None = None


def need_of(wanted: Wanted, *, practice: Organisation) -> Need:
    """What the matcher may know of a person: condition, age, sex, language and rough place, nothing else."""
    place = wanted.place or place_of(practice.postcode)
    return Need(
        condition_keys=frozenset(condition.key for condition in wanted.conditions),
        broader_keys=frozenset(each.broader for each in wanted.conditions if each.broader),
        age=wanted.age,
        sex=wanted.sex,
        languages=wanted.languages,
        is_carer=wanted.is_carer,
        icb_ods=place.icb_ods if place else "",
        lad_code=place.lad_code if place else "",
        nation=place.nation if place else "",
    )


def age_on(day: date, *, born: date) -> int:
    """Whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@transaction.atomic
def find_communities(*, wanted: Wanted, by: Actor, at: datetime) -> Ranking:
    """Rank what is listed now, as for a referral by the same practice. The audit says that it was asked, never what."""
    if by.organisation_id is None:
        raise ValueError("communities are found for a practice")
    practice = Organisation.objects.get(pk=by.organisation_id)
    record(Action.COMMUNITIES_SOUGHT, by=by, at=at)
    return rank(need_of(wanted, practice=practice), candidates(localdate(at)))
