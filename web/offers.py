"""An offer as the patient reads it: short sentences, nothing about what nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from communities.models import HandOff
from communities.ranking import Reason, sentence
from communities.selectors import people_by_condition
from referrals.models import Offer

# Which stored reason fills which line of "More about"; the others stand on the card itself.
_DETAIL_CODES = ("moderated_by", "anonymity", "visibility")


@dataclass(frozen=True)
class ShownOffer:
    """One community on the page."""

    id: UUID
    name: str
    host_name: str
    summary: str
    reasons: list[str]
    moderation_text: str
    cover_text: str
    anonymity_text: str
    visibility_text: str
    cost_text: str
    is_fictional: bool
    is_linked: bool


def shown_offers(offers: list[Offer]) -> list[ShownOffer]:
    """The offers as the page shows them."""
    people = people_by_condition()
    return [shown_offer(offer, people) for offer in offers]


def shown_offer(offer: Offer, people: Mapping[str, str]) -> ShownOffer:
    """One offer as the page shows it."""
    community = offer.community
    reasons = [Reason(item["code"], item["fact"]) for item in offer.reasons]
    words = {
        reason.code: sentence(reason, people) for reason in reasons if reason.code in _DETAIL_CODES
    }
    return ShownOffer(
        id=offer.pk,
        name=community.name,
        host_name=community.host.name,
        summary=community.summary,
        reasons=[sentence(reason, people) for reason in reasons if reason.code != "visibility"],
        moderation_text=words.get("moderated_by", ""),
        cover_text=community.hours_text,
        anonymity_text=words.get("anonymity", ""),
        visibility_text=words.get("visibility", ""),
        cost_text=community.cost if community.cost != "unknown" else "",
        is_fictional=community.is_fictional,
        is_linked=community.hand_off == HandOff.LINK,
    )
