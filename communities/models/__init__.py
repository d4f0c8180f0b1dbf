"""The directory: conditions, places, hosts' communities and how each is moderated."""

from communities.models.capacity import Capacity, CapacityState, PlaceState, Reservation
from communities.models.conditions import Condition, ConditionCode
from communities.models.directory import (
    Community,
    CommunityQuerySet,
    HandOff,
    Listing,
    ListingReason,
)
from communities.models.feeds import Feed, FeedRow
from communities.models.matching import JudgedFacts, UnmetNeed
from communities.models.places import (
    Area,
    Edition,
    LocalAuthority,
    Outcode,
    PlaceCode,
    Postcode,
)
from communities.models.review import ReviewRole, Revision, RevisionState, SignOff
from communities.models.terminology import Concept, Descent, RefsetMember, Release

__all__ = [
    "Area",
    "Capacity",
    "CapacityState",
    "Community",
    "CommunityQuerySet",
    "Concept",
    "Condition",
    "ConditionCode",
    "Descent",
    "Edition",
    "Feed",
    "FeedRow",
    "HandOff",
    "JudgedFacts",
    "Listing",
    "ListingReason",
    "LocalAuthority",
    "Outcode",
    "PlaceCode",
    "PlaceState",
    "Postcode",
    "RefsetMember",
    "Release",
    "Reservation",
    "ReviewRole",
    "Revision",
    "RevisionState",
    "SignOff",
    "UnmetNeed",
]
