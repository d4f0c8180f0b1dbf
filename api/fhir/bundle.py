"""``POST /fhir/R4``: a transaction, all or nothing, or a batch, each entry for itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.repeating import Made
from api import errors
from api.fhir import entries
from api.fhir.base import BASE_URL, FhirView, actor_of
from api.fhir.denials import NotThere, record_denied_entry
from api.fhir.repeats import KEY, once
from api.fhir.schema import MARKS, RESOURCE, WRITE_ERRORS
from api.fhir.sending import refuse_condition, require_subject, resource_of
from api.fhir.writing import recorded
from integrations.fhir import asked, bundle, fields
from integrations.fhir.asked import Asked
from integrations.fhir.bundle import Answered
from integrations.fhir.checking import Accepted, accept, check, has_errors
from integrations.fhir.outcome import Finding, Refused, malformed, refusal
from referrals.amending import StaleVersion
from referrals.intake import NewReferral
from referrals.lifecycle import MoveNotAllowed
from referrals.refusals import ReferralKnown, ReferralRefused
from referrals.repeating import receive_together_unless_there
from referrals.tasking import TaskKnown

# R4's order, whatever that of the entries; what is read is read last.
_ORDER = ("DELETE", "POST", "PUT")


class Transaction(FhirView):
    """The base address of the FHIR server."""

    @extend_schema(
        operation_id="transaction",
        tags=["FHIR"],
        parameters=MARKS,
        request={"application/fhir+json": RESOURCE},
        responses={(200, "application/fhir+json"): RESOURCE, **WRITE_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Carry out all entries of a transaction Bundle or none of them; of a batch Bundle, each for itself.

        An entry creates (POST), updates (PUT), deletes (DELETE) or reads and searches (GET). One whose
        request.ifNoneExist names what is there already is answered with that ("200 OK").
        """
        refuse_condition(request.headers)
        sent, by = resource_of(request), actor_of(request)
        if fields.text(sent, "type") == "batch":
            return Response(self._batch(request, sent, by=by, at=timezone.now()))
        accepted = accept(
            sent,
            resource_type="Bundle",
            read=partial(bundle.read_transaction, takes=entries.TAKES, base_url=BASE_URL),
            base_url=BASE_URL,
            is_strict=by.is_strict,
        )
        for one in accepted.content.asked:
            entries.check_scope(one, by=by)
        for entry in accepted.content.entries:
            # A patient in an entry of its own is covered with that.
            if isinstance(entry.content, NewReferral) and entry.patient_entry is None:
                require_subject(entry.content, by=by)
        return once(
            request,
            make=partial(_make, sent, accepted, by=by, at=timezone.now()),
            show=partial(_show, request, accepted),
        )

    def _batch(
        self, request: Request, sent: dict[str, Any], *, by: Actor, at: datetime
    ) -> dict[str, Any]:
        """Carry out each entry as if it had come alone. Raises Refused for faults of the Bundle around them."""
        _check_envelope(request, sent)
        answered = []
        for place, entry in enumerate(fields.children(sent, "entry")):
            try:
                with transaction.atomic():
                    answered.append(_single(request, entry, place, by=by, at=at))
            except errors.ANSWERED as error:
                answered.append(self._refusal(request, entry, error))
        return bundle.render_response(answered, kind="batch")

    def _refusal(self, request: Request, entry: dict[str, Any], error: Exception) -> Answered:
        """The answer to an entry that was refused, with what a request of its own would have left in the audit."""
        answer = errors.answer_to(error, {"view": self})
        if answer is None:
            raise error
        url = fields.text(fields.child(entry, "request"), "url")
        record_denied_entry(request, url, status=answer.status_code)
        return Answered(
            status=answer.status_code, location=answer.get("Location", ""), outcome=answer.data
        )


def _check_envelope(request: Request, sent: dict[str, Any]) -> None:
    """Refuse a batch for faults of the Bundle around its entries."""
    if KEY in request.headers:
        text = f"{KEY} is not heeded for a batch, whose entries can come out differently. Send a transaction."
        raise Refused(400, [malformed("not-supported", text)])
    alone = [
        {name: value for name, value in entry.items() if name != "resource"}
        for entry in fields.children(sent, "entry")
    ]
    around = sent | ({"entry": alone} if alone else {})
    faults = [*check(around, resource_type="Bundle"), *bundle.envelope_faults(sent)]
    if has_errors(faults):
        raise refusal(faults)


