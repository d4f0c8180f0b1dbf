"""How well a community is moderated: the facts a listing states, and the tier they lead to.

Moderation and professional support are what make online peer support work, so a tier is worked out
from stated facts and never typed in. A fact that nobody has stated counts against the community,
never for it. docs/directory-data.md shows the rule as a table, with its limits.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Moderation:
    """What a listing states about its moderation. (Its review date is the directory's business.)"""

    moderated_by: ModeratedBy
    model: ModerationModel
    cover: Cover
    search_visibility: SearchVisibility
    has_named_host: bool
    has_published_hours: bool
    is_public_social_group: bool = False


_TRAINED = frozenset({ModeratedBy.PROFESSIONAL, ModeratedBy.STAFF, ModeratedBy.TRAINED_VOLUNTEER})
_EVERY_POST = frozenset({ModerationModel.PRE, ModerationModel.POST})
_EVERY_DAY = frozenset({Cover.ALL_HOURS, Cover.DAILY})


def tier_of(moderation: Moderation) -> Tier:
    """The highest tier whose every condition is stated.

    A: professionals, round the clock, every post looked at, read by members only, named host.
    B: trained people, every day at published hours, read by members only, named host.
    C: somebody moderates and a named host answers for it.
    D: a public social group, or nobody moderates, or no host answers for it.
    U: whether anybody moderates is not known.
    """
    if moderation.is_public_social_group or moderation.moderated_by is ModeratedBy.NOBODY:
        return Tier.D
    if moderation.moderated_by is ModeratedBy.UNKNOWN:
        return Tier.U
    if not moderation.has_named_host:
        return Tier.D
    if _meets_a(moderation):
        return Tier.A
    return Tier.B if _meets_b(moderation) else Tier.C


def _meets_a(moderation: Moderation) -> bool:
    return (
        moderation.moderated_by is ModeratedBy.PROFESSIONAL
        and moderation.cover is Cover.ALL_HOURS
        and moderation.model in _EVERY_POST
        and moderation.search_visibility is SearchVisibility.MEMBERS_ONLY
    )


def _meets_b(moderation: Moderation) -> bool:
    return (
        moderation.moderated_by in _TRAINED
        and moderation.cover in _EVERY_DAY
        and moderation.has_published_hours
        and moderation.search_visibility is SearchVisibility.MEMBERS_ONLY
    )
