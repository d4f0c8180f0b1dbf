"""ServiceRequest: a peer-support referral read from it, and laid back over what was received."""

from collections.abc import Callable, Iterator
from typing import Any

from integrations.fhir import fields, limits, needs, requester, rows, terms, told, wire
from integrations.fhir import subject as subjects
from integrations.fhir.outcome import Finding, Refused, unprocessable
from integrations.fhir.rendering import with_server_elements
from integrations.fhir.systems import NHS_NUMBER, SNOMED, normalise, own, own_identifier
from referrals.intake import Coding, Identifier, NewReferral

INTENTS = ("order", "plan", "filler-order")
NEW_STATUSES = ("draft", "active")
# What the requester may send of a referral that is held here; which moves are open is the life cycle's to say.
AMENDABLE = (*NEW_STATUSES, "revoked", "entered-in-error", "on-hold", "completed")
TAKEN_BACK = ("revoked", "entered-in-error")
# "Referral to support group": a candidate that was seen in one public value set only, and not yet
# compared with a SNOMED CT release.
SUPPORT_GROUP = "711281004"
_DO_NOT_CONTACT = "contacting-subject-prohibited"


def read(
    resource: dict[str, Any],
    *,
    base_url: str,
    resolve: Callable[[str], dict[str, Any] | None],
    at: str = "ServiceRequest",
    statuses: tuple[str, ...] = NEW_STATUSES,
) -> NewReferral:
    """A ServiceRequest that passed the checks; Refused (422) with all that bars it.

    ``resolve`` finds what was sent along; ``at`` is the FHIRPath of faults; ``statuses`` are those that may be sent.
    """
    reasons = _reasons(resource)
    faults = [*_status_faults(resource, statuses, at), *_faults(resource, reasons, base_url, at)]
    subject = _subject(resource, faults, base_url=base_url, resolve=resolve, at=at)
    asking, stated = requester.read(resource, resolve=resolve), needs.read(resource, base_url)
    said = told.read(resource, resolve=resolve)
    return NewReferral(
        document=wire.dump(resource).decode(),
        subject=subject,
        intent=fields.text(resource, "intent"),
        status=fields.text(resource, "status"),
        priority=fields.text(resource, "priority") or "routine",
        authored_on=fields.text(resource, "authoredOn"),
        identifiers=_given_identifiers(resource, base_url),
        reasons=reasons,
        requester_name=asking.name,
        requester_ods=asking.ods_code,
        is_contact_prohibited=_is_contact_prohibited(resource),
        is_patient_contained=subjects.is_contained(resource),
        terms=terms.of("ServiceRequest", resource, base_url=base_url),
        reason_text=_reason_text(resource),
        preferences=stated.preferences,
        has_acute_risk=stated.has_acute_risk,
        texts=said.texts,
        indications=said.codings,
    )


def _subject(
    resource: dict[str, Any],
    faults: list[Finding],
    *,
    base_url: str,
    resolve: subjects.Resolve,
    at: str,
) -> subjects.Subject:
    """The patient. Raises Refused with the faults that were found before, and its own."""
    try:
        subject = subjects.read(resource, base_url=base_url, resolve=resolve, at=at)
    except Refused as refusal:
        raise Refused(422, [*faults, *refusal.findings]) from None
    if faults:
        raise Refused(422, faults)
    return subject


def render(referral: rows.Referral, change: rows.Change, *, base_url: str) -> dict[str, Any]:
    """The referral as received, with the elements that this service owns laid over it."""
    received = wire.load(change.request_document.text)
    rendered = with_server_elements(received, pk=referral.pk, version=change.version, at=change.at)
    rendered["status"] = change.status
    ours = own_identifier(base_url, "referral")
    # A sender may have copied our reference from an answer: it is not to stand there twice.
    theirs = [i for i in fields.children(received, "identifier") if i.get("system") != ours]
    rendered["identifier"] = [*theirs, {"system": ours, "value": referral.reference}]
    if not subjects.is_contained(received):
        patient = {"reference": f"Patient/{referral.patient_id}"}
        rendered["subject"] = fields.child(received, "subject") | patient
    return rendered


def _status_faults(
    resource: dict[str, Any], statuses: tuple[str, ...], at: str
) -> Iterator[Finding]:
    if fields.text(resource, "status") not in statuses:
        text = f"The status of this referral must be one of: {', '.join(statuses)}."
        yield unprocessable("business-rule", text, f"{at}.status")


