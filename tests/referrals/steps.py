"""The first steps of a referral, for tests that begin further on."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor, client_actor, host_actor
from accounts.models import Client, Organisation
from config.fictional import DEPRESSION, Person
from referrals import amending, placing
from referrals.changing import Said
from referrals.intake import Coding, NewPatient, NewReferral
from referrals.lifecycle import BusinessStatus
from referrals.models import Placement, Referral
from referrals.reading import Seen
from referrals.receiving import receive_referral
from referrals.selectors import newest_change
from tests import cast


def actor_of(system: cast.ClinicalSystem) -> Actor:
    """Who acts when this system does."""
    return client_actor(Client.objects.get(pk=system.client_id), scope=system.scope)


def new_patient(person: Person, **changes: Any) -> NewPatient:
    """The patient as the system would send them."""
    given: dict[str, Any] = {
        "document": json.dumps({"resourceType": "Patient", "birthDate": str(person.birth_date)}),
        "birth_date": person.birth_date,
        "nhs_number": person.nhs_number,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "gender": person.gender,
        "phone": person.phone,
        "postcode": "E8 1AA",
    }
    return NewPatient(**given | changes)


def new_referral(person: Person, **changes: Any) -> NewReferral:
    """A referral of somebody as the system would send it: a new document each time."""
    given: dict[str, Any] = {
        "document": json.dumps({"resourceType": "ServiceRequest", "note": uuid4().hex}),
        "subject": new_patient(person),
        "intent": "order",
        "reasons": (Coding(system="http://snomed.info/sct", code=DEPRESSION),),
        "is_patient_contained": True,
    }
    return NewReferral(**given | changes)


def drafted(system: cast.ClinicalSystem, person: Person) -> Referral:
    """A draft."""
    new = new_referral(person, status="draft")
    return receive_referral(new=new, by=actor_of(system), at=timezone.now())


def referred(gp_system: cast.ClinicalSystem, person: Person, **more: str) -> Referral:
    """A referral just received."""
    answer = gp_system.refer(person, **more)
    assert answer.status_code == 201, answer.content
    return Referral.objects.get(pk=json.loads(answer.content)["id"])


def invited(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, **more: str
) -> Referral:
    """A referral whose patient has been sent the link."""
    referral = referred(gp_system, person, **more)
    run_jobs()
    referral.refresh_from_db()
    return referral


def joined(
    referral: Referral,
    *,
    host: Organisation | None = None,
    tells_practice: bool = True,
    counts_visits: bool = True,
    at: datetime | None = None,
) -> Placement:
    """Join the first community offered, or the first of a host."""
    offers = referral.offers.filter(withdrawn_at__isnull=True).order_by("rank")
    offer = (offers.filter(community__host=host) if host else offers)[0]
    placement = placing.join(
        referral_id=referral.pk,
        offer_id=offer.pk,
        tells_practice=tells_practice,
        counts_visits=counts_visits,
        at=at or timezone.now(),
    )
    assert placement
    referral.refresh_from_db()
    return placement


def host_of(placement: Placement) -> Actor:
    """The host of the community that somebody is in."""
    return host_actor(placement.community.host)


@transaction.atomic
def withdraw_referral(
    *,
    referral_id: UUID,
    is_mistake: bool,
    reason_text: str,
    expected_version: int | None,
    by: Actor,
    at: datetime,
) -> Seen | None:
    """Take a referral back, or say that it never should have been; None: foreign and absent are alike.

    Raises StaleVersion or MoveNotAllowed.
    """
    referral = amending.held(referral_id, expected_version=expected_version, by=by)
    if referral is None:
        return None
    target = BusinessStatus.ENTERED_IN_ERROR if is_mistake else BusinessStatus.WITHDRAWN
    amending.take_back(referral, target, said=Said(text=reason_text), by=by, at=at)
    return Seen(referral, newest_change(referral))
