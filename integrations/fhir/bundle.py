"""Transaction Bundles read: what each entry asks, and which patients and referrals are to be created together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from integrations.fhir import asked, fields, patient, service_request
from integrations.fhir.asked import Asked, Takes
from integrations.fhir.entries import Entries, references, rewritten
from integrations.fhir.outcome import Finding, Refused, unprocessable
from integrations.fhir.rendering import etag, instant
from referrals.intake import Identifier, NewPatient, NewReferral

MAX_ENTRIES = 100
MAX_SEARCHES = 10
TYPES = ("batch", "transaction")
_TOGETHER = ("Patient", "ServiceRequest")
_NO_ENTRY = "No entry of this Bundle, at least none that is carried out before, has this fullUrl."


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
    """``entries`` are the patients and referrals to create, ``asked`` is all that is asked; both as they were sent."""

    entries: tuple[Entry, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What became of one entry: its status, the version at which the resource now is, and what is to be shown of it."""

    status: int
    location: str = ""
    version: int | None = None
    at: datetime | None = None
    resource: dict[str, Any] | None = None
    outcome: dict[str, Any] | None = None


def read_transaction(resource: dict[str, Any], *, takes: Takes, base_url: str) -> Transaction:
    """A Bundle that passed the checks; Refused (422) with every fault of every entry."""
    entries = Entries(resource)
    if faults := list(envelope_faults(resource)):
        raise Refused(422, faults)
    faults, wanted = list(_double_faults(entries)), []
    for place, sent in enumerate(entries.sent):
        try:
            wanted.append(asked.read(sent, place, takes=takes, base_url=base_url))
        except Refused as refusal:
            faults += refusal.findings
    # Also those that cannot be created: a reference to one of them is not the fault.
    created = {place for place, sent in enumerate(entries.sent) if asked.method_of(sent) == "POST"}
    kept = {one.place: one.address for one in wanted if one.method == "PUT"}
    together = []
    for one in wanted:
        if one.method == "POST" and one.resource_type in _TOGETHER:
            try:
                together.append(_read(one, entries, created, kept, base_url))
            except Refused as refusal:
                # The entry of a faulty patient reports it; its referrals need not repeat that.
                faults += [f for f in refusal.findings if ".subject.resolve()." not in f.expression]
    faults += [*_double_conditions(together), *_double_addresses(wanted)]
    if faults:
        raise Refused(422, faults)
    return Transaction(entries=tuple(together), asked=tuple(wanted))


def linked(bundle: dict[str, Any], place: int, addresses: Mapping[int, str]) -> dict[str, Any]:
    """The resource of an entry, what leads to other entries replaced by their ``addresses`` here.

    Raises Refused (422) for references to what has none.
    """
    entries, at = Entries(bundle), f"Bundle.entry[{place}].resource"
    resource: dict[str, Any] = rewritten(
        entries.resource(place), entries=entries, place=place, addresses=addresses
    )
    left = [path for path, reference in references(resource, at) if reference.startswith("urn:")]
    if left:
        faults = [unprocessable("not-found", _NO_ENTRY, f"{path}.reference") for path in left]
        raise Refused(422, faults)
    return resource


def render_response(answered: Sequence[Answered], *, kind: str) -> dict[str, Any]:
    """The answer to a Bundle of type ``kind``, one entry for each that was sent, in the same order."""
    return {
        "resourceType": "Bundle",
        "type": f"{kind}-response",
        "entry": [_answer(one) for one in answered],
    }


def _answer(one: Answered) -> dict[str, Any]:
    response: dict[str, Any] = {"status": f"{one.status} {HTTPStatus(one.status).phrase}"}
    if one.location:
        response["location"] = one.location
    if one.version is not None:
        response["etag"] = etag(one.version)
    if one.at is not None:
        response["lastModified"] = instant(one.at)
    if one.outcome is not None:
        response["outcome"] = one.outcome
    shown = {} if one.resource is None else {"resource": one.resource}
    return {**shown, "response": response}