def _make(
    sent: dict[str, Any], accepted: Accepted[bundle.Transaction], *, by: Actor, at: datetime
) -> list[Made]:
    """Write what the entries ask, in R4's order; what came of them is in the order of the entries."""
    made: dict[int, Made] = {}
    wanted = accepted.content
    together = {entry.index for entry in wanted.entries}
    addresses = {one.place: one.address for one in wanted.asked if one.method == "PUT"}
    for method in _ORDER:
        if method == "POST":
            created = _create_together(wanted, by=by, at=at)
            made |= created
            addresses |= {place: f"{one.resource_type}/{one.pk}" for place, one in created.items()}
        for one in wanted.asked:
            if one.method == method and one.place not in together:
                made[one.place] = _carry_out(sent, one, addresses, by=by, at=at)
    return [
        recorded(made[place], _at(accepted.warnings, place), by=by, at=at) for place in sorted(made)
    ]


def _create_together(wanted: bundle.Transaction, *, by: Actor, at: datetime) -> dict[int, Made]:
    """Create the patients and referrals: who is known already is told of all of them at once."""
    place_of = {entry.index: place for place, entry in enumerate(wanted.entries)}
    try:
        made = receive_together_unless_there(
            new=[entry.content for entry in wanted.entries],
            conditions={
                place: entry.condition
                for place, entry in enumerate(wanted.entries)
                if entry.condition is not None
            },
            patient_positions={
                place: place_of[entry.patient_entry]
                for place, entry in enumerate(wanted.entries)
                if entry.patient_entry is not None
            },
            by=by,
            at=at,
        )
    except (ReferralRefused, ReferralKnown) as error:
        if error.position is not None:
            error.position = wanted.entries[error.position].index
        raise
    return {entry.index: one for entry, one in zip(wanted.entries, made, strict=True)}


def _carry_out(
    sent: dict[str, Any], one: Asked, addresses: dict[int, str], *, by: Actor, at: datetime
) -> Made:
    """One of the other entries; what bars it is named at its place in the Bundle."""
    try:
        resource = bundle.linked(sent, one.place, addresses)
        made = entries.carry_out(one, resource, by=by, at=at, warnings=[])
    except Refused as refused:
        raise Refused(refused.status, [_placed(f, one.place) for f in refused.findings]) from None
    except (ReferralRefused, ReferralKnown) as error:
        error.position = one.place
        raise
    except StaleVersion as stale:
        stale.element = f"Bundle.entry[{one.place}].request.ifMatch"
        raise
    except (MoveNotAllowed, TaskKnown) as error:
        error.element = f"Bundle.entry[{one.place}].resource.{error.element.partition('.')[2]}"
        raise
    except Http404:
        raise _not_there(one) from None
    addresses.setdefault(one.place, f"{made.resource_type}/{made.pk}")
    return made


def _placed(finding: Finding, place: int) -> Finding:
    """The finding about a resource as one about that of an entry."""
    if finding.expression.startswith("Bundle."):
        return finding
    _, dot, below = finding.expression.partition(".")
    return replace(finding, expression=f"Bundle.entry[{place}].resource{dot}{below}")


def _show(
    request: Request,
    accepted: Accepted[bundle.Transaction],
    made: Sequence[Made],
    *,
    is_repeat: bool,
) -> Response:
    """The answer to a transaction. What it asks to see is read now, after all is written."""
    writes, at = iter(made), timezone.now()
    answered = [
        _read(request, one, at=at)
        if one.method == "GET"
        else entries.written(
            request, next(writes), warnings=_at(accepted.warnings, one.place), is_repeat=is_repeat
        )
        for one in accepted.content.asked
    ]
    return Response(bundle.render_response(answered, kind="transaction"))


def _read(request: Request, one: Asked, *, at: datetime) -> Answered:
    try:
        return entries.read(request, one, at=at)
    except Refused as refused:
        raise Refused(refused.status, [_asked_at(f, one.place) for f in refused.findings]) from None
    except Http404:
        raise _not_there(one) from None


def _not_there(one: Asked) -> NotThere:
    return NotThere(one.address, element=f"Bundle.entry[{one.place}].request.url")


def _asked_at(finding: Finding, place: int) -> Finding:
    """The finding about a search as one about the entry that asks for it."""
    return replace(finding, expression=f"Bundle.entry[{place}].request.url")


def _at(warnings: Sequence[Finding], place: int) -> list[Finding]:
    """Those about one entry."""
    return [one for one in warnings if one.expression.startswith(f"Bundle.entry[{place}].")]


def _single(
    request: Request, entry: dict[str, Any], place: int, *, by: Actor, at: datetime
) -> Answered:
    """One entry of a batch. Raises all that bars it."""
    one = asked.read(entry, place, takes=entries.TAKES, base_url=BASE_URL)
    entries.check_scope(one, by=by)
    if one.method == "GET":
        return entries.read(request, one, at=at)
    warnings: list[Finding] = []
    resource = fields.child(entry, "resource")
    made = entries.carry_out(one, resource, by=by, at=at, warnings=warnings)
    recorded(made, warnings, by=by, at=at)
    return entries.written(request, made, warnings=warnings, is_repeat=False)
