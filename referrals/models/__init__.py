"""The referral's tables, by what they are about. Everybody else imports them from here."""

from referrals.models.groups import FirstMatch
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
from referrals.models.patient import Patient, PatientVersion
from referrals.models.referral import (
    Referral,
    ReferralDocument,
    ReferralIdentifier,
    StatusChange,
)
from referrals.models.term import Described, ReferralTerm

__all__ = [
    "Channel",
    "Described",
    "FirstMatch",
    "Link",
    "MatchRun",
    "Message",
    "MessageState",
    "Offer",
    "Patient",
    "PatientSession",
    "PatientVersion",
    "Placement",
    "PracticeTask",
    "PracticeTaskKind",
    "Referral",
    "ReferralDocument",
    "ReferralIdentifier",
    "ReferralTerm",
    "StatusChange",
]
