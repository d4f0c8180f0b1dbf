"""What ``load_demo`` loads: the demonstration's directory, its log-ins and a believable past."""

import heapq
import random
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.test.utils import override_settings
from django.utils.timezone import localdate

from accounts.actors import Actor, client_actor, host_actor
from accounts.models import Client
from communities.editing import REVIEW_LASTS
from communities.listing import NOT_CHECKED
from communities.loading import DATA, load_directory
from communities.models import Community, HandOff
from config.fictional import Person, people, referral_of
from engagement.contract import ActivityKind, NewActivity
from engagement.recording import record_activities
from integrations.fhir import service_request
from integrations.fhir.subject import nothing_to_resolve
from referrals.closing import end_invitation
from referrals.codes import code_of
from referrals.inviting import hand_over_message, invite_patient
from referrals.matching import match_referral
from referrals.models import Link, Placement, Referral
from referrals.placing import join
from referrals.ports import MessageRefused, Outgoing
from referrals.receiving import receive_referral
from referrals.responding import choose_offer, open_link
from referrals.selectors import offers_of

LENGTH = timedelta(days=330)
_NEWEST = timedelta(days=2)
_REVIEWED = timedelta(days=360)  # before the first referral of the past

# How many of those before go on to this step. Assumptions, not measurements: the base case of a simulation that the
# makers drew from published studies of neighbouring things; no join rate from GP to online community was found.
_DELIVERED = 0.95
_OPENED = 0.70
_CHOSE = 0.60
_JOINED = 0.52
_CAME_BACK = 0.66

# What people are referred for here, and how often: made up, and kept to what the fictional communities are for.
_REASONS = {
    "35489007": 6,  # depression
    "197480006": 5,  # anxiety
    "44054006": 4,  # type 2 diabetes
    "82423001": 3,  # chronic pain
    "13746004": 2,  # bipolar disorder
    "13645005": 2,  # COPD
    "289903006": 2,  # menopause
}

Story = Generator[datetime, None, None]


class NoCarrier:
    """Takes every message and does nothing with it: the past's messages go nowhere."""

    def hand_over(self, message: Outgoing) -> None:
        """Done."""


class DeadNumber:
    """A carrier that knows the number to be out of use."""

    def hand_over(self, message: Outgoing) -> None:
        """Refuse."""
        raise MessageRefused(message.channel)


@dataclass(frozen=True)
class Invitation:
    """A referral whose link waits to be opened."""

    path: str
    birth_date: date


def load_directories(*, at: datetime) -> None:
    """Both tables of the demonstration. No person has checked the listings, and each says so."""
    today = localdate(at)
    for table, is_fictional in (("communities.csv", False), ("fictional.csv", True)):
        load_directory(
            DATA / "demo" / table,
            is_fictional=is_fictional,
            reviewed_on=today,
            review_due=today + REVIEW_LASTS,
            reviewed_by=NOT_CHECKED,
            at=at,
        )


def live_through_past(*, clients: list[Client], referrals: int, seed: int, at: datetime) -> None:
    """Let so many fictional people be referred over the last months, through the real use cases, in order of time."""
    chance = random.Random(seed)  # noqa: S311  (not a secret)
    crowd, numbers = people(seed), count()
    waiting: list[tuple[datetime, int, Story]] = []
    for _ in range(referrals):
        begin = at - _NEWEST - (LENGTH - _NEWEST) * chance.random()
        story = _story(next(crowd), client=chance.choice(clients), chance=chance, at=begin)
        waiting.append((begin, next(numbers), story))
    heapq.heapify(waiting)
    with transaction.atomic():
        _list_from(localdate(at) - _REVIEWED)
        while waiting:
            _moment, _number, story = heapq.heappop(waiting)
            for later in story:
                if later < at:
                    heapq.heappush(waiting, (later, next(numbers), story))
                break
        _list_from(localdate(at))


def _list_from(day: date) -> None:
    """Let the demonstration's listings hold for the year from a day on: the past has to find them."""
    listings = Community.objects.filter(reviewed_by=NOT_CHECKED)
    listings.update(reviewed_on=day, review_due=day + REVIEW_LASTS)


