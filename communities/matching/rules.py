"""May this community be offered to this person at all? Every rule that stands against it is named.

A fact that nobody has stated never opens a door. docs/matching.md explains each rule in plain words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from communities.matching.candidate import Candidate
from communities.matching.need import CARER, Need
from communities.tiers import Cover, Tier

ADULT = 18
# Ours, to be on the safe side, until a clinician has confirmed both: what somebody with one of these conditions may write
# or read in a community for mental health in general, and the last age of a community for young people.
NEEDS_SELF_HARM_POLICY = frozenset({"eating-disorder", "psychosis", "postpartum-psychosis", "ptsd"})
YOUNG = 25
# States of capacity, as ``communities.models.CapacityState`` has them.
FULL, WAITING_LIST, ASSESSMENT = "no-capacity", "waitlist", "additional-assessment-required"
# Nearest first.
_KINDS_OF_PLACE = ("practice", "circle", "lad", "icb", "nation")
_NEIGHBOURS = frozenset({"practice", "circle", "lad"})


@dataclass(frozen=True)
class Reason:
    """One reason for or against, as a code and at most one fact; ``sentences.sentence`` puts it in words."""

    code: str
    fact: str = ""


def against(need: Need, candidate: Candidate) -> tuple[Reason, ...]:
    """Every rule that keeps this community from being offered to this person; none: it may be."""
    return tuple(reason for rule in _RULES for reason in rule(need, candidate))


def shared_places(need: Need, candidate: Candidate) -> list[str]:
    """The places in which the person is served, the nearest first. A circle and a practice bear no code."""
    shared = [
        "practice" if place.startswith("practice:") else place
        for place in sorted(candidate.coverage & need.places)
    ]
    if candidate.circle and candidate.circle.holds(need.latitude, need.longitude):
        shared.append("circle")
    return sorted(shared, key=lambda place: _KINDS_OF_PLACE.index(_kind(place)))


def is_local(place: str) -> bool:
    """Whether it is less than a nation."""
    return _kind(place) != "nation"


def _kind(place: str) -> str:
    return place.partition(":")[0]


def _condition_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if not candidate.condition_keys & (need.exact_keys | need.general_keys):
        yield Reason("other_condition")


def _broader_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    """Of what is for more than this condition, only that which says what it does about self-harm. Not for carers."""
    is_exact = bool(candidate.condition_keys & need.exact_keys)
    is_asked = bool(need.condition_keys & NEEDS_SELF_HARM_POLICY) and not need.is_carer
    if is_asked and not is_exact and not candidate.has_self_harm_policy:
        yield Reason("self_harm_policy_not_stated")


def _age_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.audience == {"young_people"} and candidate.max_age is None:
        yield Reason("ages_not_stated")  # "young" without a limit cannot be judged
    if need.age is None:
        yield Reason("age_not_known")
        return
    if candidate.min_age is None and need.age < ADULT:
        yield Reason("adults_only")
    if candidate.min_age is not None and need.age < candidate.min_age:
        yield Reason("too_young", str(candidate.min_age))
    if candidate.max_age is not None and need.age > candidate.max_age:
        yield Reason("too_old", str(candidate.max_age))


def _young_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    """Under 18: moderation of tier A or B, or a community that is for young people."""
    is_for_young = "young_people" in candidate.audience or (
        candidate.max_age is not None and candidate.max_age <= YOUNG
    )
    is_young = need.age is not None and need.age < ADULT
    if is_young and candidate.tier not in (Tier.A, Tier.B) and not is_for_young:
        yield Reason("not_for_under_18")


def _audience_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if need.is_carer:
        if not candidate.audience & {"carers", "family"}:
            yield Reason("not_for_carers")
        return
    welcome = {"patients", "bereaved", "young_people"}
    if CARER in need.condition_keys:
        welcome.add("carers")
    if not candidate.audience & welcome:
        yield Reason("carers_only")


def _sex_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.sex not in ("any", need.sex):
        yield Reason("one_sex_only", candidate.sex)


def _place_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    shared = shared_places(need, candidate)
    if "commissioned" in candidate.coverage:
        yield Reason("areas_not_recorded")
    elif candidate.coverage <= {"none"} and candidate.circle is None:
        yield Reason("no_area_recorded")
    elif not shared:
        yield Reason("other_area")
    elif need.is_elsewhere and {_kind(place) for place in shared} <= _NEIGHBOURS:
        yield Reason("neighbours_only")


def _tier_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.tier is Tier.D:
        yield Reason("signpost_only")
    elif candidate.tier is Tier.U:
        yield Reason("moderation_not_known")
    elif need.is_at_risk and candidate.tier is Tier.C:
        yield Reason("tier_too_low_for_risk")
    if need.is_at_risk and candidate.cover not in (Cover.ALL_HOURS, Cover.DAILY):
        yield Reason("cover_too_thin_for_risk")


def _wishes_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if need.is_anonymous and candidate.anonymity == "real_name":
        yield Reason("real_name_needed")
    if need.stage and candidate.stages and need.stage not in candidate.stages:
        yield Reason("other_stage")


def _listing_rule(_need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.state != "open":
        yield Reason(candidate.state)
    if candidate.kind == "automated_companion" or candidate.staffed_by == "software":
        yield Reason("automated")
    if candidate.access == "programme":
        yield Reason("programme_only")
    if not candidate.has_address:
        yield Reason("no_address")
    if candidate.capacity == FULL:
        yield Reason("full")


_RULES: tuple[Callable[[Need, Candidate], Iterator[Reason]], ...] = (
    _condition_rule,
    _broader_rule,
    _age_rule,
    _young_rule,
    _audience_rule,
    _sex_rule,
    _place_rule,
    _tier_rule,
    _wishes_rule,
    _listing_rule,
)
