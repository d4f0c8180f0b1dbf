"""Which communities suit a person, in what order, and why: pure rules, versioned, no database.

Two questions are kept apart. May this community be offered to this person at all (``judge``; every
broken rule is named)? And of those that may, which comes first (``rank``; ``WEIGHTS``)? A fact that
nobody has stated never opens a door. docs/directory-data.md explains the rules in plain words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from communities.tiers import Cover, ModeratedBy, SearchVisibility, Tier

VERSION = "2026.11-1"
ADULT = 18
CARER = "carer"  # the key of communities for carers of any kind

# A single step up in one line outweighs all the lines below it together: the order of the lines is
# the order of importance, and the points of a score show which line decided.
WEIGHTS: Mapping[str, Mapping[str, int]] = {
    "condition": {"exact": 180, "broader": 0},  # for exactly this, before for anything of the kind
    "tier": {Tier.A: 120, Tier.B: 60, Tier.C: 0},  # moderation is what makes peer support work
    "cover": {  # somebody is there when it is needed
        Cover.ALL_HOURS: 48,
        Cover.DAILY: 36,
        Cover.WEEKDAYS: 24,
        Cover.SESSIONS: 12,
        Cover.UNKNOWN: 0,
    },
    "local": {"yes": 6, "no": 0},  # a small plus only: distance never counts against going online
    "language": {"shared": 3, "other": 0},  # a shared language, where the person has named one
    "confidence": {"high": 2, "medium": 1, "low": 0, "": 0},  # how clearly the source showed it
}


@dataclass(frozen=True, kw_only=True)
class Need:
    """What is known of the person that matters to the choice, and nothing else.

    ``broader_keys`` are the keys of more general communities that also serve these conditions.
    ``is_carer``: the referral is about caring, and the conditions are those of the person cared
    for. Someone with a condition of their own who is also a carer has ``carer`` among the keys.
    ``sex`` is a FHIR administrative-gender code or empty; ``languages`` are tags such as ``bn``.
    """

    condition_keys: frozenset[str]
    broader_keys: frozenset[str] = frozenset()
    age: int | None = None
    sex: str = ""
    languages: tuple[str, ...] = ()
    is_carer: bool = False
    icb_ods: str = ""
    lad_code: str = ""
    nation: str = ""

    @property
    def exact_keys(self) -> frozenset[str]:
        """The keys of communities for exactly this; a carer looks for the condition cared for."""
        if not self.is_carer:
            return self.condition_keys
        return self.condition_keys - {CARER} or frozenset({CARER})

    @property
    def general_keys(self) -> frozenset[str]:
        """The keys of more general communities that serve this too."""
        return self.broader_keys | {CARER} if self.is_carer else self.broader_keys

    @property
    def places(self) -> frozenset[str]:
        """Every place the person is in, written as in ``Candidate.coverage``."""
        named = {"nation": self.nation, "icb": self.icb_ods, "lad": self.lad_code}
        return frozenset({"nation:UK"} | {f"{kind}:{code}" for kind, code in named.items() if code})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A community as the rules see it; the values are those of docs/directory-data.md.

    ``coverage`` holds ``nation:UK``, ``nation:Wales``, ``icb:QMF``, ``lad:E09000025`` and so on, or
    ``commissioned`` (paid for area by area, and which areas is not recorded), or ``none``.
    ``min_age`` None means that the host states none: then it is for adults only.
    """

    community_id: str
    name: str
    kind: str
    condition_keys: frozenset[str]
    audience: frozenset[str]
    tier: Tier
    moderated_by: ModeratedBy
    cover: Cover
    search_visibility: SearchVisibility
    anonymity: str
    coverage: frozenset[str]
    languages: frozenset[str]
    state: str
    access: str
    confidence: str
    has_address: bool
    min_age: int | None = None
    max_age: int | None = None
    sex: str = "any"


@dataclass(frozen=True)
class Reason:
    """One reason for or against, as a code and at most one fact; ``sentence`` puts it in words."""

    code: str
    fact: str = ""


@dataclass(frozen=True, kw_only=True)
class Eligible:
    """May be offered: why, what to know beforehand, and the points for each line of WEIGHTS."""

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


