"""The CapabilityStatement: what this server really does, taken from the list of what is served."""

from datetime import date as calendar_date
from typing import Any

from integrations.fhir.served import RESOURCES, SYSTEM_INTERACTIONS, Served
from integrations.fhir.systems import RESTFUL_SECURITY, fhir_base


def capability_statement(*, base_url: str, version: str, date: calendar_date) -> dict[str, Any]:
    """``version`` is that of this software, ``date`` the day it was released."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date.isoformat(),
        "kind": "instance",
        "software": {"name": "Peer Referrals", "version": version},
        "implementation": {
            "description": "Referral from general practice to moderated online peer support",
            "url": fhir_base(base_url),
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(),
                "resource": [_resource(served) for served in RESOURCES],
                "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS],
            }
        ],
    }


def _security() -> dict[str, Any]:
    coding = {"system": RESTFUL_SECURITY, "code": "SMART-on-FHIR"}
    text = "SMART Backend Services: client credentials with a signed JWT."
    return {"service": [{"coding": [coding]}], "description": text}


def _resource(served: Served) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "type": served.resource_type,
        "interaction": [{"code": code} for code in served.interactions],
        "versioning": served.versioning,
        "conditionalCreate": served.takes_condition,
        "conditionalUpdate": False,
    }
    if served.search_parameters:
        resource["searchParam"] = [
            {"name": parameter.name, "type": parameter.type}
            for parameter in served.search_parameters
        ]
    return resource
