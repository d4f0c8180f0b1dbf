"""Provenance: one step of a referral that its practice was told of; who took it, when, and on whose behalf."""

from typing import Any

from integrations.fhir import rows
from integrations.fhir.rendering import instant
from integrations.fhir.systems import (
    DATA_OPERATION,
    ODS_ORGANIZATION_CODE,
    PARTICIPANT_TYPE,
    own,
    own_identifier,
)

_CREATE = {"system": DATA_OPERATION, "code": "CREATE", "display": "create"}
_UPDATE = {"system": DATA_OPERATION, "code": "UPDATE", "display": "revise"}
_AUTHOR = {"system": PARTICIPANT_TYPE, "code": "author", "display": "Author"}


def id_of(step: rows.Step) -> str:
    """The id of a step's Provenance: the referral's id, and the version that the step made."""
    return f"{step.referral_id}-{step.version}"


def render(step: rows.Step, *, base_url: str) -> dict[str, Any]:
    """What the step made, and of whom."""
    target = f"{step.referral_id}/_history/{step.version}"
    practice = step.referral.practice
    agent: dict[str, Any] = {
        "type": {"coding": [_AUTHOR]},
        "who": {"identifier": _author(step, base_url)},
    }
    if step.by.startswith("client/"):
        agent["onBehalfOf"] = {
            "type": "Organization",
            "identifier": {"system": ODS_ORGANIZATION_CODE, "value": practice.ods_code},
            "display": practice.name,
        }
    return {
        "resourceType": "Provenance",
        "id": id_of(step),
        "meta": {"versionId": "1", "lastUpdated": instant(step.at)},
        "target": [
            {"reference": f"ServiceRequest/{target}"},
            {"reference": f"Task/{target}"},
        ],
        "occurredDateTime": instant(step.at),
        "recorded": instant(step.at),
        "activity": {
            "coding": [
                _CREATE if step.version == 1 else _UPDATE,
                {"system": own(base_url, "business-status"), "code": step.business_status},
            ]
        },
        "agent": [agent],
    }


def _author(step: rows.Step, base_url: str) -> dict[str, str]:
    kind, _, name = step.by.partition("/")
    return {"system": own_identifier(base_url, kind), "value": name or kind}
