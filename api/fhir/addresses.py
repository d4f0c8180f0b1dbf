"""Every address under /fhir/R4: those of the types follow from what is served, operations are listed one by one."""

from collections.abc import Iterator

from django.urls import URLPattern, path, re_path

from api.fhir import (
    bundle,
    definitions,
    export,
    interactions,
    match,
    metadata,
    process_message,
    referral_operations,
    subscription_operations,
    validate,
)
from api.fhir.kinds import Kind
from api.fhir.served import KINDS, VALIDATED
from integrations.fhir.definitions import catalogue

_FHIR = "fhir/R4"

# What stands behind the type, and the view of it. A fixed word must come before an id.
_OF_A_TYPE = (
    ("", interactions.Collection, "collection"),
    ("/_search", interactions.Search, "search"),
    ("/_history", interactions.TypeHistory, "type-history"),
    ("/<str:resource_id>", interactions.Instance, "instance"),
    ("/<str:resource_id>/_history", interactions.InstanceHistory, "history"),
    ("/<str:resource_id>/_history/<int:version>", interactions.Version, "version"),
)

_OF_DEFINITIONS = (
    ("", definitions.Definitions, "collection"),
    ("/_search", definitions.DefinitionsByForm, "search"),
    ("/<str:resource_id>", definitions.Definition, "instance"),
)
_OF_VALIDATION = (("/$validate", validate.ValidateType, "validate"),)
_OF_VALIDATION_OF_ONE = (
    ("/<str:resource_id>/$validate", validate.ValidateInstance, "instance-validate"),
)

_OPERATIONS = (
    ("metadata", metadata.Metadata, "metadata"),
    (".well-known/smart-configuration", metadata.SmartConfiguration, "smart"),
    ("$process-message", process_message.ProcessMessage, "process-message"),
    ("HealthcareService/$match", match.Match, "match"),
    ("Subscription/$status", subscription_operations.TypeStatus, "subscriptions-status"),
    (
        "Subscription/<str:resource_id>/$status",
        subscription_operations.InstanceStatus,
        "subscription-status",
    ),
    (
        "Subscription/<str:resource_id>/$events",
        subscription_operations.Events,
        "subscription-events",
    ),
    ("Patient/<str:resource_id>/$everything", referral_operations.Everything, "everything"),
    ("ServiceRequest/<str:resource_id>/$events", referral_operations.Events, "events"),
    (
        "ServiceRequest/<str:resource_id>/$available-actions",
        referral_operations.RequestActions,
        "request-actions",
    ),
    ("Task/<str:resource_id>/$available-actions", referral_operations.TaskActions, "task-actions"),
    ("$export", export.SystemExport, "export"),
    ("Patient/$export", export.PatientExport, "patient-export"),
    ("Group/<str:resource_id>/$export", export.GroupExport, "group-export"),
    ("export/<str:resource_id>", export.Status, "export-status"),
    ("export/<str:resource_id>/<int:number>.ndjson", export.File, "export-file"),
)


def _of(kind: Kind) -> Iterator[URLPattern]:
    """The addresses of one type, for those interactions that it has."""
    addresses: list[tuple[str, type[interactions.KindView], str]]
    addresses = [(f"{kind.resource_type}{rest}", view, name) for rest, view, name in _OF_A_TYPE]
    if any("patient" in source.reads for source in kind.sources):
        place = f"Patient/<str:patient_id>/{kind.resource_type}"
        addresses.append((place, interactions.Compartment, "compartment"))
    for place, view, name in addresses:
        if made := view.for_kind(kind):
            yield path(f"{_FHIR}/{place}", made.as_view(), name=f"fhir-{kind.resource_type}-{name}")


ADDRESSES = [
    re_path(rf"^{_FHIR}/?$", bundle.Transaction.as_view(), name="fhir-transaction"),
    *(
        path(f"{_FHIR}/{rest}", view.as_view(), name=f"fhir-{name}")
        for rest, view, name in _OPERATIONS
    ),
    *(
        path(f"{_FHIR}/{name}{rest}", view.as_view(resource_type=name), name=f"fhir-{name}-{what}")
        for names, views in (
            (VALIDATED, _OF_VALIDATION),
            (KINDS, _OF_VALIDATION_OF_ONE),
            (catalogue.TYPES, _OF_DEFINITIONS),
        )
        for name in names
        for rest, view, what in views
    ),
    # An operation that there is not would otherwise pass for an id.
    re_path(rf"^{_FHIR}/(.*/)?\$[^/]*$", metadata.NotServed.as_view(), name="fhir-no-operation"),
    *(address for kind in KINDS.values() for address in _of(kind)),
    re_path(r"^fhir(/.*)?$", metadata.NotServed.as_view(), name="fhir-not-served"),
]
