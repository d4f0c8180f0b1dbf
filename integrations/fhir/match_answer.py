"""What ``HealthcareService/$match`` answers: communities in order, each with a score and the reasons."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from communities.matching.ranking import Ranked, Ranking, Refused
from communities.matching.rules import Reason
from communities.matching.sentences import sentence
from communities.matching.weights import WEIGHTS
from integrations.fhir.outcome import Finding, operation_outcome
from integrations.fhir.systems import fhir_base, own, own_definition

MOST_POINTS = sum(max(points.values()) for points in WEIGHTS.values())
MOST_SHOWN = 50  # of each: a directory may be large, and nobody reads on for ever
_SCALE = (
    f"search.score is the sum of the matcher's points divided by {MOST_POINTS}, the most there can be."
    " It says which community comes first, not how much it would help."
)


def searchset(
    ranking: Ranking,
    resources: Mapping[str, dict[str, Any]],
    *,
    includes_refused: bool,
    people: Mapping[str, str],
    warnings: Sequence[Finding],
    base_url: str,
) -> dict[str, Any]:
    """The communities that may be offered, the best first; those that may not behind them, if wanted, with why not.

    ``resources`` are the HealthcareServices by id; ``people`` are how the people of each condition are spoken of.
    The matcher's version is a tag of the Bundle.
    """
    base = fhir_base(base_url)
    offers, refused = shown(ranking, includes_refused=includes_refused)
    searches = [(one.community_id, _offered(one, people, base_url)) for one in offers]
    searches += [(one.community_id, _refused(one, people, base_url)) for one in refused]
    entries = [_entry(resources[name], search, base) for name, search in searches]
    said = [*warnings, Finding("information", "informational", _SCALE)]
    entries.append({"resource": operation_outcome(said), "search": {"mode": "outcome"}})
    return {
        "resourceType": "Bundle",
        "meta": {"tag": [{"system": own(base_url, "matcher-version"), "code": ranking.version}]},
        "type": "searchset",
        "total": len(ranking.offers),
        "link": [{"relation": "self", "url": f"{base}/HealthcareService/$match"}],
        "entry": entries,
    }


def shown(
    ranking: Ranking, *, includes_refused: bool
) -> tuple[tuple[Ranked, ...], tuple[Refused, ...]]:
    """What of a ranking an answer shows: the best, and on wish as many of those that may not be offered."""
    return ranking.offers[:MOST_SHOWN], ranking.refused[: MOST_SHOWN * includes_refused]


def _entry(resource: dict[str, Any], search: dict[str, Any], base: str) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/HealthcareService/{resource['id']}",
        "resource": resource,
        "search": search,
    }


def _offered(offer: Ranked, people: Mapping[str, str], base_url: str) -> dict[str, Any]:
    return {
        "extension": [
            *_reasons("match-reason", offer.reasons, people, base_url),
            *_reasons("match-worth-knowing", offer.worth_knowing, people, base_url),
        ],
        "mode": "match",
        "score": round(offer.score / MOST_POINTS, 4),
    }


def _refused(one: Refused, people: Mapping[str, str], base_url: str) -> dict[str, Any]:
    reasons = _reasons("match-refusal", one.reasons, people, base_url)
    return {"extension": reasons, "mode": "include"}


def _reasons(
    name: str, reasons: Iterable[Reason], people: Mapping[str, str], base_url: str
) -> list[dict[str, Any]]:
    url = own_definition(base_url, name)
    return [{"url": url, "extension": list(_reason(one, people))} for one in reasons]


def _reason(reason: Reason, people: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield {"url": "code", "valueCode": reason.code}
    if reason.fact:
        yield {"url": "fact", "valueString": reason.fact}
    yield {"url": "text", "valueString": sentence(reason, people)}
