"""Transaction Bundles: patients and referrals that are to be created together or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from integrations.fhir import conditional, fields, patient, service_request
from integrations.fhir.outcome import Finding, Refused, unprocessable
from integrations.fhir.rendering import etag, instant, location
from referrals.intake import Identifier, NewPatient, NewReferral

MAX_ENTRIES = 100
_TAKEN = ("Patient", "ServiceRequest")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing to create. ``patient_entry`` is the place of the entry that holds a referral's
    patient, when it is not inside the referral: create that one first and refer to it.
    ``condition`` is the identifier that it must be the first to bear."""

    index: int
    full_url: str
    content: NewPatient | NewReferral
    patient_entry: int | None = None
    condition: Identifier | None = None


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """The entries in the order in which they were sent, which is that of the answer."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What became of one entry; one that is not new was there, and perhaps brought up to date."""

    resource_type: str
    pk: UUID
    version: int
    at: datetime
    is_new: bool


def read_transaction(resource: dict[str, Any], *, base_url: str) -> Transaction:
    """A Bundle that passed the checks; Refused (422) with every fault of every entry."""
    sent = fields.children(resource, "entry")
    if faults := list(_envelope_faults(resource, sent)):
        raise Refused(422, faults)
    by_url = {fields.text(entry, "fullUrl"): index for index, entry in enumerate(sent)}
    by_url.pop("", None)
    faults = list(_double_faults(sent))
    entries = []
    for index in range(len(sent)):
        try:
            entries.append(_read(index, sent, by_url, base_url))
        except Refused as refusal:
            # The entry of a faulty patient reports it; its referrals need not repeat that.
            faults += [f for f in refusal.findings if ".subject.resolve()." not in f.expression]
    faults += _double_conditions(entries)
    if faults:
        raise Refused(422, faults)
    return Transaction(entries=tuple(entries))


def render_response(answered: Sequence[Answered], *, base_url: str) -> dict[str, Any]:
    """The answer to a transaction, one entry for each that was sent, in the same order."""
    return {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [{"response": _response(one, base_url)} for one in answered],
    }


def _response(one: Answered, base_url: str) -> dict[str, str]:
    return {
        "status": "201 Created" if one.is_new else "200 OK",
        "location": location(one.resource_type, one.pk, one.version, base_url=base_url),
        "etag": etag(one.version),
        "lastModified": instant(one.at),
    }


def _envelope_faults(resource: dict[str, Any], sent: list[dict[str, Any]]) -> Iterator[Finding]:
    if fields.text(resource, "type") != "transaction":
        text = "This endpoint takes a Bundle of type transaction with Patients and ServiceRequests."
        yield unprocessable("not-supported", text, "Bundle.type")
    elif not sent:
        yield unprocessable("required", "A transaction needs an entry.", "Bundle.entry")
    elif len(sent) > MAX_ENTRIES:
        text = f"A transaction may have at most {MAX_ENTRIES} entries. Send several."
        yield unprocessable("too-costly", text, "Bundle.entry")


def _double_faults(sent: list[dict[str, Any]]) -> Iterator[Finding]:
    seen = set()
    for index, entry in enumerate(sent):
        full_url = fields.text(entry, "fullUrl")
        if full_url and full_url in seen:
            at = f"Bundle.entry[{index}].fullUrl"
            yield unprocessable("invariant", "Two entries have the same fullUrl (bdl-7).", at)
        seen.add(full_url)


def _double_conditions(entries: list[Entry]) -> Iterator[Finding]:
    seen = set()
    for entry in entries:
        # By type too: two types may use one system.
        condition = (type(entry.content), entry.condition)
        if entry.condition and condition in seen:
            at = f"Bundle.entry[{entry.index}].request.ifNoneExist"
            yield unprocessable("business-rule", "Two entries have the same condition.", at)
        seen.add(condition)


