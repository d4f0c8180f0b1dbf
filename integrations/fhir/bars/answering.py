"""The message back: which message it answers, and the referral as it is kept here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from integrations.fhir.bars.reading import Message
from integrations.fhir.bars.workflow import EVENTS, NEW, REASONS, RESPONSE
from integrations.fhir.outcome import operation_outcome
from integrations.fhir.rendering import instant
from integrations.fhir.systems import fhir_base

_NAME = "Peer-support referral service"


def answer(
    message: Message,
    referral_id: UUID,
    resources: Sequence[dict[str, Any]],
    *,
    at: datetime,
    base_url: str,
) -> dict[str, Any]:
    """The answer to a message that was carried out at ``at``; the same again when it is asked for again.

    ``resources`` are the ServiceRequest and what goes with it, as they are served.
    """
    base = fhir_base(base_url)
    bundle_id = uuid5(referral_id, f"{message.bundle_id} {instant(at)}")
    header = _header(message, uuid5(bundle_id, "MessageHeader"), at=at, base=base)
    header["focus"] = [{"reference": f"{base}/ServiceRequest/{referral_id}"}]
    entries = [{"fullUrl": f"urn:uuid:{header['id']}", "resource": header}]
    for one in resources:
        entries.append({"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one})
    if message.warnings:
        outcome = uuid5(bundle_id, "OperationOutcome").urn
        header["response"]["details"] = {"reference": outcome}
        entries.append({"fullUrl": outcome, "resource": operation_outcome(message.warnings)})
    return {
        "resourceType": "Bundle",
        "id": str(bundle_id),
        "meta": {"lastUpdated": instant(at)},
        "type": "message",
        "timestamp": instant(at),
        "entry": entries,
    }


def _header(message: Message, header_id: UUID, *, at: datetime, base: str) -> dict[str, Any]:
    return {
        "resourceType": "MessageHeader",
        "id": str(header_id),
        "meta": {"lastUpdated": instant(at)},
        "eventCoding": {"system": EVENTS, "code": RESPONSE},
        "destination": [{"endpoint": message.endpoint}],
        "source": {"name": _NAME, "endpoint": message.addressed or f"{base}/$process-message"},
        "reason": {"coding": [{"system": REASONS, "code": NEW}]},
        # BaRS answers name the original Bundle; its MessageHeader may have no id at all.
        "response": {"identifier": message.bundle_id, "code": "ok"},
    }