def _is_search(entry: dict[str, Any]) -> bool:
    request = fields.child(entry, "request")
    return fields.text(request, "method") == "GET" and "?" in fields.text(request, "url")


def envelope_faults(resource: dict[str, Any]) -> Iterator[Finding]:
    """What bars a Bundle as a whole."""
    sent = fields.children(resource, "entry")
    if fields.text(resource, "type") not in TYPES:
        text = f"The base address takes a Bundle of type {' or '.join(TYPES)}."
        yield unprocessable("not-supported", text, "Bundle.type")
    elif not sent:
        yield unprocessable("required", "At least one entry is needed.", "Bundle.entry")
    elif len(sent) > MAX_ENTRIES:
        text = f"A Bundle may have at most {MAX_ENTRIES} entries. Send several."
        yield unprocessable("too-costly", text, "Bundle.entry")
    elif sum(map(_is_search, sent)) > MAX_SEARCHES:
        text = f"A Bundle may have at most {MAX_SEARCHES} searches. Send several."
        yield unprocessable("too-costly", text, "Bundle.entry")


def _double_faults(entries: Entries) -> Iterator[Finding]:
    seen = set()
    for place, entry in enumerate(entries.sent):
        full_url = fields.text(entry, "fullUrl")
        if full_url and full_url in seen:
            at = f"Bundle.entry[{place}].fullUrl"
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


def _double_addresses(wanted: list[Asked]) -> Iterator[Finding]:
    seen = set()
    for one in wanted:
        if one.method not in ("PUT", "DELETE"):
            continue
        if one.address in seen:
            text = "Two entries of a transaction must not change the same resource."
            yield unprocessable("invariant", text, f"Bundle.entry[{one.place}].request.url")
        seen.add(one.address)


def _read(
    one: Asked, entries: Entries, created: set[int], kept: Mapping[int, str], base_url: str
) -> Entry:
    """A patient or a referral to be created; ``kept`` are the addresses of what is updated. Raises Refused (422)."""

    def find(reference: str) -> int | None:
        found = entries.find(reference, place=one.place)
        return found if found in created else None

    at, resource = f"Bundle.entry[{one.place}].resource", entries.resource(one.place)
    if kept:
        resource = rewritten(resource, entries=entries, place=one.place, addresses=kept)
    faults = list(_reference_faults(resource, at, find))
    content: NewPatient | NewReferral
    patient_entry = None
    try:
        if one.resource_type == "Patient":
            content = patient.read(resource, at=at)
        else:
            patient_entry = find(_subject_reference(resource))
            content = service_request.read(
                resource,
                base_url=base_url,
                resolve=lambda reference: _resource(entries, find(reference)),
                at=at,
            )
    except Refused as refusal:
        raise Refused(422, [*faults, *refusal.findings]) from None
    if faults:
        raise Refused(422, faults)
    return Entry(
        index=one.place,
        full_url=fields.text(entries.sent[one.place], "fullUrl"),
        content=content,
        patient_entry=patient_entry,
        condition=one.condition,
    )


def _resource(entries: Entries, place: int | None) -> dict[str, Any] | None:
    return None if place is None else entries.resource(place)


def _subject_reference(resource: dict[str, Any]) -> str:
    return fields.text(fields.child(resource, "subject"), "reference")


def _reference_faults(
    resource: dict[str, Any], at: str, find: Callable[[str], int | None]
) -> Iterator[Finding]:
    """References into the Bundle other than a referral's subject: they would be left dangling."""
    for path, reference in references(resource, at):
        if path == f"{at}.subject":
            continue
        if find(reference) is not None:
            text = (
                "Only a referral's subject may refer to another entry. Put the resource into"
                " ServiceRequest.contained, or refer to it by identifier."
            )
            yield unprocessable("not-supported", text, f"{path}.reference")
        elif reference.startswith("urn:"):
            yield unprocessable("not-found", _NO_ENTRY, f"{path}.reference")