def _purpose_faults(resource: dict[str, Any], base_url: str, at: str) -> Iterator[Finding]:
    """What makes it no referral to peer support."""
    if fields.text(resource, "intent") not in INTENTS:
        text = f"The intent of a referral must be one of: {', '.join(INTENTS)}."
        yield unprocessable("business-rule", text, f"{at}.intent")
    if resource.get("doNotPerform") is True:
        text = "A request not to do something is not a referral. Leave out doNotPerform."
        yield unprocessable("business-rule", text, f"{at}.doNotPerform")
    wanted = {(own(base_url, "referral-type"), "peer-support"), (SNOMED, SUPPORT_GROUP)}
    codings = {(c.system, c.code) for c in _codings(fields.child(resource, "code"))}
    if wanted.isdisjoint(codings):
        choices = " or ".join(f"{system}|{code}" for system, code in sorted(wanted))
        text = f"The code must say that this is a peer-support referral: {choices}."
        yield unprocessable("code-invalid", text, f"{at}.code")


def _faults(
    resource: dict[str, Any], reasons: tuple[Coding, ...], base_url: str, at: str
) -> Iterator[Finding]:
    """What bars it whatever its status."""
    yield from _purpose_faults(resource, base_url, at)
    yield from _reason_faults(resource, reasons, at)
    yield from _identifier_faults(resource, at)
    yield from _length_faults(resource, at)
    yield from needs.faults(resource, base_url=base_url, at=at)


def _reason_faults(
    resource: dict[str, Any], reasons: tuple[Coding, ...], at: str
) -> Iterator[Finding]:
    if reasons:
        return
    if resource.get("reasonCode"):
        text = "The reason is text only. Send it as reasonCode.coding with a system and a code."
    elif resource.get("reasonReference"):
        text = "reasonReference cannot be followed. Send the condition as reasonCode.coding."
    else:
        text = "A reason is needed: reasonCode.coding with a system and a code."
    yield unprocessable("required", text, f"{at}.reasonCode")


def _identifier_faults(resource: dict[str, Any], at: str) -> Iterator[Finding]:
    """A referral's identifiers are kept in clear, so that a second one is found: nobody's NHS number may be there."""
    for place, identifier in fields.indexed(resource, "identifier"):
        if normalise(fields.text(identifier, "system")) == NHS_NUMBER:
            text = (
                "An identifier of the referral is wanted here."
                " The patient's NHS number belongs in subject or in Patient.identifier."
            )
            yield unprocessable("business-rule", text, f"{at}.identifier[{place}]")


def _length_faults(resource: dict[str, Any], at: str) -> Iterator[Finding]:
    authored_on = fields.text(resource, "authoredOn")
    yield from limits.check(authored_on, longest=limits.DATE_TIME, at=f"{at}.authoredOn")
    for place, identifier in fields.indexed(resource, "identifier"):
        for name in ("system", "value"):
            value, here = fields.text(identifier, name), f"{at}.identifier[{place}].{name}"
            yield from limits.check(value, longest=limits.IDENTIFIER, at=here)


def _reasons(resource: dict[str, Any]) -> tuple[Coding, ...]:
    concepts = fields.children(resource, "reasonCode")
    return tuple(coding for concept in concepts for coding in _codings(concept))


def _reason_text(resource: dict[str, Any]) -> str:
    """Why a referral is taken back: BaRS puts it, in words alone, beside the coded reasons for the referral."""
    if fields.text(resource, "status") not in TAKEN_BACK:
        return ""
    concepts = fields.children(resource, "reasonCode")
    texts = (fields.text(concept, "text") for concept in concepts if "coding" not in concept)
    return next(filter(None, texts), "")


def _codings(concept: dict[str, Any]) -> list[Coding]:
    """The codings of a CodeableConcept that name both a system and a code."""
    return [
        Coding(
            system=normalise(fields.text(coding, "system")),
            code=fields.text(coding, "code"),
            display=fields.text(coding, "display"),
        )
        for coding in fields.children(concept, "coding")
        if fields.text(coding, "system") and fields.text(coding, "code")
    ]


def _given_identifiers(resource: dict[str, Any], base_url: str) -> tuple[Identifier, ...]:
    """Those of the sender: what was read here and is sent back bears our own reference, too."""
    ours = own_identifier(base_url, "referral")
    return tuple(one for one in identifiers_of(resource) if one.system != ours)


def identifiers_of(resource: dict[str, Any]) -> tuple[Identifier, ...]:
    """The identifiers that have a value, each system in its canonical spelling."""
    return tuple(
        Identifier(
            system=normalise(fields.text(identifier, "system")),
            value=fields.text(identifier, "value"),
        )
        for identifier in fields.children(resource, "identifier")
        if fields.text(identifier, "value")
    )


def _is_contact_prohibited(resource: dict[str, Any]) -> bool:
    # Whatever the system: to contact someone in danger is worse than to leave them uncontacted.
    return any(
        fields.text(coding, "code") == _DO_NOT_CONTACT
        for concept in fields.children(resource, "orderDetail")
        for coding in fields.children(concept, "coding")
    )
