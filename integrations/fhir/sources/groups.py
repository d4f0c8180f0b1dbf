"""Group: all patients of a practice, so that they can be exported as one. Who they are is not in it, and not counted."""

from typing import Any

from integrations.fhir.exports.selectors import groups_of
from integrations.fhir.rendering import instant
from integrations.fhir.searching.reads import Always
from integrations.fhir.searching.source import Row, Source
from integrations.fhir.systems import ODS_ORGANIZATION_CODE

_GROUP_TYPE = "http://hl7.org/fhir/group-type"


def _show(row: Row, base_url: str) -> dict[str, Any]:
    del base_url  # a Group names its organisation by ODS code
    return {
        "resourceType": "Group",
        "id": str(row.pk),
        "meta": {"versionId": "1", "lastUpdated": instant(row.updated_at)},
        "active": True,
        "type": "person",
        "actual": True,
        "name": f"Patients whom {row.name} has sent",
        "managingEntity": {
            "type": "Organization",
            "identifier": {"system": ODS_ORGANIZATION_CODE, "value": row.ods_code},
            "display": row.name,
        },
    }


SOURCE = Source(
    resource_type="Group",
    rows=groups_of,
    key_column="pk",
    moment_column="updated_at",
    show=_show,
    reads={
        "type": Always(tokens=((_GROUP_TYPE, "person"),)),
        "actual": Always(tokens=(("", "true"),)),
    },
)
