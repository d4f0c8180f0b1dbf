"""Asking for an export, and taking it away again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.actors import Actor
from accounts.models import Client
from audit.models import Action
from audit.recording import record
from integrations.fhir.exports.models import Export, ExportState
from jobs.models import JobKind
from jobs.queue import enqueue

# What was begun before the moment of the export has ended by then, and is in it.
SETTLING = timedelta(seconds=5)
MOST_KEPT = 5
POLL_SECONDS = 10


class ExportRunning(Exception):
    """The client has an export under way; ``wait`` is when to ask again, in seconds."""

    wait = POLL_SECONDS

    def __init__(self, export: Export) -> None:
        super().__init__("An export is being written for this client. Wait for it, or delete it.")
        self.export_id = export.pk


class TooManyKept(Exception):
    """The client has left too many exports lying; ``wait`` is when the first of them ends by itself, in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"There are {MOST_KEPT} exports of this client. Delete one of them first.")
        self.wait = wait


@transaction.atomic
def begin_export(
    *, types: Sequence[str], since: datetime | None, request: str, by: Actor, at: datetime
) -> Export:
    """Have everything of these types written as it stands now. ``request`` is the address that was asked.

    Raises ExportRunning and TooManyKept.
    """
    # Of two that ask at the same moment one waits here, and then finds the other's.
    client = Client.objects.select_for_update(no_key=True).get(pk=by.id)
    _check_room(by, at=at)
    export = Export.objects.create(
        client=client,
        organisation_id=client.organisation_id,
        request=request,
        types=list(types),
        since=since,
        until=at,
        moved_at=at,
    )
    record(Action.EXPORT_BEGUN, by=by, at=at, target=f"Export/{export.pk}")
    enqueue(
        JobKind.EXPORT,
        tenant_id=export.organisation_id,
        at=at,
        run_at=at + SETTLING,
        export_id=str(export.pk),
    )
    return export


def _check_room(by: Actor, *, at: datetime) -> None:
    kept = list(Export.objects.visible_to(by).order_by("expires_at"))
    if running := next((one for one in kept if one.state == ExportState.RUNNING), None):
        raise ExportRunning(running)
    ends = [one.expires_at for one in kept if one.expires_at and one.expires_at > at]
    if len(ends) >= MOST_KEPT:
        raise TooManyKept(int((ends[0] - at).total_seconds()) + 1)


@transaction.atomic
def remove_export(*, export_id: UUID, by: Actor, at: datetime) -> bool:
    """Stop the writing and take the files away; False: foreign and absent are alike."""
    export = Export.objects.visible_to(by).select_for_update().filter(pk=export_id).first()
    if export is None:
        return False
    export.delete()
    record(Action.EXPORT_REMOVED, by=by, at=at, target=f"Export/{export_id}")
    return True