def rank(need: Need, candidates: Iterable[Candidate]) -> Ranking:
    """Judge every candidate; the same need and candidates, in any order, give the same answer."""
    offers: list[Ranked] = []
    refused: list[Refused] = []
    for candidate in sorted(candidates, key=lambda each: each.community_id):
        verdict = judge(need, candidate)
        if isinstance(verdict, Eligible):
            offers.append(_ranked(candidate, verdict))
        else:
            refused.append(Refused(candidate.community_id, candidate.name, verdict.reasons))
    offers.sort(key=lambda offer: -offer.score)  # stable: equals stay in order of their id
    return Ranking(version=VERSION, need=need, offers=tuple(offers), refused=tuple(refused))


def judge(need: Need, candidate: Candidate) -> Eligible | Ineligible:
    """Whether this community may be offered to this person, and why (not)."""
    against = tuple(reason for rule in _RULES for reason in rule(need, candidate))
    if against:
        return Ineligible(reasons=against)
    return Eligible(
        reasons=tuple(_reasons_for(need, candidate)),
        worth_knowing=tuple(_worth_knowing(need, candidate)),
        points=_points(need, candidate),
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


def _condition_rule(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if not candidate.condition_keys & (need.exact_keys | need.general_keys):
        yield Reason("other_condition")


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
    if "commissioned" in candidate.coverage:
        yield Reason("areas_not_recorded")
    elif candidate.coverage <= {"none"}:
        yield Reason("no_area_recorded")
    elif not candidate.coverage & need.places:
        yield Reason("other_area")


def _listing_rule(_need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.state != "open":
        yield Reason(candidate.state)
    if candidate.kind == "automated_companion":
        yield Reason("automated")
    if candidate.access == "programme":
        yield Reason("programme_only")
    if not candidate.has_address:
        yield Reason("no_address")


def _tier_rule(_need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.tier is Tier.D:
        yield Reason("signpost_only")
    if candidate.tier is Tier.U:
        yield Reason("moderation_not_known")


_RULES: tuple[Callable[[Need, Candidate], Iterator[Reason]], ...] = (
    _condition_rule,
    _age_rule,
    _audience_rule,
    _sex_rule,
    _place_rule,
    _tier_rule,
    _listing_rule,
)


def _points(need: Need, candidate: Candidate) -> dict[str, int]:
    is_exact = bool(candidate.condition_keys & need.exact_keys)
    shares_language = bool(_shared_languages(need, candidate))
    return {
        "condition": WEIGHTS["condition"]["exact" if is_exact else "broader"],
        "tier": WEIGHTS["tier"][candidate.tier],
        "cover": WEIGHTS["cover"][candidate.cover],
        "local": WEIGHTS["local"]["yes" if _is_local(_place(need, candidate)) else "no"],
        "language": WEIGHTS["language"]["shared" if shares_language else "other"],
        "confidence": WEIGHTS["confidence"][candidate.confidence],
    }


def _reasons_for(need: Need, candidate: Candidate) -> Iterator[Reason]:
    exact = candidate.condition_keys & need.exact_keys
    shared = exact or candidate.condition_keys & need.general_keys
    for key in sorted(shared):
        yield Reason("condition", key)
    if need.is_carer and shared != {CARER}:
        yield Reason("carers_welcome")
    yield Reason("place", _place(need, candidate))
    if candidate.moderated_by not in (ModeratedBy.NOBODY, ModeratedBy.UNKNOWN):
        yield Reason("moderated_by", candidate.moderated_by)
    if candidate.cover is not Cover.UNKNOWN:
        yield Reason("cover", candidate.cover)
    if candidate.anonymity == "pseudonym_allowed":
        yield Reason("anonymity", candidate.anonymity)
    if candidate.search_visibility is SearchVisibility.MEMBERS_ONLY:
        yield Reason("visibility", candidate.search_visibility)
    if _shared_languages(need, candidate) - {"en"}:
        yield Reason("language", "shared")


def _worth_knowing(need: Need, candidate: Candidate) -> Iterator[Reason]:
    if candidate.cover is Cover.UNKNOWN:
        yield Reason("cover", candidate.cover)
    if candidate.search_visibility is not SearchVisibility.MEMBERS_ONLY:
        yield Reason("visibility", candidate.search_visibility)
    if candidate.anonymity != "pseudonym_allowed":
        yield Reason("anonymity", candidate.anonymity)
    if candidate.access == "membership":
        yield Reason("membership")
    if need.languages and not _shared_languages(need, candidate):
        yield Reason("language", "other")


def _place(need: Need, candidate: Candidate) -> str:
    """The place they share; where there are several, the nearest (lad, icb, then nation)."""
    shared = sorted(candidate.coverage & need.places)
    return next((place for place in shared if _is_local(place)), shared[0])


def _is_local(place: str) -> bool:
    return not place.startswith("nation:")


def _shared_languages(need: Need, candidate: Candidate) -> frozenset[str]:
    wanted = {tag.split("-")[0].lower() for tag in need.languages}
    return candidate.languages & wanted


def sentence(reason: Reason, people: Mapping[str, str]) -> str:
    """The reason in words for the patient, in the language that is active now.

    ``people`` gives each condition key its phrase, such as "people living with depression".
    """
    words = _SENTENCES.get((reason.code, reason.fact)) or _SENTENCES[reason.code, ""]
    return str(words) % {"fact": people.get(reason.fact, reason.fact)}


_SENTENCES = {
    ("condition", ""): _("For %(fact)s"),
    ("carers_welcome", ""): _("Welcomes people who look after someone"),
    ("place", ""): _("For people in your area"),
    ("place", "nation:UK"): _("Open to people anywhere in the UK"),
    ("place", "nation:England"): _("Open to people anywhere in England"),
    ("place", "nation:Scotland"): _("Open to people anywhere in Scotland"),
    ("place", "nation:Wales"): _("Open to people anywhere in Wales"),
    ("place", "nation:Northern Ireland"): _("Open to people anywhere in Northern Ireland"),
    ("moderated_by", ModeratedBy.PROFESSIONAL): _("Moderated by professionals"),
    ("moderated_by", ModeratedBy.STAFF): _("Moderated by its own staff"),
    ("moderated_by", ModeratedBy.TRAINED_VOLUNTEER): _("Moderated by trained volunteers"),
    ("moderated_by", ModeratedBy.PEER): _("Moderated by volunteers or members"),
    ("moderated_by", ModeratedBy.UNSPECIFIED): _("Has moderators"),
    ("cover", Cover.ALL_HOURS): _("Moderators are there day and night"),
    ("cover", Cover.DAILY): _("Moderators are there every day"),
    ("cover", Cover.WEEKDAYS): _("Moderators are there on weekdays"),
    ("cover", Cover.SESSIONS): _("Moderators are there during each session"),
    ("cover", Cover.UNKNOWN): _("We do not know at what times moderators are there"),
    ("anonymity", "pseudonym_allowed"): _("You can use a made-up name"),
    ("anonymity", "real_name"): _("You use your real name"),
    ("anonymity", "unknown"): _("We do not know whether you can use a made-up name"),
    ("visibility", SearchVisibility.MEMBERS_ONLY): _("Only members can read what you write"),
    ("visibility", SearchVisibility.PUBLIC): _("Anyone on the internet can read what you write"),
    ("visibility", SearchVisibility.UNKNOWN): _("We do not know who can read what you write"),
    ("language", "shared"): _("In a language you speak"),
    ("language", "other"): _("Not in a language you named"),
    ("membership", ""): _("You may have to become a member first"),
    ("other_condition", ""): _("For people with other conditions"),
    ("age_not_known", ""): _("We do not know your age"),
    ("ages_not_stated", ""): _("For young people, but the ages are not stated"),
    ("adults_only", ""): _("The lowest age is not stated, so we only suggest it to adults"),
    ("too_young", ""): _("For people aged %(fact)s or over"),
    ("too_old", ""): _("For people aged %(fact)s or under"),
    ("not_for_carers", ""): _("Not for people who look after someone"),
    ("carers_only", ""): _("Only for people who look after someone"),
    ("one_sex_only", "female"): _("For women only"),
    ("one_sex_only", "male"): _("For men only"),
    ("areas_not_recorded", ""): _("Paid for in some areas only, and we do not know which"),
    ("no_area_recorded", ""): _("We do not know which area it serves"),
    ("other_area", ""): _("For people in another area"),
    ("signpost_only", ""): _("An open group without the moderation that we ask for"),
    ("moderation_not_known", ""): _("We do not know whether anyone moderates it"),
    ("outside_uk", ""): _("Run from outside the UK"),
    ("may_be_closed", ""): _("It may have closed"),
    ("in_person_only", ""): _("It meets in person only"),
    ("not_named", ""): _("We do not know its name"),
    ("automated", ""): _("You would talk to a computer, not a person"),
    ("programme_only", ""): _("Only for people who have finished the host's programme"),
    ("no_address", ""): _("We do not know its web address"),
}
REASON_CODES = tuple(dict.fromkeys(code for code, _fact in _SENTENCES))