def _read(index: int, sent: list[dict[str, Any]], by_url: dict[str, int], base_url: str) -> Entry:
    entry, at = sent[index], f"Bundle.entry[{index}]"
    resource, full_url = fields.child(entry, "resource"), fields.text(entry, "fullUrl")
    name = fields.text(resource, "resourceType")
    if faults := list(_entry_faults(entry, name, at)):
        raise Refused(422, faults)
    condition = _condition(entry, name, at)
    find = partial(_find, full_url=full_url, by_url=by_url)
    faults = list(_reference_faults(resource, f"{at}.resource", find))
    content: NewPatient | NewReferral
    patient_entry = None
    try:
        if name == "Patient":
            content = patient.read(resource, at=f"{at}.resource")
        else:
            patient_entry = find(_subject_reference(resource))
            content = service_request.read(
                resource,
                base_url=base_url,
                resolve=lambda reference: _resource(sent, find(reference)),
                at=f"{at}.resource",
            )
    except Refused as refusal:
        raise Refused(422, [*faults, *refusal.findings]) from None
    if faults:
        raise Refused(422, faults)
    return Entry(
        index=index,
        full_url=full_url,
        content=content,
        patient_entry=patient_entry,
        condition=condition,
    )


def _condition(entry: dict[str, Any], name: str, at: str) -> Identifier | None:
    request = fields.child(entry, "request")
    if "ifNoneExist" not in request:
        return None
    try:
        return conditional.read(fields.text(request, "ifNoneExist"), resource_type=name)
    except conditional.ConditionNotServed as error:
        here = f"{at}.request.ifNoneExist"
        raise Refused(422, [unprocessable("not-supported", str(error), here)]) from None


def _entry_faults(entry: dict[str, Any], name: str, at: str) -> Iterator[Finding]:
    request = fields.child(entry, "request")
    if name not in _TAKEN:
        text = (
            f"A transaction takes entries of type {' and '.join(_TAKEN)}. Put other resources"
            " into ServiceRequest.contained, or refer to them by identifier."
        )
        yield unprocessable("not-supported", text, f"{at}.resource")
    elif fields.text(request, "method") != "POST" or fields.text(request, "url") != name:
        text = f"Entries can only be created: request.method POST and request.url {name}."
        yield unprocessable("not-supported", text, f"{at}.request")


def _find(reference: str, *, full_url: str, by_url: dict[str, int]) -> int | None:
    """The entry a reference points to; a relative one counts from the base of its own fullUrl."""
    if reference in by_url:
        return by_url[reference]
    base = full_url.rsplit("/", 2)[0] if full_url.startswith("http") else ""
    return by_url.get(f"{base}/{reference}") if base else None


def _resource(sent: list[dict[str, Any]], index: int | None) -> dict[str, Any] | None:
    return None if index is None else fields.child(sent[index], "resource")


def _subject_reference(resource: dict[str, Any]) -> str:
    return fields.text(fields.child(resource, "subject"), "reference")


def _reference_faults(
    resource: dict[str, Any], at: str, find: partial[int | None]
) -> Iterator[Finding]:
    """References into the Bundle other than a referral's subject: they would be left dangling."""
    for path, reference in _references(resource, at):
        if path == f"{at}.subject":
            continue
        if find(reference) is not None:
            text = (
                "Only a referral's subject may refer to another entry. Put the resource into"
                " ServiceRequest.contained, or refer to it by identifier."
            )
            yield unprocessable("not-supported", text, f"{path}.reference")
        elif reference.startswith("urn:"):
            text = "No entry of this Bundle has this fullUrl."
            yield unprocessable("not-found", text, f"{path}.reference")


def _references(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every Reference.reference below a resource, with the path of its Reference."""
    if isinstance(value, list):
        for place, member in enumerate(value):
            yield from _references(member, f"{at}[{place}]")
    elif isinstance(value, dict):
        if reference := fields.text(value, "reference"):
            yield at, reference
        for name, member in value.items():
            yield from _references(member, f"{at}.{name}")
