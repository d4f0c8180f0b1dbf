"""Being told is reading: the same scopes, the same trace in the audit."""

from datetime import datetime

from accounts.actors import Actor
from accounts.scopes import Interaction, is_granted
from audit.models import Action
from audit.recording import record_each
from integrations.fhir.outcome import Finding, Refused
from integrations.fhir.subscriptions.models import Event


def may_read(focus_type: str, *, scopes: frozenset[str]) -> bool:
    """Whether these scopes cover reading the type."""
    return is_granted(scopes, resource_type=focus_type, interaction=Interaction.READ)


def check_may_read(focus_type: str, *, by: Actor, at: str = "") -> None:
    """Who may not read a resource is not told of it either. Raises Refused (403)."""
    if not may_read(focus_type, scopes=by.scopes):
        text = f"This tells of {focus_type}: system/{focus_type}.r is needed for it."
        raise Refused(403, [Finding("error", "forbidden", text, at, "REC_FORBIDDEN")])


def record_reads(events: list[Event], *, by: Actor, at: datetime) -> None:
    """What is told of whole has been read: once for each referral."""
    ids = dict.fromkeys(event.referral_id for event in events)
    record_each([(Action.REFERRAL_READ, f"ServiceRequest/{one}") for one in ids], by=by, at=at)
