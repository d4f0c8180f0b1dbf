"""Little populations: referrals that went through the real use cases, each as far as chance took it."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import uuid4

from django.conf import settings

from accounts.actors import Actor, ActorKind, host_actor
from accounts.models import Client, Organisation
from config.fictional import Person, people
from engagement.contract import ActivityKind, NewActivity
from engagement.recording import record_activities
from integrations.fhir import service_request, wire
from integrations.fhir.subject import nothing_to_resolve
from referrals import codes, inviting, matching, placing, responding
from referrals.amending import issue
from referrals.changing import Said
from referrals.models import Referral
from referrals.receiving import receive_referral
from tests import cast
from tests.referrals import steps

# Of drafts among all that is sent, and of what is taken back.
SHARE = 0.2


def receive(
    practice: Organisation, person: Person, *, is_draft: bool = False, at: datetime
) -> Referral:
    """A referral received at a moment."""
    client, _ = Client.objects.get_or_create(
        organisation=practice, defaults={"name": "x", "jwks": {}, "scope": "x", "registered_at": at}
    )
    resource = wire.parse(wire.dump(cast.referral_for(person)))
    new = service_request.read(
        resource, base_url=settings.PUBLIC_BASE_URL, resolve=nothing_to_resolve
    )
    by = Actor(ActorKind.CLIENT, str(client.pk), practice.pk)
    new = replace(new, status="draft") if is_draft else new
    return receive_referral(new=new, by=by, at=at)


def _requester(referral: Referral) -> Actor:
    return Actor(ActorKind.CLIENT, str(referral.client_id), referral.practice_id)


def issue_draft(referral: Referral, *, at: datetime) -> None:
    """Its requester issues it."""
    issue(referral, said=Said(), by=_requester(referral), at=at)


def take_back(referral: Referral, *, is_mistake: bool, at: datetime) -> None:
    """Its requester withdraws it, or says that it was entered in error."""
    steps.withdraw_referral(
        referral_id=referral.pk,
        is_mistake=is_mistake,
        reason_text="",
        expected_version=None,
        by=_requester(referral),
        at=at,
    )


def populate(practices: list[Organisation], *, size: int, chance: random.Random) -> None:
    """Referrals of the last fourteen months before 15 November 2026, spread over the practices."""
    for person in islice(people(seed=chance.randrange(1000)), size):
        at = datetime(2026, 11, 15, tzinfo=UTC) - timedelta(hours=chance.randrange(14 * 30 * 24))
        is_draft = chance.random() < SHARE
        referral = receive(chance.choice(practices), person, is_draft=is_draft, at=at)
        if is_draft and chance.random() < 0.5:
            at += timedelta(days=chance.randrange(1, 40))
            issue_draft(referral, at=at)
        if referral.issued_at:
            _live(referral, person, chance=chance, at=at)
        if chance.random() < SHARE:
            take_back(referral, is_mistake=chance.random() < 0.5, at=at + timedelta(days=30))


def _live(referral: Referral, person: Person, *, chance: random.Random, at: datetime) -> None:
    """Steps in their order, with pauses, until chance says that it is enough."""
    steps = (_match, _hand_over, _open, _choose, _join, _take_part, _change, _take_part)
    for step in steps[: chance.randrange(len(steps) + 1)]:
        at += timedelta(hours=chance.randrange(1, 60))
        step(referral, person, at)


def _match(referral: Referral, _person: Person, at: datetime) -> None:
    matching.match_referral(referral_id=referral.pk, at=at)
    inviting.invite_patient(referral_id=referral.pk, at=at)


def _hand_over(referral: Referral, _person: Person, at: datetime) -> None:
    message = referral.messages.get()
    inviting.hand_over_message(message_id=message.pk, tenant_id=referral.practice_id, at=at)


def _open(referral: Referral, person: Person, at: datetime) -> None:
    code = codes.code_of(referral.links.get())
    responding.open_link(code=code, birth_date=person.birth_date, at=at)


def _choose(referral: Referral, _person: Person, at: datetime) -> None:
    for offer in referral.offers.order_by("rank"):
        responding.choose_offer(referral_id=referral.pk, offer_id=offer.pk, at=at)


def _join(referral: Referral, person: Person, at: datetime, place: int = 0) -> None:
    offer = referral.offers.order_by("rank")[place]
    placing.join(
        referral_id=referral.pk,
        offer_id=offer.pk,
        tells_practice=int(person.nhs_number) % 2 == 0,
        counts_visits=int(person.nhs_number) % 3 > 0,
        at=at,
    )


def _take_part(referral: Referral, _person: Person, at: datetime) -> None:
    placement = referral.placements.filter(left_at__isnull=True).select_related("community__host")[
        0
    ]
    event = NewActivity(
        event_id=uuid4().hex,
        source="urn:x",
        kind=ActivityKind.READ,
        pseudonym=placement.pseudonym,
        day=at.date(),
    )
    record_activities(new=[event, event], by=host_actor(placement.community.host), at=at)


def _change(referral: Referral, person: Person, at: datetime) -> None:
    _join(referral, person, at, place=referral.offers.count() - 1)
