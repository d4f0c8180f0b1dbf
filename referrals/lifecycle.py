"""The states of a referral and who may move it: one table, from which FHIR statuses, checks and tests follow."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.actors import ActorKind


class BusinessStatus(models.TextChoices):
    """Where a referral stands, in our own code system; it decides both FHIR statuses."""

    DRAFTED = "drafted", _("Drafted")
    RECEIVED = "received-by-service", _("Received by the service")
    MATCHED = "matched", _("Matched with communities")
    NO_MATCH = "no-match", _("No suitable community")
    INVITATION_SENT = "invitation-sent", _("Invitation sent")
    JOINED = "joined", _("Joined a community")
    WAITLIST = "waitlist", _("On the community's waiting list")
    ENGAGED = "engaged", _("Taking part")
    LEFT = "left-community", _("Left the community")
    PATIENT_DECLINED = "patient-declined", _("Patient declined")
    NOT_TAKEN_UP = "not-taken-up", _("Not taken up")
    INVITATION_ENDED = "invitation-ended", _("Invitation ended")
    WITHDRAWN = "withdrawn", _("Withdrawn by the requester")
    ENTERED_IN_ERROR = "entered-in-error", _("Entered in error")


class RequestStatus(models.TextChoices):
    """FHIR request-status, as ServiceRequest.status uses it."""

    DRAFT = "draft"
    ACTIVE = "active"
    REVOKED = "revoked"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class TaskStatus(models.TextChoices):
    """FHIR task-status, as far as the service sets it."""

    DRAFT = "draft"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_PROGRESS = "in-progress"
    CANCELLED = "cancelled"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True)
class Statuses:
    """What FHIR shows for a business status."""

    request: RequestStatus
    task: TaskStatus


STATUSES: dict[BusinessStatus, Statuses] = {
    BusinessStatus.DRAFTED: Statuses(RequestStatus.DRAFT, TaskStatus.DRAFT),
    BusinessStatus.RECEIVED: Statuses(RequestStatus.ACTIVE, TaskStatus.REQUESTED),
    BusinessStatus.MATCHED: Statuses(RequestStatus.ACTIVE, TaskStatus.ACCEPTED),
    BusinessStatus.NO_MATCH: Statuses(RequestStatus.ACTIVE, TaskStatus.REJECTED),
    BusinessStatus.INVITATION_SENT: Statuses(RequestStatus.ACTIVE, TaskStatus.ACCEPTED),
    BusinessStatus.JOINED: Statuses(RequestStatus.ACTIVE, TaskStatus.IN_PROGRESS),
    BusinessStatus.WAITLIST: Statuses(RequestStatus.ACTIVE, TaskStatus.ACCEPTED),
    BusinessStatus.ENGAGED: Statuses(RequestStatus.ACTIVE, TaskStatus.IN_PROGRESS),
    BusinessStatus.LEFT: Statuses(RequestStatus.ACTIVE, TaskStatus.IN_PROGRESS),
    BusinessStatus.PATIENT_DECLINED: Statuses(RequestStatus.REVOKED, TaskStatus.CANCELLED),
    BusinessStatus.NOT_TAKEN_UP: Statuses(RequestStatus.REVOKED, TaskStatus.FAILED),
    BusinessStatus.INVITATION_ENDED: Statuses(RequestStatus.COMPLETED, TaskStatus.COMPLETED),
    BusinessStatus.WITHDRAWN: Statuses(RequestStatus.REVOKED, TaskStatus.CANCELLED),
    BusinessStatus.ENTERED_IN_ERROR: Statuses(
        RequestStatus.ENTERED_IN_ERROR, TaskStatus.ENTERED_IN_ERROR
    ),
}


@dataclass(frozen=True)
class Move:
    """Something that an actor may do with a referral, and where it takes it. ``takes_reason``: a sentence may go with it."""

    name: str
    business_status: BusinessStatus
    takes_reason: bool = False

    @property
    def request_status(self) -> RequestStatus:
        """ServiceRequest.status afterwards."""
        return STATUSES[self.business_status].request

    @property
    def task_status(self) -> TaskStatus:
        """Task.status afterwards."""
        return STATUSES[self.business_status].task


def _to(*targets: BusinessStatus) -> tuple[Move, ...]:
    """Moves that are named as what they lead to."""
    return tuple(Move(target.value, target) for target in targets)


CORRECT = "correct"
_ISSUE = Move("issue", BusinessStatus.RECEIVED)
_WITHDRAW = Move("withdraw", BusinessStatus.WITHDRAWN, takes_reason=True)
_MISTAKE = Move("mark-as-error", BusinessStatus.ENTERED_IN_ERROR, takes_reason=True)


def _open_to_requester(correction: BusinessStatus) -> tuple[Move, ...]:
    return (Move(CORRECT, correction), _WITHDRAW, _MISTAKE)


# By actor, and from where. A requester stands where the practice was told that the referral stands, never where it is:
# whether a patient joined in silence must not decide what its practice may do.
MOVES: dict[ActorKind, dict[BusinessStatus, tuple[Move, ...]]] = {
    ActorKind.CLIENT: {
        BusinessStatus.DRAFTED: (_ISSUE, *_open_to_requester(BusinessStatus.DRAFTED)),
        # What could not be matched is matched again when it has been corrected.
        BusinessStatus.NO_MATCH: _open_to_requester(BusinessStatus.RECEIVED),
        **{
            told: _open_to_requester(told)
            for told in (
                BusinessStatus.RECEIVED,
                BusinessStatus.MATCHED,
                BusinessStatus.INVITATION_SENT,
                BusinessStatus.JOINED,
                BusinessStatus.WAITLIST,
                BusinessStatus.LEFT,
            )
        },
        BusinessStatus.PATIENT_DECLINED: (_MISTAKE,),
        BusinessStatus.INVITATION_ENDED: (_MISTAKE,),
        BusinessStatus.WITHDRAWN: (_MISTAKE,),
    },
    ActorKind.SYSTEM: {
        BusinessStatus.RECEIVED: _to(BusinessStatus.MATCHED, BusinessStatus.NO_MATCH),
        BusinessStatus.MATCHED: _to(
            BusinessStatus.INVITATION_SENT, BusinessStatus.NOT_TAKEN_UP, BusinessStatus.NO_MATCH
        ),
        BusinessStatus.INVITATION_SENT: _to(BusinessStatus.NOT_TAKEN_UP, BusinessStatus.NO_MATCH),
        # What was offered has paused, and nothing else fits.
        BusinessStatus.LEFT: _to(BusinessStatus.NO_MATCH),
        # The place of somebody who has died, or in a community that has paused.
        BusinessStatus.JOINED: _to(BusinessStatus.LEFT),
        BusinessStatus.WAITLIST: _to(BusinessStatus.LEFT),
        BusinessStatus.ENGAGED: _to(BusinessStatus.LEFT),
    },
    ActorKind.PATIENT: {
        # The patient may be quicker than our note that the message has gone, so MATCHED allows the same.
        **{
            free: _to(
                BusinessStatus.JOINED, BusinessStatus.WAITLIST, BusinessStatus.PATIENT_DECLINED
            )
            for free in (
                BusinessStatus.MATCHED,
                BusinessStatus.INVITATION_SENT,
                BusinessStatus.LEFT,
            )
        },
        BusinessStatus.JOINED: _to(BusinessStatus.LEFT),
        BusinessStatus.WAITLIST: _to(
            BusinessStatus.JOINED, BusinessStatus.LEFT, BusinessStatus.PATIENT_DECLINED
        ),
        BusinessStatus.ENGAGED: _to(BusinessStatus.LEFT),
    },
    ActorKind.HOST: {
        BusinessStatus.JOINED: _to(
            BusinessStatus.WAITLIST, BusinessStatus.ENGAGED, BusinessStatus.LEFT
        ),
        BusinessStatus.WAITLIST: _to(BusinessStatus.JOINED, BusinessStatus.LEFT),
        BusinessStatus.ENGAGED: _to(BusinessStatus.LEFT),
    },
}

# Invited, and not yet said to have answered.
UNANSWERED = (BusinessStatus.MATCHED, BusinessStatus.INVITATION_SENT)
# A draft can be taken back before it was ever issued.
MAYBE_NOT_ISSUED = (
    BusinessStatus.DRAFTED,
    BusinessStatus.WITHDRAWN,
    BusinessStatus.ENTERED_IN_ERROR,
)
# By its requester. The place that a patient may have in a community is the patient's, and stays.
TAKEN_BACK = (BusinessStatus.WITHDRAWN, BusinessStatus.ENTERED_IN_ERROR)

DECLINED_BY_HOST = "declined-by-host"
PATIENT_DECEASED = "patient-deceased"
COMMUNITY_PAUSED = "community-paused"
# Reasons that the practice is told, in words. A patient's own reasons are not among them.
TOLD_REASONS = {
    "no-suitable-community": "No moderated community in the directory fits this patient's needs at present.",
    "time-to-answer-over": "The time to answer is over. Whether the patient joined is theirs to tell.",
    DECLINED_BY_HOST: "The community could not take the patient, who can choose another one.",
    COMMUNITY_PAUSED: "A community that was suggested to the patient takes nobody at present. The patient has the choice"
    " again among those that fit now.",
    PATIENT_DECEASED: "The patient was reported as deceased.",
}


class MoveNotAllowed(Exception):
    """This actor may not take the referral from where it is to where it was asked to go.

    ``allowed`` are the business statuses to which this actor may take it now, ``element`` is the FHIR element that asked.
    """

    def __init__(self, sentence: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{sentence} Possible now: {', '.join(allowed) or 'none'}.")
        self.allowed = allowed
        self.element = ""


def is_over(current: BusinessStatus) -> bool:
    """Whether nobody but its requester can move the referral any more."""
    others = [actor for actor in MOVES if actor is not ActorKind.CLIENT]
    return current != BusinessStatus.DRAFTED and not any(moves_open_to(current, a) for a in others)


def moves_open_to(current: BusinessStatus, by: ActorKind) -> tuple[Move, ...]:
    """What this kind of actor may do with a referral; for a clinical system ``current`` is what it was told."""
    return MOVES.get(by, {}).get(current, ())


def allowed(current: BusinessStatus, by: ActorKind) -> list[BusinessStatus]:
    """Where this kind of actor may take a referral from here."""
    return [move.business_status for move in moves_open_to(current, by)]


def correction_of(told: BusinessStatus, by: ActorKind) -> BusinessStatus:
    """Where it takes a referral when this kind of actor corrects it. Raises MoveNotAllowed when nothing can be corrected."""
    for move in moves_open_to(told, by):
        if move.name == CORRECT:
            return move.business_status
    raise refusal(told, by)


def refusal(current: BusinessStatus, by: ActorKind) -> MoveNotAllowed:
    """That what this kind of actor asked for is not possible, and what is."""
    return MoveNotAllowed(
        f"A referral that is {current} cannot be changed in this way.",
        allowed=tuple(allowed(current, by)),
    )


def check(current: BusinessStatus, target: BusinessStatus, by: ActorKind) -> None:
    """Raise MoveNotAllowed unless the table has the move for this kind of actor."""
    possible = allowed(current, by)
    if target not in possible:
        raise MoveNotAllowed(
            f"A referral that is {current} cannot become {target}.", allowed=tuple(possible)
        )
