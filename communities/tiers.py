"""How well a community is moderated: the facts a listing states, and the tier they lead to on a day.

Moderation and professional support are what make online peer support work, so a tier is worked out
from stated facts and never typed in. A fact that nobody has stated counts against the community,
never for it; when its review has lapsed, nothing of it is known any more. docs/directory-data.md
shows the rule as a table, with its limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Tier(StrEnum):
    """A, B and C may be offered; D is signposted only; U, not known, is neither."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    U = "U"


class ModeratedBy(StrEnum):
    """Who moderates, as the host states it; of several kinds, the one that takes responsibility."""

    PROFESSIONAL = "professional"
    STAFF = "staff"
    TRAINED_VOLUNTEER = "trained_volunteer"
    PEER = "peer"  # members or volunteers whose training is not stated
    UNSPECIFIED = "unspecified"  # there are moderators; who they are is not stated
    NOBODY = "none"
    UNKNOWN = "unknown"  # whether anybody moderates is not stated


class ModerationModel(StrEnum):
    """Whether a post is looked at before it appears, soon after, or only when it is reported."""

    PRE = "pre"
    POST = "post"
    REACTIVE = "reactive"
    MIXED = "mixed"
    UNKNOWN = "unknown"


class Cover(StrEnum):
    """When moderators are there, which is not the same as when the community can be opened."""

    ALL_HOURS = "24_7"
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    SESSIONS = "sessions"
    UNKNOWN = "unknown"


class SearchVisibility(StrEnum):
    """Who can read what members write."""

    MEMBERS_ONLY = "members_only"
    PUBLIC = "public"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """What a tier asks a community to state; ``missing_for`` names those that it does not."""

    HOST = "named-host"
    MODERATORS = "moderators"
    CURRENT_REVIEW = "current-review"
    NOT_PUBLIC_GROUP = "not-a-public-social-group"
    TRAINED_MODERATORS = "trained-moderators"
    DAILY_COVER = "moderators-every-day"
    PUBLISHED_HOURS = "published-hours"
    FIRST_RESPONSE = "median-first-response"
    CRISIS_POLICY = "crisis-policy"
    MEMBERS_ONLY = "members-only"
    PROFESSIONALS = "professional-moderators"
    ALL_HOURS = "moderators-day-and-night"
    EVERY_POST = "every-post-looked-at"
    ESCALATION_ROLE = "escalation-role"
    SUPERVISION = "supervised-moderators"


@dataclass(frozen=True, kw_only=True)
class Moderation:
    """What a listing states about its moderation, and until when that counts as checked (None: it was not)."""

    moderated_by: ModeratedBy
    model: ModerationModel
    cover: Cover
    search_visibility: SearchVisibility
    has_named_host: bool
    has_published_hours: bool
    is_public_social_group: bool = False
    has_stated_training: bool = False
    has_stated_first_response: bool = False
    has_crisis_policy: bool = False
    has_escalation_role: bool = False
    is_supervised: bool = False
    review_due: date | None = None


_VOLUNTEERS_AND_STAFF = frozenset({ModeratedBy.STAFF, ModeratedBy.TRAINED_VOLUNTEER})
_EVERY_POST = frozenset({ModerationModel.PRE, ModerationModel.POST})
_EVERY_DAY = frozenset({Cover.ALL_HOURS, Cover.DAILY})

Rules = Mapping[Evidence, Callable[[Moderation], bool]]

_C: Rules = {
    Evidence.NOT_PUBLIC_GROUP: lambda each: not each.is_public_social_group,
    Evidence.HOST: lambda each: each.has_named_host,
    Evidence.MODERATORS: lambda each: (
        each.moderated_by not in (ModeratedBy.NOBODY, ModeratedBy.UNKNOWN)
    ),
}
_B: Rules = {
    **_C,
    Evidence.TRAINED_MODERATORS: lambda each: (
        each.moderated_by is ModeratedBy.PROFESSIONAL
        or (each.moderated_by in _VOLUNTEERS_AND_STAFF and each.has_stated_training)
    ),
    Evidence.DAILY_COVER: lambda each: each.cover in _EVERY_DAY,
    Evidence.PUBLISHED_HOURS: lambda each: each.has_published_hours,
    Evidence.FIRST_RESPONSE: lambda each: each.has_stated_first_response,
    Evidence.CRISIS_POLICY: lambda each: each.has_crisis_policy,
    Evidence.MEMBERS_ONLY: lambda each: each.search_visibility is SearchVisibility.MEMBERS_ONLY,
}
_A: Rules = {
    **_C,
    Evidence.PROFESSIONALS: lambda each: each.moderated_by is ModeratedBy.PROFESSIONAL,
    Evidence.ALL_HOURS: lambda each: each.cover is Cover.ALL_HOURS,
    Evidence.EVERY_POST: lambda each: each.model in _EVERY_POST,
    Evidence.CRISIS_POLICY: _B[Evidence.CRISIS_POLICY],
    Evidence.ESCALATION_ROLE: lambda each: each.has_escalation_role,
    Evidence.SUPERVISION: lambda each: each.is_supervised,
    Evidence.MEMBERS_ONLY: _B[Evidence.MEMBERS_ONLY],
}
_RULES = {Tier.A: _A, Tier.B: _B, Tier.C: _C}


def tier_of(moderation: Moderation, *, on: date | None = None) -> Tier:
    """The highest tier whose every piece of evidence is stated and, on a day, still counts as checked.

    A: professionals, day and night, who are supervised and look at every post; a written way to
    crisis services with a named role; read by members only.
    B: trained people, every day at published hours, with a stated time to first answer and a
    written way to crisis services; read by members only.
    C: somebody moderates and a named host answers for it.
    D: a public social group, or nobody moderates, or no host answers for it.
    U: whether anybody moderates is not known, or the review has lapsed.

    Without a day the review is not looked at: a listed community has one that counts.
    """
    if moderation.is_public_social_group or moderation.moderated_by is ModeratedBy.NOBODY:
        return Tier.D
    if moderation.moderated_by is ModeratedBy.UNKNOWN:
        return Tier.U
    if not moderation.has_named_host:
        return Tier.D
    if on is not None and not _is_reviewed(moderation, on):
        return Tier.U
    return next(tier for tier, rules in _RULES.items() if not _unmet(rules, moderation))


def missing_for(moderation: Moderation, tier: Tier, *, on: date | None = None) -> list[Evidence]:
    """What stands between a community and a tier (A, B or C), in the order of the rules; nothing where it reaches it."""
    lapsed = on is not None and not _is_reviewed(moderation, on)
    return _unmet(_RULES[tier], moderation) + ([Evidence.CURRENT_REVIEW] if lapsed else [])


def _unmet(rules: Rules, moderation: Moderation) -> list[Evidence]:
    return [evidence for evidence, is_met in rules.items() if not is_met(moderation)]


def _is_reviewed(moderation: Moderation, day: date) -> bool:
    return moderation.review_due is not None and day <= moderation.review_due
