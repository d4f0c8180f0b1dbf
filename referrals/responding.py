"""The patient's answer: opening the link, choosing, declining. Each step is one transaction."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts.actors import SYSTEM, patient_actor
from audit.models import Action
from audit.recording import record
from communities import capacity
from privacy.tenancy import Reach, acting_for, reaching
from referrals import codes
from referrals.changing import move
from referrals.lifecycle import BusinessStatus, is_over
from referrals.models import Link, Offer, PracticeTaskKind, Referral
from referrals.practice_tasks import ask_practice, finish_tasks
from referrals.selectors import newest_change, offers_of

MOST_FAILED_CHECKS = 5


class LinkDead(Exception):
    """The link opens nothing: unknown, expired, revoked or locked. Nobody is told which."""


class BirthDateWrong(Exception):
    """The date of birth is not the patient's."""


class OfferGone(Exception):
    """The community is not, or no longer, among this patient's offers."""


class OfferFull(Exception):
    """The community has no place now, and no line that this patient could wait in."""


def open_link(*, code: str, birth_date: date, at: datetime) -> Referral:
    """Open a link for the right person. Raises LinkDead or BirthDateWrong; five wrong dates lock the link.

    Nobody is known yet, so the code itself is what may be reached; the row that it finds names the practice.
    """
    asked = codes.wanted(code)
    with reaching(Reach(link=asked.words)):
        found = Link.objects.live(at).filter(asked.condition).first()
    if found is None:
        raise LinkDead
    with acting_for(found.practice_id):
        referral = _checked_link(found, birth_date, at=at)
    if referral is None:
        raise BirthDateWrong
    return referral


def _checked_link(found: Link, birth_date: date, *, at: datetime) -> Referral | None:
    """The referral, or None after counting a wrong date: an exception here would undo the count."""
    # Whoever changes a link holds its referral first.
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("patient")
        .get(pk=found.referral_id)
    )
    link = Link.objects.live(at).filter(pk=found.pk).first()
    if link is None:
        raise LinkDead
    if referral.patient.birth_date != birth_date:
        _count_wrong_date(link, referral, at=at)
        return None
    if link.failed_checks:
        link.failed_checks = 0  # five in a row lock, not five in half a year
        link.save(update_fields=["failed_checks"])
    if link.opened_at is None:
        link.opened_at = at
        link.save(update_fields=["opened_at"])
        Referral.objects.filter(pk=referral.pk, opened_at__isnull=True).update(opened_at=at)
        record(Action.LINK_OPENED, by=patient_actor(referral.pk), at=at, target=f"Link/{link.pk}")
    return referral


def _count_wrong_date(link: Link, referral: Referral, *, at: datetime) -> None:
    link.failed_checks += 1
    if link.failed_checks >= MOST_FAILED_CHECKS:
        link.locked_at = at
        ask_practice(referral, PracticeTaskKind.LINK_LOCKED, at=at)
    link.save(update_fields=["failed_checks", "locked_at"])
    action = Action.LINK_LOCKED if link.locked_at else Action.LINK_CHECK_FAILED
    record(action, by=SYSTEM, at=at, target=f"Link/{link.pk}")


@transaction.atomic
def choose_offer(*, referral_id: UUID, offer_id: UUID, at: datetime) -> Offer:
    """Note which community the patient would like. Choosing another later is fine. Raises OfferGone."""
    referral = Referral.objects.select_for_update().get(pk=referral_id)
    if is_over(BusinessStatus(referral.business_status)):
        raise OfferGone
    offer = offers_of(referral_id, on=localdate(at)).filter(pk=offer_id).first()
    if offer is None:
        raise OfferGone
    offer.chosen_at = at
    offer.save(update_fields=["chosen_at"])
    Referral.objects.filter(pk=referral_id, chose_at__isnull=True).update(chose_at=at)
    record(Action.OFFER_CHOSEN, by=patient_actor(referral_id), at=at, target=f"Offer/{offer_id}")
    return offer


@transaction.atomic
def decline(*, referral_id: UUID, reason: str, at: datetime) -> None:
    """The patient says no. The practice learns that, and never the reason. Saying so twice is once."""
    referral = Referral.objects.select_for_update().get(pk=referral_id)
    if referral.business_status == BusinessStatus.PATIENT_DECLINED:
        return
    # After the time to answer is over only somebody who has joined can still say no: that stays theirs.
    is_told = newest_change(referral).business_status != BusinessStatus.INVITATION_ENDED
    patient = patient_actor(referral_id)
    target = BusinessStatus.PATIENT_DECLINED
    move(referral, target, by=patient, at=at, reason=reason, is_told=is_told)
    capacity.release_all(holder=referral.pk, at=at)
    if is_told:
        finish_tasks(referral, at=at)
