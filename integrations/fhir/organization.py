"""Organization: a practice, an integrated care board, or the host of communities."""

from datetime import date
from typing import Any

from accounts.models import Organisation, OrganisationKind
from integrations.fhir.rendering import instant
from integrations.fhir.systems import ODS_ORGANIZATION_CODE, own

KINDS = {
    OrganisationKind.PRACTICE: "General practice",
    OrganisationKind.PCN: "Primary care network",
    OrganisationKind.ICB: "Integrated care board",
    OrganisationKind.HOST: "Host of communities",
    OrganisationKind.OPERATOR: "Operator of this service",
}


def render(row: Organisation, *, base_url: str, day: date) -> dict[str, Any]:
    """Who it is, and the board that it belongs to."""
    system = own(base_url, "organisation-kind")
    coding = {"system": system, "code": row.kind, "display": KINDS[OrganisationKind(row.kind)]}
    rendered: dict[str, Any] = {
        "resourceType": "Organization",
        "id": str(row.pk),
        "meta": {"lastUpdated": instant(row.updated_at)},
        "active": row.valid_to is None or row.valid_to >= day,
        "type": [{"coding": [coding]}],
        "name": row.name,
    }
    if row.ods_code:
        rendered["identifier"] = [{"system": ODS_ORGANIZATION_CODE, "value": row.ods_code}]
    if row.postcode:
        rendered["address"] = [{"postalCode": row.postcode}]
    if row.icb_id:
        rendered["partOf"] = {"reference": f"Organization/{row.icb_id}"}
    return rendered
