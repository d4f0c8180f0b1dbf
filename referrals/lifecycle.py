"""The states of a referral and who may move it: one table, from which FHIR statuses, checks and tests follow."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.actors import ActorKind


class BusinessStatus(models.TextChoices):
    """Where a referral stands, in our own code system; it decides both FHIR statuses."""

    RECEIVED = "received-by-service", _("Received by the service")
    MATCHED = "matched", _("Matched with communities")
    NO_MATCH = "no-match", _("No suitable community")
    INVITATION_SENT = "invitation-sent", _("Invitation sent")
    JOINED = "joined", _("Joined a community")
    ENGAGED = "engaged", _("Taking part")
    LEFT = "left-community", _("Left the community")
    PATIENT_DECLINED = "patient-declined", _("Patient declined")
    NOT_TAKEN_UP = "not-taken-up", _("Not taken up")
    INVITATION_ENDED = "invitation-ended", _("Invitation ended")


class RequestStatus(models.TextChoices):
    """FHIR request-status, as ServiceRequest.status uses it."""

    ACTIVE = "active"
    REVOKED = "revoked"
    COMPLETED = "completed"


class TaskStatus(models.TextChoices):
    """FHIR task-status, as far as the service sets it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_PROGRESS = "in-progress"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"


@dataclass(frozen=True)
class Statuses:
    """What FHIR shows for a business status."""

    request: RequestStatus
    task: TaskStatus


STATUSES: dict[BusinessStatus, Statuses] = {
    BusinessStatus.RECEIVED: Statuses(RequestStatus.ACTIVE, TaskStatus.REQUESTED),
    BusinessStatus.MATCHED: Statuses(RequestStatus.ACTIVE, TaskStatus.ACCEPTED),
    BusinessStatus.NO_MATCH: Statuses(RequestStatus.ACTIVE, TaskStatus.REJECTED),
    BusinessStatus.INVITATION_SENT: Statuses(RequestStatus.ACTIVE, TaskStatus.ACCEPTED),
    BusinessStatus.JOINED: Statuses(RequestStatus.ACTIVE, TaskStatus.IN_PROGRESS),
    BusinessStatus.ENGAGED: Statuses(RequestStatus.ACTIVE, TaskStatus.IN_PROGRESS),
    BusinessStatus.LEFT: Statuses(RequestStatus.ACTIVE, TaskStatus.IN_PROGRESS),
    BusinessStatus.PATIENT_DECLINED: Statuses(RequestStatus.REVOKED, TaskStatus.CANCELLED),
    BusinessStatus.NOT_TAKEN_UP: Statuses(RequestStatus.REVOKED, TaskStatus.FAILED),
    BusinessStatus.INVITATION_ENDED: Statuses(RequestStatus.COMPLETED, TaskStatus.COMPLETED),
}

_PATIENT = frozenset({ActorKind.PATIENT})
_SYSTEM = frozenset({ActorKind.SYSTEM})
_HOST = frozenset({ActorKind.HOST})

MOVES: dict[BusinessStatus, dict[BusinessStatus, frozenset[ActorKind]]] = {
    BusinessStatus.RECEIVED: {BusinessStatus.MATCHED: _SYSTEM, BusinessStatus.NO_MATCH: _SYSTEM},
    # The patient may be quicker than our note that the message has gone, so MATCHED allows the same.
    BusinessStatus.MATCHED: {
        BusinessStatus.INVITATION_SENT: _SYSTEM,
        BusinessStatus.JOINED: _PATIENT,
        BusinessStatus.PATIENT_DECLINED: _PATIENT,
        BusinessStatus.NOT_TAKEN_UP: _SYSTEM,
    },
    BusinessStatus.NO_MATCH: {},
    BusinessStatus.INVITATION_SENT: {
        BusinessStatus.JOINED: _PATIENT,
        BusinessStatus.PATIENT_DECLINED: _PATIENT,
        BusinessStatus.NOT_TAKEN_UP: _SYSTEM,
    },
    BusinessStatus.JOINED: {BusinessStatus.ENGAGED: _HOST, BusinessStatus.LEFT: _PATIENT | _HOST},
    BusinessStatus.ENGAGED: {BusinessStatus.LEFT: _PATIENT | _HOST},
    BusinessStatus.LEFT: {
        BusinessStatus.JOINED: _PATIENT,
        BusinessStatus.PATIENT_DECLINED: _PATIENT,
    },
    BusinessStatus.PATIENT_DECLINED: {},
    BusinessStatus.NOT_TAKEN_UP: {},
    # Not a place where a referral can be: what the practice is told when the time to answer is over.
    BusinessStatus.INVITATION_ENDED: {},
}

# Invited, and not yet said to have answered.
UNANSWERED = (BusinessStatus.MATCHED, BusinessStatus.INVITATION_SENT)

# Reasons that the practice is told, in words. A patient's own reasons are not among them.
TOLD_REASONS = {
    "no-suitable-community": "No moderated community in the directory fits this patient's needs at present.",
    "time-to-answer-over": "The time to answer is over. Whether the patient joined is theirs to tell.",
}


class MoveNotAllowed(Exception):
    """This actor may not take the referral from where it is to where it was asked to go."""


def is_over(current: BusinessStatus) -> bool:
    """Whether nobody can move the referral any more."""
    return not MOVES[current]


def allowed(current: BusinessStatus, by: ActorKind) -> list[BusinessStatus]:
    """Where this kind of actor may take a referral from here."""
    return [target for target, actors in MOVES[current].items() if by in actors]


def check(current: BusinessStatus, target: BusinessStatus, by: ActorKind) -> None:
    """Raise MoveNotAllowed unless the table has the move for this kind of actor."""
    if target not in allowed(current, by):
        possible = ", ".join(allowed(current, by)) or "none"
        raise MoveNotAllowed(
            f"A referral that is {current} cannot become {target}. Possible now: {possible}."
        )
