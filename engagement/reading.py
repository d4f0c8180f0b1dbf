"""Reading the figures: whoever does leaves a trace in the audit."""

from datetime import datetime

from accounts.actors import Actor
from accounts.models import Organisation
from audit.models import Action
from audit.recording import record
from engagement.measures import Funnel, funnel


def read_funnel(*, icb: Organisation, by: Actor, at: datetime) -> Funnel:
    """The funnel of one ICB, for a commissioner of it."""
    record(Action.FIGURES_READ, by=by, at=at, target=f"Organization/{icb.pk}")
    return funnel(icb=icb, at=at)
