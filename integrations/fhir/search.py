"""Search answers."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from integrations.fhir.systems import fhir_base


def searchset(
    found: Sequence[dict[str, Any]],
    *,
    base_url: str,
    query: Mapping[str, str],
    resource_type: str,
    total: int | None = None,
    following: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A Bundle of what was found; its self link says which parameters were used.

    Where ``found`` is one page of several, ``total`` counts them all and ``following`` asks for the next page.
    """
    base = fhir_base(base_url)
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found) if total is None else total,
        "link": [
            {"relation": relation, "url": f"{base}/{resource_type}?{urlencode(parameters)}"}
            for relation, parameters in (("self", query), ("next", following))
            if parameters
        ],
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
