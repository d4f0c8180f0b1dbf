"""Everything that the FHIR endpoint serves: the one list behind the routes, the searches and the CapabilityStatement."""

from dataclasses import replace

from api.fhir import (
    definitions,
    directory,
    evidence,
    export,
    group,
    patient,
    process_message,
    service_request,
    subscription,
    task,
)
from api.fhir.kinds import Kind, Plain

# R4's own operation, served for every type that is kept here and for Bundle.
_VALIDATE = {"validate": "http://hl7.org/fhir/OperationDefinition/Resource-validate"}

KINDS: dict[str, Kind] = {
    kind.resource_type: replace(kind, operations={**kind.operations, **_VALIDATE})
    for kind in (
        patient.KIND,
        service_request.KIND,
        task.KIND,
        subscription.KIND,
        evidence.PROVENANCE,
        evidence.AUDIT_EVENT,
        directory.HEALTHCARE_SERVICE,
        directory.LOCATION,
        directory.ORGANIZATION,
        group.KIND,
    )
}
SOURCES = {name: kind.sources for name, kind in KINDS.items()}
SYSTEM_INTERACTIONS = ("transaction", "batch")
SYSTEM_OPERATIONS: dict[str, str] = {**process_message.OPERATION, **export.OPERATION}
VALIDATED = (*KINDS, "Bundle")
STATED: tuple[Kind | Plain, ...] = (
    *KINDS.values(),
    *definitions.KINDS,
    Plain(resource_type="Bundle", operations=_VALIDATE),
)
