"""The referral's tables, by what they are about. Everybody else imports them from here."""

from referrals.models.invitation import (
    Channel,
    Link,
    Message,
    MessageState,
    PatientSession,
    PracticeTask,
    PracticeTaskKind,
)
from referrals.models.offer import MatchRun, Offer, Placement
from referrals.models.referral import Patient, Referral, ReferralIdentifier, StatusChange

__all__ = [
    "Channel",
    "Link",
    "MatchRun",
    "Message",
    "MessageState",
    "Offer",
    "Patient",
    "PatientSession",
    "Placement",
    "PracticeTask",
    "PracticeTaskKind",
    "Referral",
    "ReferralIdentifier",
    "StatusChange",
]
