"""A small world with several practices, ICBs, hosts and patients in it, each asking for its own and others' things."""

import re
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F
from django.test import Client
from django.utils import timezone
from time_machine import travel

from accounts.models import Organisation, User
from accounts.registering import make_host_key, set_exporting
from audit.models import Entry
from communities.models import Community as Listing
from config.fictional import Person, people
from integrations.fhir.audit_event import id_of
from integrations.fhir.exports.beginning import SETTLING
from integrations.fhir.exports.models import Export
from integrations.fhir.subscriptions.models import Subscription
from referrals.codes import code_of
from referrals.models import Offer, Patient, Placement, Referral
from tests import cast
from tests.integrations.fhir.subscriptions.subscriber import subscribe, wish
from tests.referrals import steps

SCOPE = "system/*.cruds"
_VOLATILE = {
    "Date",
    "Expires",
    "X-Request-ID",
    "X-Correlation-ID",
    "Last-Modified",
    "Content-Length",
}
_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


@dataclass(frozen=True)
class Holding:
    """What one practice has here: a referral with all that hangs by it."""

    system: cast.ClinicalSystem
    person: Person
    referral: Referral
    patient: Patient
    offer: Offer
    placement: Placement
    entry: Entry
    subscription: Subscription
    export: Export
    code: str

    def ids(self) -> dict[str, str]:
        """The ids under which it can be asked for."""
        return {
            "referral": str(self.referral.pk),
            "patient": str(self.patient.pk),
            "entry": str(id_of(self.entry)),
            "provenance": f"{self.referral.pk}-1",
            "subscription": str(self.subscription.pk),
            "organisation": str(self.system.organisation.pk),
            "export": str(self.export.pk),
        }

    def marks(self) -> list[str]:
        """What must not show to anybody else."""
        return [
            self.person.family_name,
            self.person.nhs_number,
            self.referral.reference,
            self.placement.pseudonym,
        ]


@dataclass(frozen=True)
class World:
    """Three practices, the first two of one ICB; two hosts; the browsers of people."""

    own: Holding
    neighbour: Holding
    far: Holding
    browsers: dict[str, Client]
    own_host: cast.Community
    other_host: cast.Community


def build(run_jobs: cast.RunJobs) -> World:
    """Everybody refers one patient each; all of them have opened their link and joined."""
    in_icb = Organisation.objects.filter(kind="practice", icb__ods_code=cast.ICB)
    own, neighbour = (
        Organisation.objects.get(ods_code=cast.PRACTICE),
        in_icb.exclude(ods_code=cast.PRACTICE).order_by("ods_code")[0],
    )
    far = Organisation.objects.filter(kind="practice", icb__ods_code=cast.OTHER_ICB).order_by(
        "ods_code"
    )[0]
    crowd = people(seed=99)
    holdings = [_hold(practice, next(crowd), run_jobs) for practice in (own, neighbour, far)]
    host = holdings[0].placement.community.host
    other = Listing.objects.exclude(host=host).select_related("host").order_by("key")[0].host
    at = timezone.now()
    patient, other_patient = Client(), Client()
    cast.open_link(patient, f"/r/{holdings[0].code}", holdings[0].person)
    cast.open_link(other_patient, f"/r/{holdings[1].code}", holdings[1].person)
    staff = Client()
    staff.force_login(User.objects.create_user("staff@nobody.example", "a long password"))
    browsers = {
        "stranger": Client(),
        "patient": patient,
        "other patient": other_patient,
        "commissioner": cast.commissioner_of(cast.ICB),
        "other commissioner": cast.commissioner_of(cast.OTHER_ICB),
        "staff without a role": staff,
    }
    return World(
        own=holdings[0],
        neighbour=holdings[1],
        far=holdings[2],
        browsers=browsers,
        own_host=cast.Community(make_host_key(host=host, at=at)),
        other_host=cast.Community(make_host_key(host=other, at=at)),
    )


def another(world: World) -> World:
    """The same for one test: whatever it does with systems, browsers and rows stays with it."""
    keys = [holding.system.key for holding in (world.own, world.neighbour, world.far)]
    copied = deepcopy(world, {id(key): key for key in keys})
    for holding in (copied.own, copied.neighbour, copied.far):
        holding.system.token = ""  # of its own, which is not too old
    return copied


def _hold(practice: Organisation, person: Person, run_jobs: cast.RunJobs) -> Holding:
    system = cast.clinical_system(practice, scope=SCOPE)
    referral = steps.invited(system, person, run_jobs)
    system.get(f"/fhir/R4/ServiceRequest/{referral.pk}")
    link = referral.links.get()
    placement = steps.joined(referral)
    entries = Entry.objects.filter(organisation_id=practice.pk, target__endswith=str(referral.pk))
    return Holding(
        system=system,
        person=person,
        referral=referral,
        patient=referral.patient,
        offer=referral.offers.order_by(F("rank").desc())[0],
        placement=placement,
        entry=entries.order_by("-pk")[0],
        subscription=subscribe(system, wish()),
        export=_exported(system, run_jobs),
        code=code_of(link),
    )


def _exported(system: cast.ClinicalSystem, run_jobs: cast.RunJobs) -> Export:
    """All that the system may see, written into files."""
    set_exporting(client_id=UUID(system.client_id), may_export=True, at=timezone.now())
    answer = system.get("/fhir/R4/$export", Prefer="respond-async")
    assert answer.status_code == 202, answer.content
    with travel(timezone.now() + SETTLING + timedelta(seconds=1)):
        run_jobs()
    return Export.objects.get(client_id=system.client_id)


@dataclass(frozen=True)
class Fingerprint:
    """An answer without what differs between two askings of the same question."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def fingerprint(answer: Any, asked: str) -> Fingerprint:
    """``asked`` is the id that was asked for: an answer may repeat it."""
    headers = {name: value for name, value in answer.items() if name not in _VOLATILE}
    body = _CSRF.sub("", answer.content.decode())
    return Fingerprint(
        status=answer.status_code,
        headers=tuple(
            sorted((name, value.replace(asked, "<id>")) for name, value in headers.items())
        ),
        body=body.replace(asked, "<id>") if asked else body,
    )


def absent() -> str:
    """An id that nothing has."""
    return str(uuid4())
