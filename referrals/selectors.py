"""Reads over referrals for those who may see them."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet

from accounts.actors import Actor
from communities import capacity
from communities.models import Community, PlaceState, Reservation
from referrals.intake import Identifier
from referrals.lifecycle import COMMUNITY_PAUSED, DECLINED_BY_HOST, BusinessStatus
from referrals.models import (
    Offer,
    Patient,
    PatientVersion,
    Placement,
    PracticeTask,
    Referral,
    ReferralIdentifier,
    ReferralTerm,
    StatusChange,
)


def told_changes(actor: Actor) -> QuerySet[StatusChange]:
    """Every version of every referral that this actor sees, with its documents. What was not told is in none."""
    return StatusChange.objects.told_to(actor)


def newest_told(actor: Actor) -> QuerySet[StatusChange]:
    """Every referral that this actor sees, at its newest version."""
    return told_changes(actor).filter(version=F("referral__version"))


def visible_patients(actor: Actor) -> QuerySet[Patient]:
    """The patients that this actor sees."""
    return Patient.objects.visible_to(actor)


def patient_versions(actor: Actor) -> QuerySet[PatientVersion]:
    """Every version of every patient that this actor sees."""
    return PatientVersion.objects.visible_to(actor).select_related("patient")


def practice_tasks(actor: Actor) -> QuerySet[PracticeTask]:
    """What the practices that this actor sees were asked to do."""
    visible = Referral.objects.visible_to(actor)
    return PracticeTask.objects.filter(referral__in=visible).select_related("referral__practice")


def bearing(system: str | None, value: str) -> QuerySet[ReferralIdentifier, UUID]:
    """The ids of the referrals to which a sender gave this identifier.

    Whatever the system if that is None, and any of the system if the value is empty.
    """
    rows = ReferralIdentifier.objects.filter(Q(value=value) if value else ~Q(value=""))
    named = rows if system is None else rows.filter(system=system)
    return named.values_list("referral_id", flat=True)


def referral_of(actor: Actor, referral_id: UUID) -> Referral | None:
    """A referral as far as this actor may see it."""
    return (
        Referral.objects.visible_to(actor)
        .select_related("practice", "patient")
        .filter(pk=referral_id)
        .first()
    )


def referrals_bearing(actor: Actor, identifiers: Iterable[Identifier]) -> QuerySet[Referral]:
    """The referrals that this actor sees and to which it gave one of these identifiers."""
    given = Q(pk__in=())
    for one in identifiers:
        given |= Q(system=one.system, value=one.value)
    named = ReferralIdentifier.objects.filter(given, client_id=actor.id)
    return Referral.objects.visible_to(actor).filter(pk__in=named.values("referral_id"))


def described_by(resource: str, name: str, term: Q) -> QuerySet[ReferralTerm, UUID]:
    """The ids of the referrals of which the newest such resource has a term of this name that meets the condition.

    Of anybody's: narrow what is searched, not this.
    """
    terms = ReferralTerm.objects.filter(term, resource=resource, name=name)
    return terms.values_list("referral_id", flat=True)


def moments_of(
    referral_id: OuterRef, resource: str, name: str
) -> QuerySet[ReferralTerm, datetime | None]:
    """The beginnings of the terms of this name that a referral has, the earliest first."""
    terms = ReferralTerm.objects.filter(referral_id=referral_id, resource=resource, name=name)
    begun = terms.filter(starts_at__isnull=False)
    return begun.order_by("starts_at").values_list("starts_at", flat=True)


def patient_of(actor: Actor, patient_id: UUID) -> Patient | None:
    """A patient as far as this actor may see one."""
    return Patient.objects.visible_to(actor).filter(pk=patient_id).first()


def newest_change(referral: Referral) -> StatusChange:
    """The last step that the practice is told of: receiving it is the first, so there always is one."""
    return _told(referral).latest("version")


def change_at(referral: Referral, version: int) -> StatusChange | None:
    """The step that made this version."""
    return _told(referral).filter(version=version).first()


def _told(referral: Referral) -> QuerySet[StatusChange]:
    return referral.changes.filter(is_told=True).select_related("request_document", "task_document")


def referral_for_patient(referral_id: UUID) -> Referral:
    """The referral behind an opened link."""
    return Referral.objects.select_related("practice").get(pk=referral_id)


def practice_task_of(actor: Actor, task_id: UUID) -> PracticeTask | None:
    """One thing that the practice was asked to do, as far as this actor may see its referral."""
    return practice_tasks(actor).filter(pk=task_id).first()


def offers_of(referral_id: UUID, *, on: date) -> QuerySet[Offer]:
    """A patient's offers, best first, without communities that may no longer be offered or had no place."""
    listed = Community.objects.listed_on(on)
    declined = Placement.objects.filter(referral_id=referral_id, left_reason=DECLINED_BY_HOST)
    return (
        Offer.objects.filter(
            referral_id=referral_id, withdrawn_at__isnull=True, community__in=listed
        )
        .exclude(community__in=declined.values("community"))
        .select_related("community__host", "community__capacity")
        .order_by("rank", "pk")
    )


def placement_of(referral_id: UUID) -> Placement | None:
    """Where the patient is now, if anywhere."""
    return (
        Placement.objects.filter(referral_id=referral_id, left_at__isnull=True)
        .select_related("community__host", "referral")
        .first()
    )


def why_left(referral_id: UUID) -> str:
    """``no-place``: the patient's last community could not take them; ``paused``: it has paused. Otherwise empty."""
    left = StatusChange.objects.filter(referral_id=referral_id, business_status=BusinessStatus.LEFT)
    last = left.order_by("-pk").first()
    reasons = {DECLINED_BY_HOST: "no-place", COMMUNITY_PAUSED: "paused"}
    return reasons.get(last.reason, "") if last else ""


def awaited_place(referral_id: UUID) -> Reservation | None:
    """What the patient waits for, or what is held for them until they answer, if anything."""
    return capacity.awaited(referral_id)


def is_place_held(referral_id: UUID, community_id: UUID) -> bool:
    """Whether a place in this community is held for the patient."""
    state = capacity.state_of(community_id=community_id, holder=referral_id)
    return state == PlaceState.OFFERED


def offer_of_placement(placement: Placement) -> Offer:
    """The offer through which somebody came to their community, or the newest one of it."""
    return offer_of_community(placement.referral_id, placement.community_id)


def offer_of_community(referral_id: UUID, community_id: UUID) -> Offer:
    """The newest offer of a community that was made to a patient."""
    offers = Offer.objects.filter(referral_id=referral_id, community_id=community_id)
    return offers.select_related("community__host", "community__capacity").latest("run_id")


def is_practice_told(placement: Placement) -> bool:
    """Whether the practice has been told of this joining."""
    return placement.referral.changes.filter(
        is_told=True,
        business_status__in=(BusinessStatus.JOINED, BusinessStatus.WAITLIST),
        at__gte=placement.joined_at,
    ).exists()


def business_status_counts(icb_id: UUID) -> dict[str, int]:
    """How many referrals of an ICB's practices have come how far. Needs the reach to count for this ICB."""
    counted = Referral.objects.filter(icb_id=icb_id).values_list("business_status").order_by()
    return dict(counted.annotate(number=Count("pk")))
