"""Provenance and AuditEvent: read only."""

from api.fhir.kinds import Kind
from integrations.fhir.sources import evidence

PROVENANCE = Kind(resource_type="Provenance", sources=(evidence.PROVENANCE,))
AUDIT_EVENT = Kind(resource_type="AuditEvent", sources=(evidence.AUDIT_EVENT,))
