"""The directory: conditions, places, hosts' communities and how each is moderated."""

from communities.models.conditions import Condition, ConditionCode
from communities.models.directory import Community, CommunityQuerySet, HandOff, Listing
from communities.models.places import Area, LocalAuthority, Outcode

__all__ = [
    "Area",
    "Community",
    "CommunityQuerySet",
    "Condition",
    "ConditionCode",
    "HandOff",
    "Listing",
    "LocalAuthority",
    "Outcode",
]
