"""The engagement contract: which kinds of activity exist and which numbers each may carry. No text, ever."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import models

MOST_EVENTS = 500
LONGEST_COUNT = 10_000


class ActivityKind(models.TextChoices):
    """What a community may tell us about a member. The values end the CloudEvents type ``peer.engagement.<kind>.v1``."""

    VISITED = "visited"
    READ = "read"
    REACTED = "reacted"
    POSTED = "posted"
    REPLIED = "replied"
    SESSION_ATTENDED = "session_attended"
    LEFT = "left"
    ACCEPTED = "accepted"
    WAITLISTED = "waitlisted"
    DECLINED = "declined"


# What is about a member's place, and no activity.
ABOUT_THE_PLACE = frozenset(
    {
        ActivityKind.LEFT,
        ActivityKind.ACCEPTED,
        ActivityKind.WAITLISTED,
        ActivityKind.DECLINED,
    }
)
# Reading without posting helps too: every one of these counts as taking part.
TAKING_PART = frozenset(ActivityKind) - ABOUT_THE_PLACE


@dataclass(frozen=True, kw_only=True)
class NewActivity:
    """One event as a community sent it: a pseudonym, a kind, a day and a count."""

    event_id: str
    source: str
    kind: ActivityKind
    pseudonym: str
    day: date
    count: int = 1


class Receipt(models.TextChoices):
    """What became of one event."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    NOT_COUNTED = "not-counted"
    UNKNOWN_SUBJECT = "unknown-subject"
    BEFORE_JOINING = "before-joining"
    IN_FUTURE = "in-future"


@dataclass(frozen=True)
class Received:
    """The receipt for one event."""

    event_id: str
    receipt: Receipt
    at: datetime
