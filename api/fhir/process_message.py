"""``POST /fhir/R4/$process-message``: a BaRS message that refers somebody or takes that back, answered with a message."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.repeating import Made
from accounts.scopes import Interaction, is_granted
from accounts.selectors import ods_code_of
from api.errors import finding
from api.fhir import reading, service_request, task
from api.fhir.base import BASE_URL, FhirView, actor_of
from api.fhir.denials import NotThere
from api.fhir.parameters import refuse_unknown
from api.fhir.repeats import once
from api.fhir.schema import MARKS, RESOURCE, WRITE_ERRORS
from api.fhir.sending import naming_status, refuse_condition, resource_of
from api.fhir.writing import recorded
from api.permissions import require
from integrations.fhir.bars import answering, headers
from integrations.fhir.bars.reading import Message, read
from integrations.fhir.bars.workflow import NO_REQUEST, NO_REQUEST_AT, Workflow
from integrations.fhir.checking import accept
from integrations.fhir.outcome import Refused, malformed
from referrals import selectors
from referrals.amending import StaleVersion, amend_referral
from referrals.intake import NewReferral
from referrals.models import Referral
from referrals.refusals import ReferralKnown, ReferralRefused
from referrals.repeating import receive_one

OPERATION = {
    "process-message": "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"
}
_NEEDED = {
    Workflow.REFER: (
        ("ServiceRequest", Interaction.CREATE),
        ("Patient", Interaction.CREATE),
    ),
    Workflow.TAKE_BACK: (("ServiceRequest", Interaction.UPDATE),),
}


class ProcessMessage(FhirView):
    """The address of every BaRS message."""

    @extend_schema(
        operation_id="process_message",
        tags=["FHIR"],
        parameters=MARKS,
        request={"application/fhir+json": RESOURCE},
        responses={(200, "application/fhir+json"): RESOURCE, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Carry out a message Bundle: a new referral, or one revoked or entered in error.

        The answer is a message Bundle that names the Bundle sent and holds the referral as it is kept here.
        """
        refuse_condition(request.headers)
        refuse_unknown(request, "async")
        if request.query_params.get("async", "false") != "false":
            text = "A message is answered at once: async is not served."
            raise Refused(400, [malformed("not-supported", text, "http.async")])
        by = actor_of(request)
        headers.check(request.headers, ods_code=ods_code_of(by))
        message = _message(request, by)
        return once(
            request,
            make=partial(_carry_out, message, by=by, at=timezone.now()),
            show=partial(_answer, message, by=by),
        )


def _message(request: Request, by: Actor) -> Message:
    """The message in the body, if its sender may send it."""
    accepted = accept(
        resource_of(request),
        resource_type="Bundle",
        read=partial(read, base_url=BASE_URL, is_strict=by.is_strict),
        base_url=BASE_URL,
        is_strict=by.is_strict,
    )
    message = accepted.content
    require(by, *_NEEDED.get(message.workflow, ()))
    return replace(message, warnings=(*accepted.warnings, *message.warnings))


def _carry_out(message: Message, *, by: Actor, at: datetime) -> list[Made]:
    if message.new is None:
        raise Refused(404, [finding(404, NO_REQUEST, element=NO_REQUEST_AT)])
    try:
        if message.workflow is Workflow.REFER:
            made = receive_one(new=message.new, condition=None, by=by, at=at)
        else:
            made = _take_back(message, message.new, by=by, at=at)
    except (ReferralRefused, ReferralKnown) as refusal:
        refusal.position = message.place
        raise
    return [recorded(made, message.warnings, by=by, at=at)]


def _take_back(message: Message, new: NewReferral, *, by: Actor, at: datetime) -> Made:
    """End the referral that the sender names, unless it is newer here than what the sender has read."""
    at_entry = f"Bundle.entry[{message.place}].resource"
    referral = _named(message, new, by=by)
    newest = selectors.newest_change(referral) if referral else None
    if referral is None or newest is None:
        text = "None of your referrals has the id, or an identifier, of this ServiceRequest."
        raise NotThere(f"ServiceRequest/{message.referral_id}", text, element=at_entry)
    try:
        if message.known_at and message.known_at < _as_shown(newest.at):
            raise StaleVersion(newest.version)
        with naming_status(at_entry):
            amend_referral(
                referral_id=referral.pk,
                new=new,
                expected_version=message.known_version or newest.version,
                by=by,
                at=at,
            )
    except StaleVersion as stale:
        # BaRS has 409 for this, and 412 for nothing.
        told = finding(409, str(stale), code="conflict", element=f"{at_entry}.meta")
        raise Refused(409, [told]) from None
    return Made(
        resource_type="ServiceRequest",
        pk=referral.pk,
        version=newest.version + 1,
        at=at,
        status=200,
    )


def _named(message: Message, new: NewReferral, *, by: Actor) -> Referral | None:
    """The referral that the sender names by the id that we gave it, or else by an identifier of its own."""
    if message.referral_id:
        found = selectors.referral_of(by, message.referral_id)
        if found:
            return found
    bearing = selectors.referrals_bearing(by, new.identifiers)
    return bearing.first() if bearing.count() == 1 else None


def _as_shown(at: datetime) -> datetime:
    """A moment as answers give it: to the millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _answer(message: Message, made: Sequence[Made], *, is_repeat: bool, by: Actor) -> Response:
    [one] = made
    # What the sender did not just write is a read, and audited: a withdrawal does not bring the document.
    is_read = is_repeat or message.workflow is Workflow.TAKE_BACK
    show = reading.vread if is_read else reading.version_made
    kinds = [service_request.KIND]
    if is_granted(by.scopes, resource_type="Task", interaction=Interaction.READ):
        kinds.append(task.KIND)
    shown = [show(kind, str(one.pk), one.version, by=by, at=one.at).resource for kind in kinds]
    return Response(answering.answer(message, one.pk, shown, at=one.at, base_url=BASE_URL))
