"""A message read: whom it refers, or which referral it takes back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.fhir import fields, requester, service_request, subject
from integrations.fhir.bars import workflow
from integrations.fhir.bars.workflow import Workflow
from integrations.fhir.entries import Entries, references
from integrations.fhir.outcome import Finding, Refused, malformed, tolerated, unprocessable
from integrations.fhir.systems import fhir_base, own_identifier
from referrals.intake import Identifier, NewReferral

_HEADER = "Bundle.entry[0].resource"
_TRIAGED = ("triaged", "finished")


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a sender wants done.

    ``bundle_id`` and ``endpoint`` (the sender's own) go into the answer, with ``addressed``, the endpoint that was written
    to. ``place`` is that of the entry with the ServiceRequest. ``new`` is the referral; one that is to be taken back has no
    document, and ``referral_id`` or ``new.identifiers`` say which it is, ``known_version`` and ``known_at`` how much of it
    the sender had read.
    """

    workflow: Workflow
    bundle_id: str
    endpoint: str
    addressed: str
    place: int
    new: NewReferral | None = None
    referral_id: UUID | None = None
    known_version: int | None = None
    known_at: datetime | None = None
    warnings: tuple[Finding, ...] = ()


def read(bundle: dict[str, Any], *, base_url: str, is_strict: bool) -> Message:
    """A Bundle as a message. Raises Refused with every fault: 422 for what is not served, otherwise 400 or 422."""
    entries = Entries(bundle)
    header = entries.resource(0) if entries.sent else {}
    is_message = fields.text(bundle, "type") == "message"
    if not is_message or fields.text(header, "resourceType") != "MessageHeader":
        text = "This operation takes a Bundle of type message that begins with a MessageHeader."
        raise Refused(400, [malformed("invariant", text, "Bundle.type")])
    event = workflow.event_of(header)
    findings = [
        *_envelope(bundle, is_strict=is_strict),
        *workflow.deviations(header, is_strict=is_strict),
    ]
    place = _focus(header, entries)
    if place is None:
        text = "The focus of the message is one ServiceRequest, by the fullUrl of its entry."
        raise Refused(400, [*findings, malformed("invariant", text, f"{_HEADER}.focus")])
    request, at = entries.resource(place), f"Bundle.entry[{place}].resource"
    wanted = workflow.workflow_of(event, header, request)
    if wanted is None:
        raise Refused(400, [*findings, workflow.no_workflow(at)])
    message = Message(
        workflow=wanted,
        bundle_id=fields.text(bundle, "id"),
        endpoint=fields.text(fields.child(header, "source"), "endpoint"),
        addressed=_addressed(header),
        place=place,
    )
    return _with_referral(message, entries, findings, base_url=base_url)


def _with_referral(
    message: Message, entries: Entries, findings: list[Finding], *, base_url: str
) -> Message:
    """The message with the referral that it is about. Raises Refused with the findings and all that bars it."""
    try:
        if message.workflow is Workflow.REFER:
            findings += _triage_faults(entries, message.place)
            message = _refer(message, entries, base_url)
        elif message.workflow is Workflow.TAKE_BACK:
            message = _take_back(message, entries, base_url)
    except Refused as refused:
        findings += _at_patient(refused.findings, entries, message.place)
    if any(finding.is_error for finding in findings):
        raise Refused(400, findings)
    return replace(message, warnings=tuple(findings))


def _refer(message: Message, entries: Entries, base_url: str) -> Message:
    at, resolve = f"Bundle.entry[{message.place}].resource", entries.resolver(message.place)
    request = entries.resource(message.place)
    faults = list(_dangling(request, at, entries, message.place))
    try:
        new = service_request.read(request, base_url=base_url, resolve=resolve, at=at)
    except Refused as refused:
        raise Refused(422, [*refused.findings, *_elsewhere(faults, refused.findings)]) from None
    if faults:
        raise Refused(422, faults)
    sender = requester.read(entries.resource(0), resolve=entries.resolver(0), element="sender")
    # Under the Bundle's id the message can be found again, and is known when it comes twice.
    sent_as = Identifier(system=own_identifier(base_url, "message"), value=message.bundle_id)
    return replace(
        message,
        new=replace(
            new,
            identifiers=(*new.identifiers, sent_as),
            requester_ods=new.requester_ods or sender.ods_code,
        ),
    )


def _take_back(message: Message, entries: Entries, base_url: str) -> Message:
    at, resolve = f"Bundle.entry[{message.place}].resource", entries.resolver(message.place)
    request = entries.resource(message.place)
    texts = (fields.text(reason, "text") for reason in fields.children(request, "reasonCode"))
    new = NewReferral(
        document="",
        subject=subject.read(request, base_url=base_url, resolve=resolve, at=at),
        intent=fields.text(request, "intent"),
        status=fields.text(request, "status"),
        identifiers=service_request.identifiers_of(request),
        reason_text=next(filter(None, texts), ""),
    )
    meta = fields.child(request, "meta")
    version = fields.text(meta, "versionId")
    return replace(
        message,
        new=new,
        referral_id=_referral_id(entries.sent[message.place], base_url),
        known_version=int(version) if version.isascii() and version.isdigit() else None,
        known_at=_moment(fields.text(meta, "lastUpdated")),
    )


