"""Location: an area that communities serve, as a jurisdiction without walls."""

from datetime import date
from typing import Any

from communities.models import Area
from integrations.fhir.rendering import instant
from integrations.fhir.systems import (
    LOCATION_PHYSICAL_TYPE,
    ODS_ORGANIZATION_CODE,
    own,
    own_identifier,
)

KINDS = {
    "nation": "Nation",
    "icb": "Area of an integrated care board",
    "lad": "Local authority",
}
_JURISDICTION = {"system": LOCATION_PHYSICAL_TYPE, "code": "jdn", "display": "Jurisdiction"}


def render(row: Area, *, base_url: str, day: date) -> dict[str, Any]:
    """Which area it is. Our own identifier names it as the directory does: ``lad:`` and its ONS code, for one."""
    identifiers = [{"system": own_identifier(base_url, "area"), "value": row.place}]
    if row.kind == "icb":
        identifiers.append({"system": ODS_ORGANIZATION_CODE, "value": row.code})
    is_there = row.valid_to is None or row.valid_to >= day
    coding = {"system": own(base_url, "area-kind"), "code": row.kind, "display": KINDS[row.kind]}
    return {
        "resourceType": "Location",
        "id": str(row.pk),
        "meta": {"lastUpdated": instant(row.updated_at)},
        "identifier": identifiers,
        "status": "active" if is_there else "inactive",
        "name": row.name,
        "mode": "instance",
        "type": [{"coding": [coding]}],
        "physicalType": {"coding": [_JURISDICTION]},
    }
