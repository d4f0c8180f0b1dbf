"""What every resource we write has in common: meta, instants, versions."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from integrations.fhir import fields
from integrations.fhir.systems import fhir_base

_OURS = {"versionId", "lastUpdated"}


def instant(at: datetime) -> str:
    """A FHIR instant in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def etag(version: int) -> str:
    """The weak ETag of a version."""
    return f'W/"{version}"'


def location(resource_type: str, pk: UUID, version: int, *, base_url: str) -> str:
    """Where a resource is to be read at a version."""
    return f"{fhir_base(base_url)}/{resource_type}/{pk}/_history/{version}"


def with_server_elements(
    document: dict[str, Any], *, pk: UUID, version: int, at: datetime
) -> dict[str, Any]:
    """A received document with our id and version in place of the sender's."""
    sent = fields.child(document, "meta")
    meta = {"versionId": str(version), "lastUpdated": instant(at)}
    meta |= {name: value for name, value in sent.items() if name.removeprefix("_") not in _OURS}
    first = {"resourceType": document["resourceType"], "id": str(pk), "meta": meta}
    return first | {name: value for name, value in document.items() if name not in first}
