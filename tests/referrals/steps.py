"""The first steps of a referral, for tests that begin further on."""

import json
from datetime import datetime

from django.utils import timezone

from accounts.actors import Actor, host_actor
from accounts.models import Organisation
from config.fictional import Person
from referrals import placing
from referrals.models import Placement, Referral
from tests import cast


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
    offers = referral.offers.order_by("rank")
    offer = (offers.filter(community__host=host) if host else offers)[0]
    placement = placing.join(
        referral_id=referral.pk,
        offer_id=offer.pk,
        tells_practice=tells_practice,
        counts_visits=counts_visits,
        at=at or timezone.now(),
    )
    referral.refresh_from_db()
    return placement


def host_of(placement: Placement) -> Actor:
    """The host of the community that somebody is in."""
    return host_actor(placement.community.host)
