"""The patient's way in: links, opened sessions and messages; and what the practice is asked to do about them."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import Organisation
from privacy.classes import Privacy
from privacy.row_security import owned_by
from referrals.models.referral import OF_THE_REFERRAL, Referral


class LinkQuerySet(models.QuerySet["Link"]):
    """Reads over links."""

    def live(self, at: datetime) -> Self:
        """Those that open something. One that has run out, was revoked or is locked is as if it had never been."""
        return self.filter(revoked_at__isnull=True, locked_at__isnull=True, expires_at__gt=at)


_IS_ASKED_FOR = "code_hash = ANY ((SELECT app_link())::text[]) OR typed_hash = ANY ((SELECT app_link())::text[])"


class Link(models.Model):
    """A patient's way in. Its codes are derived from the row's id and kept only as keyed hashes (``referrals.codes``).

    ``code_key`` is the id of the key that the codes are derived with, ``hash_key`` of the one they are hashed with.
    ``typed_hash`` is there when the link goes out on paper.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="links")
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)
    typed_hash = models.CharField(max_length=64, unique=True, null=True)
    code_key = models.CharField(max_length=8)
    hash_key = models.CharField(max_length=8)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    failed_checks = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = LinkQuerySet.as_manager()

    # Its own column: who holds the code finds the row, and in it the practice, before anything else is shown.
    TENANCY = owned_by("practice_id", readable=_IS_ASKED_FOR)
    PRIVACY = {
        **dict.fromkeys(("id", "referral", "code_hash", "typed_hash"), Privacy.PSEUDONYM),
        **dict.fromkeys(("opened_at", "failed_checks", "locked_at"), Privacy.SENSITIVE),
        **dict.fromkeys(("practice", "code_key", "hash_key"), Privacy.OPEN),
        **dict.fromkeys(("made_at", "expires_at", "revoked_at"), Privacy.OPEN),
    }

    def __str__(self) -> str:
        return str(self.pk)


class PatientSession(models.Model):
    """A browser in which the date of birth was given."""

    token_hash = models.CharField(max_length=64, unique=True)
    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="sessions")
    practice = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    # As with a link: who holds the token finds the row, and in it the practice.
    TENANCY = owned_by("practice_id", readable="token_hash = ANY ((SELECT app_link())::text[])")
    PRIVACY = {
        **dict.fromkeys(("token_hash", "referral"), Privacy.PSEUDONYM),
        **dict.fromkeys(("opened_at", "last_used_at", "ended_at"), Privacy.SENSITIVE),
        **dict.fromkeys(("id", "practice"), Privacy.OPEN),
    }

    def __str__(self) -> str:
        return str(self.pk)


class Channel(models.TextChoices):
    """How a message travels."""

    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"


class MessageState(models.TextChoices):
    """Where a message stands."""

    WAITING = "waiting"
    HANDED_OVER = "handed-over"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # its link ended before it was handed over


class Message(models.Model):
    """A message to a patient. Its text is made when it is handed over and kept nowhere."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="messages")
    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    state = models.CharField(
        max_length=12, choices=MessageState.choices, default=MessageState.WAITING
    )
    made_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True)

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "referral", "link"), Privacy.PSEUDONYM),
        **dict.fromkeys(("channel", "state", "made_at", "handed_over_at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=MessageState.values), name="message_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state=MessageState.HANDED_OVER, handed_over_at__isnull=False)
                | (~Q(state=MessageState.HANDED_OVER) & Q(handed_over_at__isnull=True)),
                name="message_handed_over_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pk} ({self.state})"


class PracticeTaskKind(models.TextChoices):
    """What a practice can be asked to do. None of them says what the patient did."""

    LINK_LOCKED = "link-locked"
    MESSAGE_REFUSED = "message-refused"
    CONTACT_PROHIBITED = "contact-prohibited"


# What the practice's system is told, in words. Nothing in them depends on what the patient did.
_ASKED = {
    PracticeTaskKind.LINK_LOCKED: "The link that was sent to the patient is locked, because a wrong date of birth was"
    " given five times. Check the date of birth and the contact details in your record, send the Patient again if they"
    " differ, and ask the service for a new link.",
    PracticeTaskKind.MESSAGE_REFUSED: "The invitation could not be delivered. Check the patient's mobile number and"
    " e-mail address, send the Patient again if they differ, and ask the service for a new link.",
    PracticeTaskKind.CONTACT_PROHIBITED: "Nothing was sent, because the referral says that the patient must not be"
    " contacted. Speak to the patient yourself; if it is safe, ask the service for a letter with a code to hand over.",
}


class PracticeTask(models.Model):
    """Something that the practice has to do before a referral can go on; its system reads it as a FHIR Task."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="practice_tasks")
    kind = models.CharField(max_length=20, choices=PracticeTaskKind.choices)
    raised_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    TENANCY = OF_THE_REFERRAL
    PRIVACY = {
        **dict.fromkeys(("id", "referral"), Privacy.PSEUDONYM),
        "kind": Privacy.SENSITIVE,
        **dict.fromkeys(("raised_at", "done_at"), Privacy.OPEN),
    }

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=PracticeTaskKind.values), name="practice_task_known_kind"
            ),
            models.UniqueConstraint(
                fields=["referral", "kind"],
                condition=Q(done_at__isnull=True),
                name="practice_task_once_while_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def version(self) -> int:
        """As raised, then as done."""
        return 2 if self.done_at else 1

    @property
    def changed_at(self) -> datetime:
        """When this version was made."""
        return self.done_at or self.raised_at

    @property
    def sentence(self) -> str:
        """What the practice is asked to do."""
        return _ASKED[PracticeTaskKind(self.kind)]
