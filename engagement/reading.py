"""Reading the figures: whoever does leaves a trace in the audit."""

from datetime import datetime

from accounts.actors import Actor, commissioner_actor
from accounts.models import Organisation, User
from audit.models import Action
from audit.recording import record, record_denial
from engagement.fairness import Fairness, fairness
from engagement.measures import Funnel, funnel
from engagement.unmet import UnmetNeeds, unmet_needs_of


def read_funnel(*, icb: Organisation, by: Actor, at: datetime) -> Funnel:
    """The funnel of one ICB, for a commissioner of it."""
    record(Action.FIGURES_READ, by=by, at=at, target=f"Organization/{icb.pk}")
    return funnel(icb=icb, at=at)


def read_fairness(*, icb: Organisation, by: Actor, at: datetime) -> Fairness:
    """How the matcher served the groups of one ICB, for a commissioner of it."""
    record(Action.FIGURES_READ, by=by, at=at, target=f"Organization/{icb.pk}")
    return fairness(icb=icb, at=at)


def read_unmet_needs(*, icb: Organisation, by: Actor, at: datetime) -> UnmetNeeds:
    """The register of unmet need of one ICB, for a commissioner of it."""
    record(Action.FIGURES_READ, by=by, at=at, target=f"Organization/{icb.pk}")
    return unmet_needs_of(icb=icb, at=at)


def icb_asked_for(
    ods_code: str, *, among: list[Organisation], by: User, at: datetime, address: str
) -> Organisation | None:
    """The ICB asked for among those that the person may see; the first of them when none is named.

    None for another's and an absent one alike, which is recorded as denied in the name of the person's own ICB.
    """
    for icb in among:
        if ods_code in ("", icb.ods_code):
            return icb
    actor = commissioner_actor(by, icb=among[0] if among else None)
    record_denial(by=actor, at=at, status=404, address=address)
    return None
