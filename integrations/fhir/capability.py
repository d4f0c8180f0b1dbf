"""The CapabilityStatement: what this server really does, taken from the list of what is served."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date as calendar_date
from typing import Any, Protocol

from integrations.fhir.searching.source import Source
from integrations.fhir.systems import OAUTH_URIS, PATIENT_COMPARTMENT, RESTFUL_SECURITY, fhir_base

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
    rest: dict[str, Any] = {
        "mode": "server",
        "security": _security(base_url),
        "resource": [_resource(one, served) for one in served],
        "interaction": [{"code": code} for code in system_interactions],
    }
    if any("patient" in source.reads for one in served for source in one.sources):
        rest["compartment"] = [PATIENT_COMPARTMENT]
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
    }


def _security(base_url: str) -> dict[str, Any]:
    # The extension is how clients found the token endpoint before .well-known/smart-configuration; some still do.
    token = {"url": "token", "valueUri": f"{base_url}/oauth2/token"}
    return {
        "extension": [{"url": OAUTH_URIS, "extension": [token]}],
        "service": [{"coding": [{"system": RESTFUL_SECURITY, "code": "SMART-on-FHIR"}]}],
        "description": "SMART Backend Services: client credentials with a signed JWT.",
    }


def _resource(one: Served, served: Collection[Served]) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "type": one.resource_type,
        "interaction": [{"code": code} for code in one.interactions],
        "versioning": "versioned-update" if "update" in one.interactions else "versioned",
        "readHistory": bool(one.versions),
        "updateCreate": False,
        "conditionalCreate": one.takes_condition,
        "conditionalRead": "full-support" if one.sources else "not-supported",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchInclude": sorted(_includes(one)),
        "searchRevInclude": sorted(
            include
            for other in served
            for include, target in _includes(other).items()
            if target == one.resource_type
        ),
        "searchParam": [
            {"name": name, **_defined(one.resource_type, name), "type": kind}
            for name, kind in sorted(one.search_parameters.items())
        ],
        "operation": _operations(one.operations),
    }
    if not one.versions:
        resource["versioning"] = "no-version"
    return {name: value for name, value in resource.items() if value != []}


def _defined(resource_type: str, name: str) -> dict[str, str]:
    definition = _DEFINED.get((resource_type, name))
    return {"definition": definition} if definition else {}


def _includes(one: Served) -> dict[str, str]:
    """What can be included from a type, with the type that it leads to."""
    return dict(_references(one))


def _references(one: Served) -> Iterator[tuple[str, str]]:
    for source in one.sources:
        for name in source.reads:
            if found := source.reference(name):
                yield f"{one.resource_type}:{name}", found.target


def _operations(operations: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "definition": definition} for name, definition in sorted(operations.items())
    ]
