"""Writing an export, one file for each job: the file, the place it reached and the next job are written together.

So a worker that is lost leaves nothing half done, and memory holds one file at most, however much there is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.actors import Actor, client_actor
from audit.models import Action
from audit.recording import record_each
from integrations.fhir import wire
from integrations.fhir.exports.contents import EXPORTING, Part, Selection, covered, key_of
from integrations.fhir.exports.models import Export, ExportFile, ExportState
from jobs.models import JobKind
from jobs.queue import enqueue

MOST_RESOURCES = 500
MOST_BYTES = 1024 * 1024
_ROWS_AT_ONCE = 50
KEPT = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """Resources for one file. ``behind`` is the key of the last of them, empty when the part has no more."""

    lines: list[str]
    traces: list[tuple[Action, str]]
    behind: str


def write_next(*, export_id: UUID, base_url: str, at: datetime) -> None:
    """Write the next file of an export; nothing when it was taken away or is over."""
    export = (
        Export.objects.select_for_update(of=("self",))
        .select_related("client")
        .filter(pk=export_id, state=ExportState.RUNNING)
        .first()
    )
    if export is None:
        return
    by = client_actor(export.client, scope=export.client.scope)
    if not _is_allowed(export, by):
        give_up(export, at=at)
        return
    selection = Selection(types=export.types, until=export.until, since=export.since)
    parts = selection.parts()
    part = parts[export.part]
    chunk = _chunk(part, selection, behind=export.key, base_url=base_url, by=by)
    if chunk.lines:
        _keep(export, part.source.resource_type, chunk, by=by, at=at)
    export.key, export.moved_at = chunk.behind, at
    if not chunk.behind:
        export.part += 1
    if export.part == len(parts):
        export.state, export.expires_at = ExportState.DONE, at + KEPT
    else:
        enqueue(JobKind.EXPORT, tenant_id=export.organisation_id, at=at, export_id=str(export.pk))
    export.save()


def give_up(export: Export, *, at: datetime) -> None:
    """End an export that cannot or may not be finished. Its files go; that it failed is kept for its client to see."""
    export.files.all().delete()
    export.state, export.expires_at = ExportState.FAILED, at + KEPT
    export.save(update_fields=["state", "expires_at"])


def _is_allowed(export: Export, by: Actor) -> bool:
    """Whether the client still may what it might when it asked."""
    is_covered = covered(export.types, scopes=by.scopes, by=EXPORTING) == export.types
    return export.client.is_active and by.may_export and is_covered


def _chunk(part: Part, selection: Selection, *, behind: str, base_url: str, by: Actor) -> _Chunk:
    lines: list[str] = []
    traces: list[tuple[Action, str]] = []
    size, source = 0, part.source
    rows = selection.rows(part, by=by, behind=behind)[:MOST_RESOURCES]
    for row in rows.iterator(chunk_size=_ROWS_AT_ONCE):
        line = wire.dump(source.show(row, base_url))
        lines.append(line.decode())
        traces += [source.trace(row)] if source.trace else []
        size += len(line)
        if size >= MOST_BYTES or len(lines) == MOST_RESOURCES:
            return _Chunk(lines=lines, traces=traces, behind=key_of(part, row))
    return _Chunk(lines=lines, traces=traces, behind="")


def _keep(export: Export, resource_type: str, chunk: _Chunk, *, by: Actor, at: datetime) -> None:
    export.file_count += 1
    export.resource_count += len(chunk.lines)
    ExportFile.objects.create(
        export=export,
        number=export.file_count,
        resource_type=resource_type,
        resource_count=len(chunk.lines),
        text="".join(f"{line}\n" for line in chunk.lines),
    )
    record_each(dict.fromkeys(chunk.traces), by=by, at=at)
