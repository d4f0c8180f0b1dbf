"""Task: what the service does with a referral, as its sender asks for it; and what the practice is asked to do."""

from functools import partial
from uuid import UUID

from accounts.actors import Actor
from accounts.repeating import Made
from accounts.scopes import Interaction
from accounts.selectors import ods_code_of
from api.fhir import reading
from api.fhir.base import BASE_URL
from api.fhir.kinds import Kind
from api.fhir.sending import Sent, naming_status, require_subject
from api.permissions import require
from integrations.fhir import needs, task_request, wire
from integrations.fhir.outcome import Refused, unprocessable
from integrations.fhir.sources import referrals
from integrations.fhir.systems import fhir_base
from integrations.fhir.task_changes import Compared
from integrations.fhir.told import Told
from referrals import risk, selectors
from referrals.amending import StaleVersion
from referrals.intake import NewReferral
from referrals.reading import Seen
from referrals.receiving import check_requester
from referrals.refusals import ReferralRefused
from referrals.repeating import receive_one
from referrals.tasking import amend_task, attach_task

_TAKEN_BACK = ("cancelled", "entered-in-error")


def create(sent: Sent) -> Made:
    """Receive the referral that a Task brings along, or keep the Task for one that is here.

    What it brings along must be covered as if it had come alone. Raises Refused, PermissionDenied and what receive_one
    and attach_task raise.
    """
    new = sent.accept(partial(task_request.read, base_url=BASE_URL))
    check_requester(new.requester_ods, own=ods_code_of(sent.by), element="Task.requester")
    if isinstance(new.focus, NewReferral):
        require(sent.by, ("ServiceRequest", Interaction.CREATE))
        require_subject(new.focus, by=sent.by)
        referral = receive_one(new=new.focus, condition=None, by=sent.by, at=sent.at)
        return Made(
            resource_type="Task", pk=referral.pk, version=referral.version, at=sent.at, status=201
        )
    seen = None
    if isinstance(new.focus, UUID):
        _refuse_risk(new.said, new.focus, by=sent.by)
        with naming_status("Task"):
            seen = attach_task(
                referral_id=new.focus,
                document=new.document,
                status=new.status,
                terms=new.terms,
                by=sent.by,
                at=sent.at,
            )
    if seen is None:
        text = "There is no such ServiceRequest here. Send it first, or inside the Task."
        raise Refused(422, [unprocessable("not-found", text, "Task.focus")])
    return _made(seen, status=201)


def update(task_id: UUID, sent: Sent) -> Made | None:
    """Do what the practice's system now writes in the Task; where that is what it is already, nothing is done.

    Raises Http404, Refused and what amend_task raises.
    """
    amended = sent.accept(partial(task_request.read_amended, base_url=BASE_URL))
    if unchanged := _unchanged(task_id, sent):
        return unchanged
    if amended.status not in _TAKEN_BACK:
        check_requester(amended.requester_ods, own=ods_code_of(sent.by), element="Task.requester")
        _refuse_risk(amended.said, task_id, by=sent.by)
    with naming_status("Task"):
        found = amend_task(
            task_id=task_id,
            document=amended.document,
            status=amended.status,
            reason_text=amended.reason_text,
            terms=amended.terms,
            expected_version=sent.expected_version,
            by=sent.by,
            at=sent.at,
        )
    if found is None:
        return None
    if isinstance(found, Seen):
        return _made(found, status=200)
    return Made(resource_type="Task", pk=task_id, version=found.version, at=found.at, status=200)


def _refuse_risk(said: Told, referral_id: UUID, *, by: Actor) -> None:
    """Refuse a Task that speaks of a risk, unless its referral answers the question. Raises ReferralRefused."""
    element = risk.asked_by(codings=said.codings, texts=said.texts)
    referral = selectors.referral_of(by, referral_id) if element else None
    document = selectors.newest_change(referral).request_document if referral else None
    if document and needs.read(wire.load(document.text), BASE_URL).has_acute_risk is None:
        stop = risk.question_of(element)
        raise ReferralRefused(stop.sentence, code=stop.code, element=stop.element)


def _unchanged(task_id: UUID, sent: Sent) -> Made | None:
    """The Task as it is, if it is what was sent. Raises Refused for what only this service can say, and StaleVersion."""
    newest = reading.newest(KIND, str(task_id), by=sent.by, at=sent.at)
    source, row = newest.source, newest.row
    version = source.version_of(row)
    if sent.expected_version not in (None, version):
        raise StaleVersion(version)
    written = getattr(row, "task_document", None)
    compared = Compared(
        sent=sent.resource,
        shown=source.show(row, BASE_URL),
        written=wire.load(written.text) if written else {},
        base_url=BASE_URL,
        is_patched=sent.is_patched,
    )
    if compared.is_unchanged():
        return Made(
            resource_type="Task",
            pk=task_id,
            version=version,
            at=source.moment_of(row),
            status=200,
            is_found=True,
        )
    if faults := list(compared.faults()):
        raise Refused(422, faults)
    return None


def _made(seen: Seen, *, status: int) -> Made:
    return Made(
        resource_type="Task",
        pk=seen.referral.pk,
        version=seen.change.version,
        at=seen.change.at,
        status=status,
    )


KIND = Kind(
    resource_type="Task",
    sources=(referrals.TASK, referrals.WRITTEN_TASK, referrals.PRACTICE_TASK),
    versions=(referrals.TASK_VERSIONS, *referrals.PRACTICE_TASK_VERSIONS),
    create=create,
    update=update,
    operations={
        "available-actions": f"{fhir_base(BASE_URL)}/OperationDefinition/available-actions"
    },
)
