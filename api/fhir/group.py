"""Group: read only, to be exported."""

from api.fhir.kinds import Kind
from integrations.fhir.sources import groups

KIND = Kind(
    resource_type="Group",
    sources=(groups.SOURCE,),
    operations={"export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export"},
)
