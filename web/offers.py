"""An offer as the patient reads it: short sentences, nothing about what nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from communities.capacity import capacity_of
from communities.matching.rules import Reason
from communities.matching.sentences import sentence
from communities.models import HandOff
from communities.selectors import people_by_condition
from communities.tiers import SearchVisibility
from referrals.models import Offer

# Said once each: these stand under "More about", everything else on the card itself.
_DETAIL_CODES = ("cover", "anonymity", "visibility")


@dataclass(frozen=True)
class ShownOffer:
    """One community on the page."""

    id: UUID
    name: str
    host_name: str
    summary: str
    reasons: list[str]
    hours_text: str
    cover_text: str
    anonymity_text: str
    visibility_text: str
    cost_text: str
    room: str
    is_linked: bool


def shown_offers(offers: list[Offer]) -> list[ShownOffer]:
    """The offers as the page shows them."""
    people = people_by_condition()
    return [shown_offer(offer, people) for offer in offers]


def shown_offer(offer: Offer, people: Mapping[str, str]) -> ShownOffer:
    """One offer as the page shows it."""
    community = offer.community
    reasons = [Reason(item["code"], item["fact"]) for item in offer.reasons]
    details = {each.code: sentence(each, people) for each in reasons if _is_detail(each)}
    return ShownOffer(
        id=offer.pk,
        name=community.name,
        host_name=community.host.name,
        summary=community.summary,
        reasons=[sentence(each, people) for each in reasons if not _is_detail(each)],
        hours_text=community.hours_text,
        cover_text="" if community.hours_text else details.get("cover", ""),
        anonymity_text=details.get("anonymity", ""),
        visibility_text=details.get("visibility", ""),
        cost_text=community.cost if community.cost != "unknown" else "",
        room=_room(offer),
        is_linked=community.hand_off == HandOff.LINK,
    )


def _room(offer: Offer) -> str:
    """``full`` or ``waitlist`` where there is no place now; a statement that is old still limits, so its date is no matter."""
    stated = capacity_of(offer.community)
    if stated is None or stated.free != 0:
        return ""
    return "waitlist" if stated.has_waiting_list else "full"


def _is_detail(reason: Reason) -> bool:
    """Whether it can wait under "More about". That strangers read along cannot."""
    return reason.code in _DETAIL_CODES and reason.fact != SearchVisibility.PUBLIC
