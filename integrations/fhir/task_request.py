"""Task as a sender writes it: that a referral be fulfilled (SDOHCC), and what it says of a Task later."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from integrations.fhir import (
    deviations,
    fields,
    references,
    requester,
    service_request,
    terms,
    told,
    wire,
)
from integrations.fhir.outcome import Finding, Refused, unprocessable
from integrations.fhir.subject import nothing_to_resolve
from integrations.fhir.systems import TASK_CODE, fhir_base
from integrations.fhir.task import OWNER
from integrations.fhir.told import Told
from referrals.intake import NewReferral, Term

# Task and referral go together: the status of the one says that of the other.
_REQUEST_STATUSES = {"draft": ("draft",), "requested": ("active",)}
_OURS = re.compile(
    r"ServiceRequest/(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(/_history/[0-9]+)?",
)
_CONTAINED = re.compile(r"\.contained\[(?P<place>[0-9]+)\]")


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """A Task ``fulfill`` as sent: ``document`` is its JSON text, ``status`` requested or draft.

    ``terms`` are what it can be found by. ``focus`` is the referral that it brings along, the id of one that is held here, or the fullUrl of one that
    stands in the same Bundle. A referral brought along already carries the Task as its ``task_document``.
    ``requester_ods`` is empty where the Task names none.
    """

    document: str
    status: str
    terms: tuple[Term, ...]
    focus: NewReferral | UUID | str
    requester_ods: str = ""
    said: Told = field(default_factory=Told)


@dataclass(frozen=True, kw_only=True)
class AmendedTask:
    """What a sender now says of a Task that is held here."""

    document: str
    status: str
    terms: tuple[Term, ...]
    requester_ods: str = ""
    said: Told = field(default_factory=Told)
    reason_text: str = ""


def read(
    resource: dict[str, Any],
    *,
    base_url: str,
    full_urls: Collection[str] = (),
    at: str = "Task",
) -> NewTask:
    """A new Task that passed the checks; Refused (422) with all that bars it.

    ``full_urls`` are those of the Bundle in which it came; ``at`` is the FHIRPath under which faults are reported.
    """
    faults = list(_faults(resource, at))
    document = wire.dump(resource).decode()
    try:
        focus = _focus(resource, base_url=base_url, full_urls=full_urls, at=at)
    except Refused as refusal:
        raise Refused(422, [*faults, *refusal.findings]) from None
    if faults:
        raise Refused(422, faults)
    found_by = terms.of("Task", resource, base_url=base_url)
    said = told.read(resource, resolve=nothing_to_resolve)
    if isinstance(focus, NewReferral):
        focus = replace(
            focus,
            task_document=document,
            task_terms=found_by,
            texts=(*focus.texts, *said.texts),
            indications=(*focus.indications, *said.codings),
        )
    return NewTask(
        document=document,
        status=status_of(resource),
        terms=found_by,
        focus=focus,
        requester_ods=requester.read(resource, resolve=nothing_to_resolve).ods_code,
        said=said,
    )


def read_amended(resource: dict[str, Any], *, base_url: str) -> AmendedTask:
    """What a Task that passed the checks says now; whether that may be is the life cycle's to say.

    Raises Refused (422) for an owner that is somebody else.
    """
    if faults := list(_owner_faults(resource, "Task")):
        raise Refused(422, faults)
    return AmendedTask(
        requester_ods=requester.read(resource, resolve=nothing_to_resolve).ods_code,
        said=told.read(resource, resolve=nothing_to_resolve),
        document=wire.dump(resource).decode(),
        status=status_of(resource),
        terms=terms.of("Task", resource, base_url=base_url),
        reason_text=reason_of(resource),
    )


def status_of(resource: dict[str, Any]) -> str:
    """The status that a Task is sent in; other words for one are read as that."""
    status = fields.text(resource, "status")
    if deviations.is_fulfilment(resource):
        return deviations.NORMALISED_STATUSES.get(status, status)
    return status


def reason_of(resource: dict[str, Any]) -> str:
    """What a statusReason says in words."""
    reason = fields.child(resource, "statusReason")
    shown = (fields.text(coding, "display") for coding in fields.children(reason, "coding"))
    return fields.text(reason, "text") or next(filter(None, shown), "")


def _faults(resource: dict[str, Any], at: str) -> Iterator[Finding]:
    if not deviations.is_fulfilment(resource):
        text = f"The code must say that a referral is to be fulfilled: {TASK_CODE}|fulfill."
        yield unprocessable("code-invalid", text, f"{at}.code")
    if status_of(resource) not in _REQUEST_STATUSES:
        text = f"The status of a new Task must be one of: {', '.join(_REQUEST_STATUSES)}."
        yield unprocessable("business-rule", text, f"{at}.status")
    if fields.text(resource, "intent") != "order":
        text = "The intent of a Task that fulfils a referral must be order."
        yield unprocessable("business-rule", text, f"{at}.intent")
    yield from _owner_faults(resource, at)


def _owner_faults(resource: dict[str, Any], at: str) -> Iterator[Finding]:
    """What is asked of this service is asked of nobody else."""
    owner = resource.get("owner", {"display": OWNER})
    if deviations.is_fulfilment(resource) and owner != {"display": OWNER}:
        text = f'A Task that fulfils a referral is for this service: leave its owner out, or send the display "{OWNER}".'
        yield unprocessable("business-rule", text, f"{at}.owner")


def _focus(
    resource: dict[str, Any], *, base_url: str, full_urls: Collection[str], at: str
) -> NewReferral | UUID | str:
    reference = fields.text(fields.child(resource, "focus"), "reference")
    if reference.startswith("#"):
        return _brought_along(resource, reference, base_url=base_url, at=at)
    if reference in full_urls:
        return reference
    known = _OURS.fullmatch(reference.removeprefix(f"{fhir_base(base_url)}/"))
    if known:
        return UUID(known["id"])
    text = "The focus must be a ServiceRequest: contained in the Task, in the same Bundle, or held by this service."
    code = "not-found" if reference else "required"
    raise Refused(422, [unprocessable(code, text, f"{at}.focus")])


def _brought_along(
    resource: dict[str, Any], reference: str, *, base_url: str, at: str
) -> NewReferral:
    """The referral that a Task contains, read as if it had come alone with what it refers to."""
    contained = dict(fields.indexed(resource, "contained"))
    names = {f"#{fields.text(inner, 'id')}": place for place, inner in contained.items()}
    place = names.get(reference)
    if place is None or fields.text(contained[place], "resourceType") != "ServiceRequest":
        text = "The focus must be a ServiceRequest: no contained one has the id that it names."
        raise Refused(422, [unprocessable("not-found", text, f"{at}.focus.reference")])
    sent = contained[place]
    if faults := list(_other_patient(resource, sent, at)):
        raise Refused(422, faults)
    places = sorted(_needed(sent, names, contained) - {place})
    alone = {name: value for name, value in sent.items() if name != "id"}
    if places:
        alone["contained"] = [contained[needed] for needed in places]
    here = f"{at}.contained[{place}]"
    try:
        return service_request.read(
            alone,
            base_url=base_url,
            resolve=nothing_to_resolve,
            at=here,
            statuses=_REQUEST_STATUSES.get(status_of(resource), service_request.NEW_STATUSES),
        )
    except Refused as refusal:
        raise Refused(422, [_moved(f, here, at, places) for f in refusal.findings]) from None


def _other_patient(resource: dict[str, Any], sent: dict[str, Any], at: str) -> Iterator[Finding]:
    whom = fields.text(fields.child(resource, "for"), "reference")
    subject = fields.text(fields.child(sent, "subject"), "reference")
    if whom and subject and whom != subject:
        text = "Task.for and the subject of the referral must be the same patient."
        yield unprocessable("business-rule", text, f"{at}.for")


def _needed(
    resource: dict[str, Any], names: dict[str, int], contained: dict[int, dict[str, Any]]
) -> set[int]:
    """The places of what a contained resource refers to, and of what that refers to."""
    found: set[int] = set()
    waiting = [resource]
    while waiting:
        for name in references.pointers(waiting.pop()):
            place = names.get(name)
            if place is not None and place not in found:
                found.add(place)
                waiting.append(contained[place])
    return found


def _moved(finding: Finding, here: str, at: str, places: list[int]) -> Finding:
    """A finding named from the Task, in which the referral contains nothing itself."""
    inner = finding.expression.removeprefix(here)
    found = _CONTAINED.match(inner)
    if found is None:
        return finding
    place = places[int(found["place"])]
    return replace(finding, expression=f"{at}.contained[{place}]{inner[found.end() :]}")