def _story(person: Person, *, client: Client, chance: random.Random, at: datetime) -> Story:
    """One referral from receiving to its end; each ``yield`` waits for the time it names."""
    reason = chance.choices(list(_REASONS), weights=list(_REASONS.values()))[0]
    referral = _refer(person, client=client, identifier=uuid4().hex, snomed_code=reason, at=at)
    is_delivered = chance.random() < _DELIVERED
    link = _invite(referral, carrier="NoCarrier" if is_delivered else "DeadNumber", at=at)
    if link is None:
        return
    if is_delivered and chance.random() < _OPENED:
        yield from _answer(referral, link, born=person.birth_date, chance=chance, at=at)
    yield link.expires_at
    end_invitation(link_id=link.pk, at=link.expires_at)


def _answer(
    referral: Referral, link: Link, *, born: date, chance: random.Random, at: datetime
) -> Story:
    """What somebody does who opens the link: looks, and perhaps chooses, joins and comes back."""
    yield (at := at + timedelta(hours=chance.expovariate(1 / 20)))
    open_link(code=code_of(link), birth_date=born, at=at)
    offer = _linked_offer(referral, on=localdate(at))
    if offer is None or chance.random() > _CHOSE:
        return
    choose_offer(referral_id=referral.pk, offer_id=offer, at=at)
    if chance.random() > _JOINED:
        return
    placement = join(
        referral_id=referral.pk,
        offer_id=offer,
        tells_practice=chance.random() < 0.5,
        counts_visits=True,
        at=at,
    )
    if placement is None or chance.random() > _CAME_BACK:
        return
    for _ in range(chance.randint(1, 6)):
        yield (at := at + timedelta(days=chance.expovariate(1 / 6)))
        _visit(placement, at=at)


def _refer(
    person: Person, *, client: Client, identifier: str, at: datetime, snomed_code: str = "35489007"
) -> Referral:
    """Send a referral as this client does, from the FHIR document on."""
    base_url = settings.PUBLIC_BASE_URL
    document = referral_of(
        person, base_url=base_url, identifier=identifier, snomed_code=snomed_code
    )
    new = service_request.read(document, base_url=base_url, resolve=nothing_to_resolve)
    by: Actor = client_actor(client, scope=client.scope)
    return receive_referral(new=new, by=by, at=at)


def _invite(referral: Referral, *, at: datetime, carrier: str = "") -> Link | None:
    """Do at once what the background jobs do: match, invite, hand over. None when nothing fits."""
    match_referral(referral_id=referral.pk, at=at)
    invite_patient(referral_id=referral.pk, at=at)
    message = referral.messages.select_related("link").first()
    if message is None:
        return None
    # Fictional people's numbers must not reach whatever carrier is set up here.
    with override_settings(MESSENGER=f"config.demo.{carrier}" if carrier else settings.MESSENGER):
        hand_over_message(message_id=message.pk, tenant_id=referral.practice_id, at=at)
    return message.link


def _linked_offer(referral: Referral, *, on: date) -> UUID | None:
    """The best offer of a community that reports to us: real communities are not made part of the story."""
    linked = offers_of(referral.pk, on=on).filter(community__hand_off=HandOff.LINK)
    return linked.values_list("pk", flat=True).first()


def _visit(placement: Placement, *, at: datetime) -> None:
    event = NewActivity(
        event_id=uuid4().hex,
        source="urn:community:demo",
        kind=ActivityKind.VISITED,
        pseudonym=placement.pseudonym,
        day=localdate(at),
    )
    record_activities(new=[event], by=host_actor(placement.community.host), at=at)


def fresh_invitation(*, client: Client, seed: int, at: datetime) -> Invitation:
    """A referral of this moment whose link waits to be opened; the same person's as long as the link lives."""
    person = next(people(seed))
    link = (
        Link.objects.filter(
            referral__client=client,
            referral__identifiers__value__startswith="demo-",
            expires_at__gt=at + timedelta(days=1),
            locked_at__isnull=True,
        )
        .order_by("-made_at")
        .first()
    )
    if link is None:
        referral = _refer(person, client=client, identifier=f"demo-{uuid4().hex}", at=at)
        link = _invite(referral, at=at)
    assert link is not None  # noqa: S101  (the directory has a community for depression)
    return Invitation(f"/r/{code_of(link)}", person.birth_date)
