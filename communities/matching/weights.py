"""Of those that may be offered, which comes first? Lines in the order of importance, and the points of each step."""

from collections.abc import Mapping

from communities.matching.candidate import Candidate
from communities.matching.need import Need
from communities.matching.rules import ASSESSMENT, WAITING_LIST, is_local, shared_places
from communities.tiers import Cover, Tier

Weights = Mapping[str, Mapping[str, int]]

# The most important line first; in each line the worst step first.
_LINES: Mapping[str, tuple[str, ...]] = {
    "condition": ("broader", "exact"),  # for exactly this, before for anything of the kind
    "tier": (
        Tier.C,
        Tier.B,
        Tier.A,
    ),  # moderation is what makes peer support work: no wish outweighs it
    "room": (WAITING_LIST, ASSESSMENT, "room"),  # company now, before company some day
    "language": ("other", "shared"),  # what one cannot read is no company
    "access": ("none", "some", "all"),  # needs that it states to meet
    "cover": (Cover.UNKNOWN, Cover.SESSIONS, Cover.WEEKDAYS, Cover.DAILY, Cover.ALL_HOURS),
    "hours": ("other", "wished"),  # moderators are there when company is wished for
    "stage": ("any", "same"),  # meant for people at this stage of change
    "names": ("other", "made_up"),  # a made-up name is allowed, where that is wished
    "place": ("other", "wished"),  # a small plus only: distance never counts against going online
    "confidence": ("low", "medium", "high"),  # how clearly the source showed it
}


def _weighed(lines: Mapping[str, tuple[str, ...]]) -> Weights:
    """Points such that a single step up in a line outweighs all the lines below it together."""
    weights: dict[str, dict[str, int]] = {}
    below = 0
    for name, levels in reversed(list(lines.items())):
        step = below + 1
        weights[name] = {str(level): place * step for place, level in enumerate(levels)}
        below += (len(levels) - 1) * step
    return {name: weights[name] for name in lines}


WEIGHTS = _weighed(_LINES)


def points(need: Need, candidate: Candidate, weights: Weights = WEIGHTS) -> dict[str, int]:
    """The points of a community for each line. Where the person has no wish, everybody meets it."""
    return {name: weights[name][level] for name, level in _levels(need, candidate).items()}


def shared_languages(need: Need, candidate: Candidate) -> frozenset[str]:
    """The languages, without their variants, that person and community share."""
    return candidate.languages & {tag.split("-")[0].lower() for tag in need.languages}


def _levels(need: Need, candidate: Candidate) -> dict[str, str]:
    is_exact = bool(candidate.condition_keys & need.exact_keys)
    is_understood = not need.languages or bool(shared_languages(need, candidate))
    allows_made_up = candidate.anonymity == "pseudonym_allowed"
    return {
        "room": candidate.capacity if candidate.capacity in (WAITING_LIST, ASSESSMENT) else "room",
        "condition": "exact" if is_exact else "broader",
        "language": "shared" if is_understood else "other",
        "access": _access(need, candidate),
        "tier": candidate.tier,
        "hours": "wished" if need.hours <= candidate.covered_hours else "other",
        "cover": candidate.cover,
        "stage": "same" if need.stage in candidate.stages else "any",
        "names": "made_up" if allows_made_up or not need.is_anonymous else "other",
        "place": "wished" if _is_where_wished(need, candidate) else "other",
        "confidence": candidate.confidence or "low",
    }


def _access(need: Need, candidate: Candidate) -> str:
    met = need.access_needs & candidate.meets
    if met == need.access_needs:
        return "all"
    return "some" if met else "none"


def _is_where_wished(need: Need, candidate: Candidate) -> bool:
    """Of the person's own area, or, where that is wished, of the whole country."""
    return any(is_local(place) != need.is_elsewhere for place in shared_places(need, candidate))
