"""The rules of the service beyond the resource itself, asked without keeping anything: what $validate adds to reading."""

from collections.abc import Callable, Iterator
from datetime import date

from api.errors import referral_refused
from integrations.fhir.bundle import Transaction
from integrations.fhir.outcome import Finding
from integrations.fhir.task_request import NewTask
from referrals.intake import NewPatient, NewReferral
from referrals.receiving import ReferralRefused, checked_birth_date, conditions_of


def findings_of(content: object, *, today: date) -> list[Finding]:
    """What stands against a patient, a referral, a Task with one, or a transaction, that was read without fault."""
    return [
        finding for refusal in _refusals(content, today) for finding in referral_refused(refusal)[1]
    ]


def _refusals(content: object, today: date) -> Iterator[ReferralRefused]:
    if isinstance(content, NewPatient):
        yield from _refusal(lambda: checked_birth_date(content, today=today))
    elif isinstance(content, NewReferral):
        yield from _refusal(lambda: conditions_of(content))
        for refusal in _refusals(content.subject, today):
            within = refusal.element.removeprefix("Patient")
            refusal.element = f"ServiceRequest.subject.resolve(){within}"
            yield refusal
    elif isinstance(content, NewTask):
        yield from _refusals(content.focus, today)
    elif isinstance(content, Transaction):
        for entry in content.entries:
            for refusal in _refusals(entry.content, today):
                refusal.position = entry.index
                yield refusal


def _refusal(rule: Callable[[], object]) -> Iterator[ReferralRefused]:
    try:
        rule()
    except ReferralRefused as refusal:
        yield refusal
