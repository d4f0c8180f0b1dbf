"""$validate: everything that a create or an update would check, and nothing stored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.fhir import (
    bundle,
    checking,
    fields,
    patient,
    schema,
    service_request,
    task_request,
)
from integrations.fhir.asked import Takes
from integrations.fhir.bars import reading
from integrations.fhir.outcome import Finding, Refused, malformed, unprocessable
from integrations.fhir.subject import nothing_to_resolve
from integrations.fhir.systems import own_profile

R4_PROFILES = "http://hl7.org/fhir/StructureDefinition/"
MODES = ("create", "update", "delete", "profile")
# What this service asks of a type beyond R4, by the last part of the profile's canonical.
OWN_PROFILES = {
    "ServiceRequest": "peer-support-referral",
    "Patient": "referred-patient",
    "Task": "referral-task",
    "Bundle": "referral-transaction",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be validated: a resource, as what (``mode``) and by which profile; empty: not said."""

    resource: dict[str, Any]
    mode: str = ""
    profile: str = ""


def wanted(body: dict[str, Any], *, mode: str = "", profile: str = "") -> Wanted:
    """The body of a $validate: the resource itself, or Parameters with ``resource``, ``mode`` and ``profile``.

    ``mode`` and ``profile`` are those of the address, which count where the body says none. Raises Refused (400).
    """
    if body.get("resourceType") != "Parameters":
        return Wanted(resource=body, mode=mode, profile=profile)
    parts = {fields.text(part, "name"): part for part in fields.children(body, "parameter")}
    resource = fields.child(parts.get("resource", {}), "resource")
    if not resource:
        text = "$validate needs a parameter named resource that holds the resource."
        raise Refused(400, [malformed("required", text, "Parameters.parameter")])
    profiles = parts.get("profile", {})
    return Wanted(
        resource=resource,
        mode=fields.text(parts.get("mode", {}), "valueCode") or mode,
        profile=fields.text(profiles, "valueUri")
        or fields.text(profiles, "valueCanonical")
        or profile,
    )


def _nothing_more(_content: object) -> list[Finding]:
    return []


def validate(
    asked: Wanted,
    *,
    resource_type: str,
    takes: Takes,
    is_strict: bool = False,
    base_url: str,
    also: Callable[[object], list[Finding]] = _nothing_more,
) -> list[Finding]:
    """Every finding about a resource of any type; without a profile by R4 and by what this service asks.

    A Bundle of type message is read as one to be processed. ``takes`` says what the entries of a transaction may ask;
    ``also`` is what stands against what was read.
    """
    if faults := _faults_of_question(asked, resource_type, base_url):
        return faults
    is_message = not asked.profile and fields.text(asked.resource, "type") == "message"
    is_r4_only = _unversioned(asked.profile) == f"{R4_PROFILES}{resource_type}"
    read = _readers(asked.mode, takes, base_url).get(resource_type)
    if resource_type == "Bundle" and is_message:
        read = partial(reading.read, base_url=base_url, is_strict=is_strict)
    if read is None or is_r4_only:
        return checking.check(asked.resource, resource_type=resource_type, is_strict=is_strict)
    try:
        accepted = checking.accept(
            asked.resource,
            resource_type=resource_type,
            read=read,
            base_url=base_url,
            is_strict=is_strict,
        )
    except Refused as refusal:
        return list(refusal.findings)
    warnings = getattr(accepted.content, "warnings", ())
    return [*accepted.warnings, *warnings, *also(accepted.content)]


def _faults_of_question(asked: Wanted, resource_type: str, base_url: str) -> list[Finding]:
    faults = []
    if asked.mode and asked.mode not in MODES:
        text = f"The mode must be one of: {', '.join(MODES)}."
        faults.append(unprocessable("code-invalid", text))
    elif asked.mode == "delete":
        faults.append(unprocessable("not-supported", "Nothing is deleted here on request."))
    elif asked.mode == "profile" and not asked.profile:
        faults.append(unprocessable("required", "The mode profile needs a profile."))
    known = [f"{R4_PROFILES}{resource_type}"] if schema.is_resource(resource_type) else []
    if resource_type in OWN_PROFILES:
        known.append(own_profile(base_url, OWN_PROFILES[resource_type]))
    if asked.profile and _unversioned(asked.profile) not in known:
        text = f"Only these profiles are known here: {', '.join(known)}."
        faults.append(unprocessable("not-supported", text))
    return faults


def _readers(
    mode: str, takes: Takes, base_url: str
) -> dict[str, Callable[[dict[str, Any]], object]]:
    """What reads a resource of each type that this service takes, as a create or an update does."""
    is_update = mode == "update"
    statuses = service_request.AMENDABLE if is_update else service_request.NEW_STATUSES
    return {
        "Patient": patient.read,
        "ServiceRequest": partial(
            service_request.read,
            base_url=base_url,
            resolve=nothing_to_resolve,
            statuses=statuses,
        ),
        "Task": partial(task_request.read_amended, base_url=base_url)
        if is_update
        else partial(task_request.read, base_url=base_url),
        "Bundle": partial(bundle.read_transaction, takes=takes, base_url=base_url),
    }


def _unversioned(canonical: str) -> str:
    return canonical.partition("|")[0]
