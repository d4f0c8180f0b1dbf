"""The list of an export's files, as the Bulk Data guide has it."""

from typing import Any
from uuid import UUID

from integrations.fhir.exports.models import Export
from integrations.fhir.exports.selectors import files_of
from integrations.fhir.rendering import instant
from integrations.fhir.systems import fhir_base


def address_of(export_id: UUID, *, base_url: str) -> str:
    """Where an export is asked after."""
    return f"{fhir_base(base_url)}/export/{export_id}"


def manifest(export: Export, *, base_url: str) -> dict[str, Any]:
    """What was exported, of which moment, and where the files are."""
    place = address_of(export.pk, base_url=base_url)
    return {
        "transactionTime": instant(export.until),
        "request": export.request,
        "requiresAccessToken": True,
        "output": [
            {
                "type": file.resource_type,
                "url": f"{place}/{file.number}.ndjson",
                "count": file.resource_count,
            }
            for file in files_of(export)
        ],
        "error": [],
    }
