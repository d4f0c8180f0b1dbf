"""The NHSD headers of a BaRS request: who sends and to whom, as JSON in Base64."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from integrations.fhir import fields, wire
from integrations.fhir.identifiers import ods_code_of
from integrations.fhir.outcome import Finding, Refused, malformed

ORGANISATION = "NHSD-End-User-Organisation"
TARGET = "NHSD-Target-Identifier"
_RESOURCES = {
    ORGANISATION: "Organization",
    "NHSD-Requesting-Practitioner": "PractitionerRole",
    "NHSD-Requesting-Software": "Device",
}


def check(headers: Mapping[str, str], *, ods_code: str) -> None:
    """Refuse headers that were sent and cannot be right: 400 for what they are, 403 for another's organisation.

    ``ods_code`` is that of the organisation for which the client is registered.
    """
    sent = {name: _decoded(headers[name]) for name in (*_RESOURCES, TARGET) if name in headers}
    if faults := list(_faults(sent)):
        raise Refused(400, faults)
    organisation = sent.get(ORGANISATION)
    if organisation and _ods_code(organisation).upper() != ods_code.upper():
        text = f"{ORGANISATION} names another organisation than this client is registered for."
        raise Refused(403, [Finding("error", "forbidden", text, details="REC_FORBIDDEN")])


def _decoded(value: str) -> dict[str, Any] | None:
    """The JSON object in a header, or None where there is none."""
    try:
        return wire.parse(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, Refused):
        return None


def _faults(sent: Mapping[str, dict[str, Any] | None]) -> Iterator[Finding]:
    for name, content in sent.items():
        if content is None:
            yield malformed("invalid", f"{name} must be a JSON object in Base64.")
        elif name == TARGET:
            if not (fields.text(content, "system") and fields.text(content, "value")):
                yield malformed("invalid", f"{name} must have a system and a value.")
        elif content.get("resourceType") != _RESOURCES[name]:
            yield malformed("invalid", f"{name} must be a resource of type {_RESOURCES[name]}.")
        elif name == ORGANISATION and not _ods_code(content):
            yield malformed("required", f"{name} must have an ODS code among its identifiers.")


def _ods_code(organisation: dict[str, Any]) -> str:
    return ods_code_of(fields.children(organisation, "identifier"))
