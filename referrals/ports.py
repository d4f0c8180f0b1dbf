"""What the referral needs from outside, said as Protocols; settings name the class that serves each."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from jobs.circuits import Unavailable


@dataclass(frozen=True)
class Outgoing:
    """A message to hand over. ``reference`` is the same however often it is tried; ``channel`` is sms, email or letter."""

    reference: str
    referral: str
    channel: str
    to: str
    subject: str
    body: str


class MessengerUnavailable(Unavailable):
    """The carrier cannot be reached or asks to wait: try again later."""


class MessageRefused(Exception):
    """The carrier will never take this message."""


class Messenger(Protocol):
    """Takes messages on their way. Handing over the same ``reference`` twice must not reach the patient twice."""

    def hand_over(self, message: Outgoing) -> None:
        """Return when the carrier has it; raise MessengerUnavailable or MessageRefused."""
        ...


def messenger() -> Messenger:
    """The messenger that settings name."""
    served: Messenger = import_string(settings.MESSENGER)()
    return served
