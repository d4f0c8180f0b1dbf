"""Judging communities for a need, and putting them in order; the same facts always give the same answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from communities.matching.candidate import Candidate
from communities.matching.need import CARER, Need
from communities.matching.rules import (
    ASSESSMENT,
    WAITING_LIST,
    Reason,
    against,
    shared_places,
)
from communities.matching.weights import WEIGHTS, Weights, points, shared_languages
from communities.tiers import Cover, ModeratedBy, SearchVisibility

VERSION = "2026.11-3"  # changes with every change of a rule, a line or a weight


@dataclass(frozen=True, kw_only=True)
class Eligible:
    """May be offered: why, what to know beforehand, and the points for each line of the weights."""

    reasons: tuple[Reason, ...]
    worth_knowing: tuple[Reason, ...]
    points: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Ineligible:
    """May not be offered, with every rule that stands against it."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A community that may be offered; ``score`` is the sum of ``points``."""

    community_id: str
    name: str
    score: int
    points: Mapping[str, int]
    reasons: tuple[Reason, ...]
    worth_knowing: tuple[Reason, ...]


@dataclass(frozen=True)
class Refused:
    """A community that may not be offered, with every rule that stands against it."""

    community_id: str
    name: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The whole answer: what was asked, by which rules, what fits (best first), what does not."""

    version: str
    need: Need
    offers: tuple[Ranked, ...]
    refused: tuple[Refused, ...]


def rank(need: Need, candidates: Iterable[Candidate], weights: Weights = WEIGHTS) -> Ranking:
    """Judge every candidate; the same need and candidates, in any order, give the same answer."""
    offers: list[Ranked] = []
    refused: list[Refused] = []
    for candidate in sorted(candidates, key=lambda each: each.community_id):
        verdict = judge(need, candidate, weights)
        if isinstance(verdict, Eligible):
            offers.append(_ranked(candidate, verdict))
        else:
            refused.append(Refused(candidate.community_id, candidate.name, verdict.reasons))
    offers.sort(key=lambda offer: -offer.score)  # stable: equals stay in order of their id
    return Ranking(version=VERSION, need=need, offers=tuple(offers), refused=tuple(refused))


def judge(need: Need, candidate: Candidate, weights: Weights = WEIGHTS) -> Eligible | Ineligible:
    """Whether this community may be offered to this person, and why (not)."""
    if refusals := against(need, candidate):
        return Ineligible(reasons=refusals)
    return Eligible(
        reasons=tuple(_reasons_for(need, candidate)),
        worth_knowing=tuple(_worth_knowing(need, candidate)),
        points=points(need, candidate, weights),
    )


def _ranked(candidate: Candidate, verdict: Eligible) -> Ranked:
    return Ranked(
        community_id=candidate.community_id,
        name=candidate.name,
        score=sum(verdict.points.values()),
        points=verdict.points,
        reasons=verdict.reasons,
        worth_knowing=verdict.worth_knowing,
    )


def _reasons_for(need: Need, candidate: Candidate) -> Iterator[Reason]:
    yield from _whom(need, candidate)
    yield Reason("place", shared_places(need, candidate)[-1 if need.is_elsewhere else 0])
    yield from _moderation(candidate)
    if candidate.anonymity == "pseudonym_allowed":
        yield Reason("anonymity", candidate.anonymity)
    if candidate.search_visibility is SearchVisibility.MEMBERS_ONLY:
        yield Reason("visibility", candidate.search_visibility)
    yield from _wishes_met(need, candidate)
    if candidate.can_look_first:
        yield Reason("look_first")


def _whom(need: Need, candidate: Candidate) -> Iterator[Reason]:
    exact = candidate.condition_keys & need.exact_keys
    shared = exact or candidate.condition_keys & need.general_keys
    for key in sorted(shared):
        yield Reason("condition", key)
    if need.is_carer and shared != {CARER}:
        yield Reason("carers_welcome")


def _moderation(candidate: Candidate) -> Iterator[Reason]:
    if candidate.moderated_by not in (ModeratedBy.NOBODY, ModeratedBy.UNKNOWN):
        yield Reason("moderated_by", candidate.moderated_by)
    if candidate.cover is not Cover.UNKNOWN:
        yield Reason("cover", candidate.cover)


def _wishes_met(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if shared_languages(need, candidate) - {"en"}:
        yield Reason("language", "shared")
    for key in sorted(need.access_needs & candidate.meets):
        yield Reason("meets", key)
    if candidate.cover is not Cover.ALL_HOURS:  # which says it already
        for key in sorted(need.hours & candidate.covered_hours):
            yield Reason("hours", key)
    if need.stage in candidate.stages:
        yield Reason("stage")


def _worth_knowing(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.capacity == WAITING_LIST:
        yield Reason("waiting_list")
    if candidate.capacity == ASSESSMENT:
        yield Reason("assessment")
    if candidate.cover is Cover.UNKNOWN:
        yield Reason("cover", candidate.cover)
    if candidate.search_visibility is not SearchVisibility.MEMBERS_ONLY:
        yield Reason("visibility", candidate.search_visibility)
    if candidate.anonymity != "pseudonym_allowed":
        yield Reason("anonymity", candidate.anonymity)
    if candidate.access == "membership":
        yield Reason("membership")
    if candidate.staffed_by == "both":
        yield Reason("partly_automated")
    yield from _wishes_open(need, candidate)


def _wishes_open(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if need.languages and not shared_languages(need, candidate):
        yield Reason("language", "other")
    for key in sorted(need.access_needs - candidate.meets):
        yield Reason("may_not_meet", key)
    for key in sorted(need.hours - candidate.covered_hours):
        yield Reason("nobody_then", key)
    if candidate.stages and not need.stage:
        yield Reason("stage_matters")
