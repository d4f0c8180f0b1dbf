"""A community as the rules see it: stated facts only."""

import math
from dataclasses import dataclass

from communities.tiers import Cover, ModeratedBy, SearchVisibility, Tier

_EARTH_KM = 6371.0088  # mean radius


@dataclass(frozen=True)
class Circle:
    """Everybody within ``km`` of a point, degrees north and east."""

    latitude: float
    longitude: float
    km: float

    def holds(self, latitude: float | None, longitude: float | None) -> bool:
        """Whether a point lies in it, by the haversine formula; an unknown point does not."""
        if latitude is None or longitude is None:
            return False
        north = math.radians(latitude - self.latitude)
        east = math.radians(longitude - self.longitude)
        chord = (
            math.sin(north / 2) ** 2
            + math.cos(math.radians(latitude))
            * math.cos(math.radians(self.latitude))
            * math.sin(east / 2) ** 2
        )
        return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, chord))) <= self.km


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A community as the rules see it; the values are those of docs/directory-data.md.

    ``coverage`` holds ``nation:UK``, ``nation:Wales``, ``icb:QMF``, ``lad:E09000025``, ``practice:F84003`` and so on,
    or ``commissioned`` (paid for area by area, and which areas is not recorded), or ``none``; ``circle`` adds whoever
    lives in it. ``min_age`` None means that the host states none: then it is for adults only. ``covered_hours`` are
    those of ``need.HOURS`` at which moderators are there. ``stages`` are those it is for; none: all. ``capacity`` is a
    CapacityState. ``meets`` are the access needs that it states to meet.
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
    circle: Circle | None = None
    covered_hours: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    meets: frozenset[str] = frozenset()
    capacity: str = "unknown"
    staffed_by: str = "unknown"
    can_look_first: bool = False
    has_self_harm_policy: bool = False
