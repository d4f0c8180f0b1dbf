"""Provenance and AuditEvent: what was done to a referral, and who saw it."""

from typing import Any

from django.db.models import Q

from audit.models import Action
from audit.selectors import done_in_the_name_of
from integrations.fhir import audit_event, provenance
from integrations.fhir.searching.reads import NOTHING, Named, References, Times, uuid_of
from integrations.fhir.searching.source import Row, Source
from referrals import selectors


def _entry(text: str) -> Q:
    found = uuid_of(text)
    number = audit_event.number_of(found) if found else None
    return Q(pk=number) if number is not None else NOTHING


def _change(text: str) -> Q:
    referral_id, _, version = text.rpartition("-")
    found = uuid_of(referral_id)
    is_one = found and version.isascii() and version.isdecimal() and len(version) <= 9
    return Q(referral_id=found, version=int(version)) if is_one else NOTHING


def _show_provenance(row: Row, base_url: str) -> dict[str, Any]:
    return provenance.render(row, base_url=base_url)


def _show_event(row: Row, base_url: str) -> dict[str, Any]:
    return audit_event.render(row, base_url=base_url)


PROVENANCE = Source(
    resource_type="Provenance",
    rows=selectors.told_changes,
    key_column="pk",
    key=int,
    moment_column="at",
    show=_show_provenance,
    name=provenance.id_of,
    ids=Named(find=_change),
    reads={
        "target": References(column="referral_id", target="ServiceRequest", namesakes=("Task",)),
        "patient": References(column="referral__patient_id", target="Patient"),
        "recorded": Times(column="at"),
    },
    trace=lambda row: (Action.REFERRAL_READ, f"ServiceRequest/{row.referral_id}"),
)
AUDIT_EVENT = Source(
    resource_type="AuditEvent",
    rows=done_in_the_name_of,
    key_column="pk",
    key=int,
    moment_column="at",
    show=_show_event,
    name=lambda row: str(audit_event.id_of(row)),
    ids=Named(find=_entry),
    reads={
        "entity": audit_event.Targets(),
        "date": Times(column="at"),
    },
)
