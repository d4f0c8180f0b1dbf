"""Search answers."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from integrations.fhir.systems import fhir_base


def searchset(
    found: Sequence[dict[str, Any]], *, base_url: str, query: Mapping[str, str], resource_type: str
) -> dict[str, Any]:
    """A Bundle of what was found; its self link says which parameters were used."""
    base = fhir_base(base_url)
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": f"{base}/{resource_type}?{urlencode(query)}"}],
    }
    if found:
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/{resource_type}/{resource['id']}",
                "resource": resource,
                "search": {"mode": "match"},
            }
            for resource in found
        ]
    return bundle
