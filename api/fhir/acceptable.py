"""The rules of the service beyond the resource itself, asked without keeping anything: what $validate adds to reading."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import chain

from django.utils.timezone import localdate

from accounts.actors import Actor
from accounts.scopes import Interaction, is_granted
from api.errors import finding, referral_refused
from integrations.fhir.bars.reading import Message
from integrations.fhir.bars.workflow import NO_REQUEST, NO_REQUEST_AT, Workflow
from integrations.fhir.bundle import Transaction
from integrations.fhir.outcome import Finding
from integrations.fhir.task_request import NewTask
from referrals.intake import NewPatient, NewReferral
from referrals.patients import checked_birth_date, patient_of, refuse_deceased
from referrals.receiving import conditions_of
from referrals.refusals import ReferralRefused


def findings_of(
    content: object, *, is_update: bool = False, by: Actor, at: datetime
) -> list[Finding]:
    """What stands against a patient, a referral, a Task with one, a transaction or a message, read without fault.

    ``is_update``: it changes what is here. The death of somebody who is known can be reported.
    """
    today = localdate(at)
    if isinstance(content, Message) and content.workflow is Workflow.FEEDBACK:
        return [finding(404, NO_REQUEST, element=NO_REQUEST_AT)]
    if isinstance(content, NewPatient) and is_update:
        refusals = _refusal(lambda: checked_birth_date(content, today=today))
    else:
        refusals = _refusals(content, today)
        if isinstance(content, NewReferral) and not is_update:
            refusals = chain(refusals, _subject_refusals(content, by=by, at=at))
    return [found for refusal in refusals for found in referral_refused(refusal)[1]]


def _subject_refusals(new: NewReferral, *, by: Actor, at: datetime) -> Iterator[ReferralRefused]:
    """What stands against a patient who is known here, where the token covers referring somebody."""
    may_refer = is_granted(
        by.scopes, resource_type="ServiceRequest", interaction=Interaction.CREATE
    )
    if may_refer and not isinstance(new.subject, NewPatient):
        yield from _refusal(lambda: patient_of(new, by=by, at=at))


def _refusals(content: object, today: date) -> Iterator[ReferralRefused]:
    if isinstance(content, NewPatient):
        yield from _refusal(lambda: refuse_deceased(content))
        yield from _refusal(lambda: checked_birth_date(content, today=today))
    elif isinstance(content, NewReferral):
        yield from _refusal(lambda: conditions_of(content))
        for refusal in _refusals(content.subject, today):
            within = refusal.element.removeprefix("Patient")
            refusal.element = f"ServiceRequest.subject.resolve(){within}"
            yield refusal
    elif isinstance(content, NewTask):
        yield from _refusals(content.focus, today)
    else:
        for place, part in _parts(content):
            for refusal in _refusals(part, today):
                refusal.position = place
                yield refusal


def _parts(content: object) -> Iterator[tuple[int, object]]:
    """What a Bundle would create, each with the place of its entry."""
    if isinstance(content, Transaction):
        yield from ((entry.index, entry.content) for entry in content.entries)
    elif isinstance(content, Message) and content.workflow is Workflow.REFER:
        yield content.place, content.new


def _refusal(rule: Callable[[], object]) -> Iterator[ReferralRefused]:
    try:
        rule()
    except ReferralRefused as refusal:
        yield refusal
