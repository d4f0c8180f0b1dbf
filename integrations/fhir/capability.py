"""The CapabilityStatement: what this server really does, taken from the list of what is served."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date as calendar_date
from typing import Any, Protocol

from integrations.fhir.bars import workflow
from integrations.fhir.searching.query import sortable_by
from integrations.fhir.searching.source import Source
from integrations.fhir.systems import (
    MESSAGE_TRANSPORT,
    OAUTH_URIS,
    PATIENT_COMPARTMENT,
    RESTFUL_SECURITY,
    fhir_base,
    own_profile,
)
from integrations.fhir.validating import OWN_PROFILES

SORTABLE = "Searches can be sorted by it, with _sort."
_FORMATS = ["application/fhir+json", "json"]

_SDOHCC = "http://hl7.org/fhir/us/sdoh-clinicalcare/SearchParameter"
# Search parameters that R4 does not have, with the definition that is followed.
_DEFINED = {
    ("ServiceRequest", "supporting-info"): f"{_SDOHCC}/ServiceRequest-supporting-info",
    ("Task", "output"): f"{_SDOHCC}/Task-output-reference",
}


class Served(Protocol):
    """A resource type and what can be done with it."""

    @property
    def resource_type(self) -> str: ...
    @property
    def interactions(self) -> tuple[str, ...]: ...
    @property
    def search_parameters(self) -> Mapping[str, str]: ...
    @property
    def sources(self) -> tuple[Source, ...]: ...
    @property
    def versions(self) -> tuple[Source, ...]: ...
    @property
    def documentation(self) -> str: ...
    @property
    def takes_condition(self) -> bool: ...
    @property
    def operations(self) -> Mapping[str, str]: ...


def capability_statement(
    served: Collection[Served],
    *,
    system_interactions: Iterable[str],
    system_operations: Mapping[str, str],
    base_url: str,
    version: str,
    date: calendar_date,
) -> dict[str, Any]:
    """``version`` is that of this software, ``date`` the day it was released."""
    base = fhir_base(base_url)
    rest = _rest(served, base_url) | {"interaction": [{"code": one} for one in system_interactions]}
    if system_operations:
        rest["operation"] = _operations(system_operations)
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base}/metadata",
        "version": version,
        "name": "PeerReferrals",
        "title": "Peer Referrals",
        "status": "active",
        "date": date.isoformat(),
        "kind": "instance",
        "software": {"name": "Peer Referrals", "version": version},
        "implementation": {
            "description": "Referral from general practice to moderated online peer support",
            "url": base,
        },
        "fhirVersion": "4.0.1",
        "format": _FORMATS,
        "patchFormat": ["application/json-patch+json"],
        "rest": [rest],
        "messaging": [_messaging(base)],
    }


def _rest(served: Collection[Served], base_url: str) -> dict[str, Any]:
    rest: dict[str, Any] = {
        "mode": "server",
        "security": _security(base_url),
        "resource": [_resource(one, served, base_url) for one in served],
    }
    if any("patient" in source.reads for one in served for source in one.sources):
        rest["compartment"] = [PATIENT_COMPARTMENT]
    return rest


def _security(base_url: str) -> dict[str, Any]:
    # The extension is how clients found the token endpoint before .well-known/smart-configuration; some still do.
    token = {"url": "token", "valueUri": f"{base_url}/oauth2/token"}
    return {
        "extension": [{"url": OAUTH_URIS, "extension": [token]}],
        "service": [{"coding": [{"system": RESTFUL_SECURITY, "code": "SMART-on-FHIR"}]}],
        "description": "SMART Backend Services: client credentials with a signed JWT.",
    }


def _messaging(base: str) -> dict[str, Any]:
    # supportedMessage would need a MessageDefinition: the published ones ask for more than is asked for here.
    return {
        "endpoint": [
            {
                "protocol": {"system": MESSAGE_TRANSPORT, "code": "http"},
                "address": f"{base}/$process-message",
            }
        ],
        "documentation": (
            f"Receives messages with an event of {workflow.EVENTS}, answered at once. By event, reason and"
            f" ServiceRequest.status: {'; '.join(workflow.carried_out())}. Sends none of its own accord."
        ),
    }


def _resource(one: Served, served: Collection[Served], base_url: str) -> dict[str, Any]:
    own = OWN_PROFILES.get(one.resource_type)
    resource: dict[str, Any] = {
        "type": one.resource_type,
        "supportedProfile": [own_profile(base_url, own)] if own else [],
        "documentation": one.documentation,
        "interaction": [{"code": code} for code in one.interactions],
        "versioning": "versioned-update" if "update" in one.interactions else "versioned",
        "readHistory": bool(one.versions),
        "updateCreate": False,
        "conditionalCreate": one.takes_condition,
        "conditionalRead": "full-support" if one.sources else "not-supported",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchInclude": sorted({include for include, _ in _references(one)}),
        "searchRevInclude": sorted(
            {
                include
                for other in served
                for include, target in _references(other)
                if target == one.resource_type
            }
        ),
        "searchParam": list(_parameters(one)),
        "operation": _operations(one.operations),
    }
    if not one.versions:
        resource["versioning"] = "no-version"
    return {name: value for name, value in resource.items() if value not in ([], "")}


def _parameters(one: Served) -> Iterator[dict[str, str]]:
    sortable = sortable_by(one.sources)
    for name, kind in sorted(one.search_parameters.items()):
        parameter = {"name": name, "type": kind}
        if definition := _DEFINED.get((one.resource_type, name)):
            parameter["definition"] = definition
        if name in sortable:
            parameter["documentation"] = SORTABLE
        yield parameter


def _references(one: Served) -> Iterator[tuple[str, str]]:
    """What can be included from a type, with each type that it leads to."""
    for source in one.sources:
        for name in source.reads:
            if found := source.reference(name):
                for target in found.targets:
                    yield f"{one.resource_type}:{name}", target


def _operations(operations: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "definition": definition} for name, definition in sorted(operations.items())
    ]