def _envelope(bundle: dict[str, Any], *, is_strict: bool) -> Iterator[Finding]:
    """What BaRS asks of the Bundle itself."""
    if not fields.text(bundle, "id"):
        text = "A message has an id of its sender's making: the answer names it."
        yield malformed("required", text, "Bundle.id")
    if not fields.text(fields.child(bundle, "meta"), "versionId"):
        say = malformed if is_strict else tolerated
        text = "The version of the BaRS application that the message keeps to is missing."
        yield say("invariant", text, "Bundle.meta.versionId")


def _focus(header: dict[str, Any], entries: Entries) -> int | None:
    """The place of the one ServiceRequest that the message is about."""
    found = [
        entries.find(fields.text(focus, "reference"), place=0)
        for focus in fields.children(header, "focus")
    ]
    if len(found) != 1 or found[0] is None:
        return None
    is_request = fields.text(entries.resource(found[0]), "resourceType") == "ServiceRequest"
    return found[0] if is_request else None


def _addressed(header: dict[str, Any]) -> str:
    endpoints = (fields.text(one, "endpoint") for one in fields.children(header, "destination"))
    return next(filter(None, endpoints), "")


def _triage_faults(entries: Entries, place: int) -> Iterator[Finding]:
    """What makes a message no new referral: the plan must be made and the patient seen."""
    request, at = entries.resource(place), f"Bundle.entry[{place}].resource"
    plans = (fields.text(one, "reference") for one in fields.children(request, "basedOn"))
    encounter = fields.text(fields.child(request, "encounter"), "reference")
    plan_at = _first(entries, place, plans, "CarePlan")
    encounter_at = _first(entries, place, [encounter], "Encounter")
    if _status(entries, plan_at) != "completed":
        text = "A new referral is based on a CarePlan in the message whose status is completed."
        yield malformed("invariant", text, _status_place(plan_at) or f"{at}.basedOn")
    if _status(entries, encounter_at) not in _TRIAGED:
        text = f"A new referral comes from an Encounter in the message that is {' or '.join(_TRIAGED)}."
        yield malformed("invariant", text, _status_place(encounter_at) or f"{at}.encounter")


def _first(entries: Entries, place: int, wanted: Iterable[str], resource_type: str) -> int | None:
    """The place of the first entry of a type among those that the references lead to."""
    found = (entries.find(reference, place=place) for reference in wanted)
    return next(
        (
            one
            for one in found
            if one is not None
            and fields.text(entries.resource(one), "resourceType") == resource_type
        ),
        None,
    )


def _status(entries: Entries, place: int | None) -> str:
    return "" if place is None else fields.text(entries.resource(place), "status")


def _status_place(place: int | None) -> str:
    return "" if place is None else f"Bundle.entry[{place}].resource.status"


def _dangling(request: dict[str, Any], at: str, entries: Entries, place: int) -> Iterator[Finding]:
    """References of the referral to entries that are not there."""
    for path, reference in references(request, at):
        if reference.startswith("urn:") and entries.find(reference, place=place) is None:
            text = "No entry of this Bundle has this fullUrl."
            yield unprocessable("not-found", text, f"{path}.reference")


def _elsewhere(faults: list[Finding], said: Sequence[Finding]) -> list[Finding]:
    """The faults at places of which nothing has been said yet."""
    places = {finding.expression for finding in said}
    return [fault for fault in faults if fault.expression not in places]


def _at_patient(findings: Iterable[Finding], entries: Entries, place: int) -> list[Finding]:
    """The findings; those about the patient at the patient's own entry."""
    reference = fields.text(fields.child(entries.resource(place), "subject"), "reference")
    patient_at = entries.find(reference, place=place)
    through = f"Bundle.entry[{place}].resource.subject.resolve()"
    direct = f"Bundle.entry[{patient_at}].resource"
    return [
        finding
        if patient_at is None
        else replace(finding, expression=finding.expression.replace(through, direct, 1))
        for finding in findings
    ]


def _referral_id(entry: dict[str, Any], base_url: str) -> UUID | None:
    """The id that we gave the referral, where the sender names it: in the resource or in the entry's fullUrl."""
    ours = f"{fhir_base(base_url)}/ServiceRequest/"
    full_url = fields.text(entry, "fullUrl")
    named = (
        fields.text(fields.child(entry, "resource"), "id"),
        full_url.removeprefix("urn:uuid:").removeprefix(ours),
    )
    return next(filter(None, map(_uuid, named)), None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
