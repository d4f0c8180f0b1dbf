"""Reads over referrals for those who may see them."""

from datetime import date
from uuid import UUID

from django.db.models import Count, QuerySet

from accounts.actors import Actor
from communities.models import Community
from referrals.lifecycle import BusinessStatus
from referrals.models import Offer, Patient, Placement, PracticeTask, Referral, StatusChange


def referral_of(actor: Actor, referral_id: UUID) -> Referral | None:
    """A referral as far as this actor may see it."""
    return (
        Referral.objects.visible_to(actor)
        .select_related("practice", "patient")
        .filter(pk=referral_id)
        .first()
    )


def patient_of(actor: Actor, patient_id: UUID) -> Patient | None:
    """A patient as far as this actor may see one."""
    return Patient.objects.visible_to(actor).filter(pk=patient_id).first()


def newest_change(referral: Referral) -> StatusChange:
    """The last step that the practice is told of: receiving it is the first, so there always is one."""
    return referral.changes.filter(is_told=True).latest("version")


def change_at(referral: Referral, version: int) -> StatusChange | None:
    """The step that made this version."""
    return referral.changes.filter(is_told=True, version=version).first()


def referral_for_patient(referral_id: UUID) -> Referral:
    """The referral behind an opened link."""
    return Referral.objects.select_related("practice").get(pk=referral_id)


def practice_tasks_of(referral: Referral) -> list[PracticeTask]:
    """What its practice was asked to do about a referral, oldest first."""
    return list(referral.practice_tasks.order_by("raised_at", "pk"))


def practice_task_of(actor: Actor, task_id: UUID) -> PracticeTask | None:
    """One thing that the practice was asked to do, as far as this actor may see its referral."""
    return (
        PracticeTask.objects.filter(pk=task_id, referral__in=Referral.objects.visible_to(actor))
        .select_related("referral__practice")
        .first()
    )


def offers_of(referral_id: UUID, *, on: date) -> QuerySet[Offer]:
    """A patient's offers, best first, without communities that may no longer be offered."""
    listed = Community.objects.listed_on(on)
    return (
        Offer.objects.filter(referral_id=referral_id, community__in=listed)
        .select_related("community__host")
        .order_by("rank", "pk")
    )


def placement_of(referral_id: UUID) -> Placement | None:
    """Where the patient is now, if anywhere."""
    return (
        Placement.objects.filter(referral_id=referral_id, left_at__isnull=True)
        .select_related("community__host", "referral")
        .first()
    )


def offer_of_placement(placement: Placement) -> Offer:
    """The offer through which somebody came to their community."""
    return Offer.objects.select_related("community__host").get(
        referral_id=placement.referral_id, community_id=placement.community_id
    )


def is_practice_told(placement: Placement) -> bool:
    """Whether the practice has been told of this joining."""
    return placement.referral.changes.filter(
        is_told=True, business_status=BusinessStatus.JOINED, at__gte=placement.joined_at
    ).exists()


def business_status_counts(icb_id: UUID) -> dict[str, int]:
    """How many referrals of an ICB's practices have come how far. Needs the reach to count for this ICB."""
    counted = Referral.objects.filter(icb_id=icb_id).values_list("business_status").order_by()
    return dict(counted.annotate(number=Count("pk")))
