"""Inviting the patient: a link, a neutral message in the practice's name, and its handing over."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import SYSTEM
from audit.models import Action
from audit.recording import record
from jobs.models import JobKind
from jobs.queue import enqueue
from privacy.fields import derived_code, keyed_hash
from referrals.changing import move
from referrals.lifecycle import BusinessStatus, is_over
from referrals.models import Channel, Link, Message, MessageState, Patient, Referral
from referrals.ports import MessageRefused, Outgoing, messenger

LINK_LIFE = timedelta(days=28)


class NothingToRenew(Exception):
    """The referral has no link yet, or it has ended."""


@transaction.atomic
def invite_patient(*, referral_id: UUID, at: datetime) -> None:
    """Make the link and write the message down, once. A patient who must not be contacted gets neither."""
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("patient")
        .get(pk=referral_id)
    )
    if referral.business_status != BusinessStatus.MATCHED or referral.is_contact_prohibited:
        return
    if referral.messages.exists():
        return
    _send_link(referral, make_link(referral, at=at), at=at)


@transaction.atomic
def renew_link(*, reference: str, at: datetime) -> None:
    """A new link for the same referral, because the old one was lost or locked: the old ones end.

    Raises Referral.DoesNotExist, or NothingToRenew when there was no link or the referral is over.
    """
    referral = Referral.objects.select_for_update().get(reference=reference)
    old = referral.links.order_by("-expires_at", "pk").first()
    if old is None or is_over(BusinessStatus(referral.business_status)):
        raise NothingToRenew
    referral.links.filter(revoked_at__isnull=True).update(revoked_at=at)
    link = make_link(referral, at=at)
    # Whoever has joined keeps the long way back.
    link.expires_at = max(link.expires_at, old.expires_at)
    link.save(update_fields=["expires_at"])
    record(Action.LINK_RENEWED, by=SYSTEM, at=at, target=f"Link/{link.pk}")
    _send_link(referral, link, at=at)


def _send_link(referral: Referral, link: Link, *, at: datetime) -> None:
    message = Message.objects.create(
        referral=referral, link=link, channel=_channel_for(referral.patient), made_at=at
    )
    enqueue(JobKind.HAND_OVER, at=at, message_id=str(message.pk))
    enqueue(JobKind.END_LINK, at=at, run_at=at + LINK_LIFE, link_id=str(link.pk))


def make_link(referral: Referral, *, at: datetime) -> Link:
    """A new link for the patient; older ones stay valid, for they may be in somebody's hand."""
    link_id = uuid4()
    return Link.objects.create(
        id=link_id,
        referral=referral,
        code_hash=hash_of(code_of(link_id)),
        made_at=at,
        expires_at=at + LINK_LIFE,
    )


def code_of(link_id: UUID) -> str:
    """The code of a link: 160 bits, worked out anew whenever it is needed."""
    return derived_code(str(link_id), purpose="link-code")


def hash_of(code: str) -> str:
    """What a code is found by; case, spaces and hyphens of a typed code do not matter."""
    return keyed_hash(code.replace(" ", "").replace("-", "").lower(), purpose="link-hash")


def hand_over_message(*, message_id: UUID, at: datetime) -> None:
    """Hand a message to the carrier and say so in the row. Safe to repeat: the carrier knows it by its reference."""
    message = Message.objects.select_related("referral__practice", "referral__patient", "link").get(
        pk=message_id
    )
    if message.state != MessageState.WAITING:
        return
    try:
        messenger().hand_over(_outgoing(message))
    except MessageRefused:
        Message.objects.filter(pk=message_id, state=MessageState.WAITING).update(
            state=MessageState.REFUSED
        )
        return
    _note_handed_over(message, at=at)


@transaction.atomic
def _note_handed_over(message: Message, *, at: datetime) -> None:
    referral = Referral.objects.select_for_update().get(pk=message.referral_id)
    handed_over = Message.objects.filter(pk=message.pk, state=MessageState.WAITING).update(
        state=MessageState.HANDED_OVER, handed_over_at=at
    )
    if not handed_over:
        return
    record(Action.MESSAGE_HANDED_OVER, by=SYSTEM, at=at, target=f"Message/{message.pk}")
    if referral.delivered_at is None:
        referral.delivered_at = at
        referral.save(update_fields=["delivered_at"])
    if referral.business_status == BusinessStatus.MATCHED:
        move(referral, BusinessStatus.INVITATION_SENT, by=SYSTEM, at=at)


def _channel_for(patient: Patient) -> Channel:
    if patient.phone:
        return Channel.SMS
    return Channel.EMAIL if patient.email else Channel.LETTER


def _outgoing(message: Message) -> Outgoing:
    """The message in full. It names the practice and nothing of the patient's health."""
    referral, patient = message.referral, message.referral.patient
    to = {
        Channel.SMS: patient.phone,
        Channel.EMAIL: patient.email,
        Channel.LETTER: referral.practice.name,
    }
    return Outgoing(
        reference=str(message.pk),
        referral=referral.reference,
        channel=message.channel,
        to=to[Channel(message.channel)],
        subject=_("A suggestion from %(practice)s") % {"practice": referral.practice.name},
        body=_("%(practice)s has a suggestion for you after your visit: %(link)s")
        % {
            "practice": referral.practice.name,
            "link": f"{settings.PUBLIC_BASE_URL}/r/{code_of(message.link_id)}",
        },
    )
