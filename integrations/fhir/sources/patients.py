"""Patient: as each practice sent it, at every version."""

from typing import Any

from django.db.models import Q

from audit.models import Action
from integrations.fhir import patient, wire
from integrations.fhir.rendering import with_server_elements
from integrations.fhir.searching.reads import NOTHING, Codes, Identifiers, Ids, Reads
from integrations.fhir.searching.source import Row, Source
from integrations.fhir.systems import ADMINISTRATIVE_GENDER, NHS_NUMBER
from referrals import selectors
from referrals.nhs_numbers import nhs_number_hashes


def by_nhs_number(column: str) -> Identifiers:
    """Rows whose patient, at the end of ``column``, has an NHS number; it is kept as a keyed hash only."""

    def find(system: str | None, value: str) -> Q:
        if system not in (None, NHS_NUMBER):
            return NOTHING
        if not value:
            return ~Q(**{column: ""})
        digits = value.replace(" ", "").replace("-", "")
        return Q(**{f"{column}__in": nhs_number_hashes(digits)})

    # Other identifiers are not kept apart: who has no NHS number may have one of those.
    return Identifiers(find=find, absent=None)


def reads(prefix: str = "") -> dict[str, Reads]:
    """What a Patient is searched by, where ``prefix`` leads to it from the row."""
    return {
        "identifier": by_nhs_number(f"{prefix}nhs_number_hash"),
        "gender": Codes(column=f"{prefix}gender", systems=(ADMINISTRATIVE_GENDER,)),
    }


def _show(row: Row, base_url: str) -> dict[str, Any]:
    return patient.render(row, base_url=base_url)


def _show_version(row: Row, base_url: str) -> dict[str, Any]:
    del base_url  # a Patient holds no address of ours
    return with_server_elements(
        wire.load(row.document), pk=row.patient_id, version=row.version, at=row.at
    )


SOURCE = Source(
    resource_type="Patient",
    rows=selectors.visible_patients,
    key_column="pk",
    moment_column="updated_at",
    version="version",
    show=_show,
    reads=reads(),
    trace=lambda row: (Action.PATIENT_READ, f"Patient/{row.pk}"),
)
VERSIONS = Source(
    resource_type="Patient",
    rows=selectors.patient_versions,
    key_column="pk",
    key=int,
    moment_column="at",
    version="version",
    show=_show_version,
    name=lambda row: str(row.patient_id),
    ids=Ids(column="patient_id"),
    trace=lambda row: (Action.PATIENT_READ, f"Patient/{row.patient_id}"),
)
