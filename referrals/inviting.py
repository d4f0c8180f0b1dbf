"""Inviting the patient: a link, a neutral message in the practice's name, and its handing over."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import SYSTEM
from audit.models import Action
from audit.recording import record
from jobs.models import JobKind
from jobs.queue import enqueue
from privacy.fields import key_ids
from privacy.tenancy import acting_for
from referrals.changing import move, tell_now
from referrals.codes import code_of, long_hash_of, typed_code_of, typed_hash_of
from referrals.lifecycle import BusinessStatus
from referrals.models import (
    Channel,
    Link,
    Message,
    MessageState,
    PracticeTaskKind,
    Referral,
)
from referrals.ports import MessageRefused, Outgoing, messenger
from referrals.practice_tasks import ask_practice
from referrals.selectors import newest_change

LINK_LIFE = timedelta(days=28)


@transaction.atomic
def invite_patient(*, referral_id: UUID, at: datetime) -> None:
    """Make the link and write the message down, once. A patient who must not be contacted gets neither: the practice is asked."""
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("patient")
        .get(pk=referral_id)
    )
    # Only what opens something counts: what was sent before everything that was offered had paused does not.
    messages = referral.messages.filter(link__revoked_at__isnull=True).exclude(
        state=MessageState.WITHDRAWN
    )
    if referral.business_status != BusinessStatus.MATCHED or messages.exists():
        return
    if referral.is_contact_prohibited:
        ask_practice(referral, PracticeTaskKind.CONTACT_PROHIBITED, at=at)
        return
    send_link(referral, at=at)


def send_link(referral: Referral, *, expires_at: datetime | None = None, at: datetime) -> Link:
    """Make a link that lives for LINK_LIFE, or until ``expires_at`` if that is later, and send it."""
    channel = channel_for(referral)
    link = make_link(referral, is_for_paper=channel == Channel.LETTER, at=at)
    if expires_at and expires_at > link.expires_at:
        link.expires_at = expires_at
        link.save(update_fields=["expires_at"])
    _send(referral, link, channel, at=at)
    return link


def call_back(referral: Referral, *, at: datetime) -> None:
    """Send the message once more, over the link that the patient has. The caller holds the referral.

    It says no more than the first one. An older link would end later for a new one, and that can be seen from outside:
    so there is a new one only where there is none. A locked one stays locked; who must not be contacted is not.
    """
    newest = referral.links.filter(revoked_at__isnull=True).order_by("-made_at", "pk").first()
    is_locked = newest is not None and newest.locked_at is not None
    is_under_way = referral.messages.filter(state=MessageState.WAITING).exists()
    if referral.is_contact_prohibited or is_locked or is_under_way:
        return
    channel = channel_for(referral)
    is_open = newest is not None and newest.expires_at > at
    if newest is None or not is_open or (channel == Channel.LETTER and not newest.typed_hash):
        send_link(referral, at=at)
        return
    _send(referral, newest, channel, at=at)


def _send(referral: Referral, link: Link, channel: Channel, *, at: datetime) -> None:
    message = Message.objects.create(referral=referral, link=link, channel=channel, made_at=at)
    tenant = referral.practice_id
    enqueue(JobKind.HAND_OVER, tenant_id=tenant, at=at, message_id=str(message.pk))


def make_link(referral: Referral, *, is_for_paper: bool = False, at: datetime) -> Link:
    """A new link for the patient; older ones stay valid, for they may be in somebody's hand."""
    newest_key = key_ids()[0]
    link = Link(
        referral=referral,
        practice_id=referral.practice_id,
        code_key=newest_key,
        hash_key=newest_key,
        made_at=at,
        expires_at=at + LINK_LIFE,
    )
    link.code_hash = long_hash_of(code_of(link))
    if is_for_paper:
        link.typed_hash = typed_hash_of(typed_code_of(link))
    link.save(force_insert=True)
    enqueue(
        JobKind.END_LINK,
        tenant_id=referral.practice_id,
        at=at,
        run_at=at + LINK_LIFE,
        link_id=str(link.pk),
    )
    return link


def hand_over_message(*, message_id: UUID, tenant_id: UUID, at: datetime) -> None:
    """Hand a message to the carrier and say so in the row, in no transaction of the caller's.

    Safe to repeat: the carrier knows it by its reference.
    """
    with acting_for(tenant_id):
        message = _waiting_message(message_id, at=at)
    if message is None:
        return
    try:
        messenger().hand_over(_outgoing(message))
    except MessageRefused:
        with acting_for(tenant_id):
            _note_refused(message, at=at)
        return
    with acting_for(tenant_id):
        _note_handed_over(message, at=at)


def _waiting_message(message_id: UUID, *, at: datetime) -> Message | None:
    """The message if it is still to be handed over, with a link whose code can be worked out."""
    message = Message.objects.select_related("referral__practice", "referral__patient", "link").get(
        pk=message_id
    )
    if message.state != MessageState.WAITING:
        return None
    if message.link.code_key not in key_ids():
        # Nobody has this link's code yet, and with its key gone nobody can have it any more.
        is_for_paper = message.channel == Channel.LETTER
        message.link = make_link(message.referral, is_for_paper=is_for_paper, at=at)
        message.save(update_fields=["link"])
    return message


def _note_refused(message: Message, *, at: datetime) -> None:
    refused = Message.objects.filter(pk=message.pk, state=MessageState.WAITING).update(
        state=MessageState.REFUSED
    )
    # One that only calls back may be about what is the patient's to tell.
    is_first = not message.link.messages.filter(made_at__lt=message.made_at).exists()
    if refused and is_first:
        ask_practice(message.referral, PracticeTaskKind.MESSAGE_REFUSED, at=at)


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
    elif newest_change(referral).business_status == BusinessStatus.MATCHED:
        # The patient was quicker and said nothing: the practice is told what it would be told of anybody.
        tell_now(referral, by=SYSTEM, at=at, told=BusinessStatus.INVITATION_SENT)


def channel_for(referral: Referral) -> Channel:
    """How the patient is written to. A letter goes to the practice, which hands it over and so knows of it."""
    patient = referral.patient
    if referral.is_contact_prohibited:
        return Channel.LETTER
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
        body=_body(message),
    )


def _body(message: Message) -> str:
    practice = message.referral.practice.name
    if message.channel == Channel.LETTER:
        return _(
            "%(practice)s has a suggestion for you after your visit. Go to %(address)s and type this code: %(code)s"
        ) % {
            "practice": practice,
            "address": f"{settings.PUBLIC_BASE_URL}/r/",
            "code": typed_code_of(message.link),
        }
    return _("%(practice)s has a suggestion for you after your visit: %(link)s") % {
        "practice": practice,
        "link": f"{settings.PUBLIC_BASE_URL}/r/{code_of(message.link)}",
    }
