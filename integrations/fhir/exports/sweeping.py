"""Taking away exports whose time is over, and ending those that have come to a standstill."""

from datetime import datetime, timedelta

from integrations.fhir.exports.models import Export, ExportState
from integrations.fhir.exports.writing import give_up

# Longer than a job is tried again before it is dead.
STALLED = timedelta(hours=6)
MOST_AT_ONCE = 100


def sweep_exports(*, at: datetime) -> None:
    """Whosever they are, a hundred at a time."""
    over = Export.objects.filter(expires_at__lte=at).order_by("expires_at", "pk")
    for export in over[:MOST_AT_ONCE]:
        export.delete()
    stalled = Export.objects.select_for_update().filter(
        state=ExportState.RUNNING, moved_at__lte=at - STALLED
    )
    for export in stalled.order_by("moved_at", "pk")[:MOST_AT_ONCE]:
        give_up(export, at=at)
