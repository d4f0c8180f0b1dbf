"""Read, vread, history and search over whatever a type is read from; every resource shown is in the audit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.http import Http404

from accounts.actors import Actor
from accounts.scopes import Interaction
from api.fhir.answering import Shown
from api.fhir.base import BASE_URL
from api.fhir.kinds import Kind
from api.permissions import require
from audit.recording import record_each
from integrations.fhir.outcome import Refused, gone
from integrations.fhir.searching import bundle, query, running
from integrations.fhir.searching.query import NotUnderstood
from integrations.fhir.searching.reads import Asking
from integrations.fhir.searching.running import Found, Page
from integrations.fhir.searching.source import Source, Sources
from integrations.fhir.subsets import part_of
from integrations.fhir.systems import fhir_base

BASE = fhir_base(BASE_URL)
Pairs = Sequence[tuple[str, str]]


def read(kind: Kind, resource_id: str, *, by: Actor, at: datetime) -> Shown:
    """The newest version of a resource; foreign and absent are Http404 alike. Raises Refused (410) for a deleted one."""
    try:
        found = _first(kind.sources, resource_id, by=by, at=at)
    except Http404:
        if kind.delete and _first(kind.versions, resource_id, by=by, at=at):
            raise gone() from None
        raise
    return _shown(found, by=by, at=at)


def vread(kind: Kind, resource_id: str, version: int, *, by: Actor, at: datetime) -> Shown:
    """A resource at a version. Raises Http404, and Refused (410) for the version that deleted it."""
    found = _first(kind.versions, resource_id, by=by, at=at, version=version)
    if found.source.is_deletion(found.row):
        raise gone()
    return _shown(found, by=by, at=at)


def search(
    kind: Kind, pairs: Pairs, *, every: Sources, is_strict: bool, by: Actor, at: datetime
) -> tuple[dict[str, Any], Page]:
    """The searchset that a query asks for, and the page behind it. Raises Refused (400)."""
    asking = Asking(at=at, base=BASE)
    try:
        asked = query.parse(pairs, sources=kind.sources, every=every, is_strict=is_strict)
        # What comes with an answer, or decides it, must be covered as if it had been asked for itself.
        require(by, *((name, Interaction.READ) for name in sorted(asked.reaches)))
        page = running.run(asked, sources=kind.sources, every=every, by=by, asking=asking)
    except NotUnderstood as fault:
        raise Refused(400, fault.findings) from None
    _trace((*page.found, *page.included), by=by, at=at)
    resources = {
        found.name: part_of(
            found.source.show(found.row, BASE_URL), summary=asked.summary, elements=asked.elements
        )
        for found in (*page.found, *page.included)
    }
    return bundle.searchset(asked, page, resources, base=BASE, path=kind.resource_type), page


def history(
    kind: Kind, pairs: Pairs, *, resource_id: str = "", is_strict: bool, by: Actor, at: datetime
) -> dict[str, Any]:
    """Every version of a resource, or of all of a type. Raises Http404 and Refused (400)."""
    try:
        asked = query.parse_history(pairs, is_strict=is_strict)
        page = running.versions(
            asked,
            sources=kind.versions,
            resource_id=resource_id,
            by=by,
            asking=Asking(at=at, base=BASE),
        )
    except NotUnderstood as fault:
        raise Refused(400, fault.findings) from None
    if resource_id and not page.found:
        # Also when nothing is new since a moment: then it must be there, or have been there, at all.
        _first(kind.versions, resource_id, by=by, at=at)
    _trace(page.found, by=by, at=at)
    resources = [
        None if found.source.is_deletion(found.row) else found.source.show(found.row, BASE_URL)
        for found in page.found
    ]
    path = "/".join(filter(None, (kind.resource_type, resource_id, "_history")))
    return bundle.history(asked, page, resources, base=BASE, path=path)


def newest(kind: Kind, resource_id: str, *, by: Actor, at: datetime) -> Found:
    """The newest version of what somebody is about to change: shown to nobody, so it leaves no trace in the audit.

    Raises Http404.
    """
    return _first(kind.sources, resource_id, by=by, at=at)


def version_made(kind: Kind, resource_id: str, version: int, *, by: Actor, at: datetime) -> Shown:
    """What somebody has just written, at the version they wrote: no read, so it leaves no trace in the audit."""
    return _as_shown(_first(kind.versions, resource_id, by=by, at=at, version=version))


def _first(
    sources: Iterable[Source],
    resource_id: str,
    *,
    by: Actor,
    at: datetime,
    version: int | None = None,
) -> Found:
    asking = Asking(at=at, base=BASE)
    for source in sources:
        rows = source.rows(by).filter(running.named(source, resource_id, asking=asking))
        if isinstance(version, int) and isinstance(source.version, str):
            rows = rows.filter(**{source.version: version})
        if version in (None, source.version) or isinstance(source.version, str):
            row = rows.first()
            if row is not None:
                return Found(source, row)
    raise Http404


def _shown(found: Found, *, by: Actor, at: datetime) -> Shown:
    _trace([found], by=by, at=at)
    return _as_shown(found)


def _as_shown(found: Found) -> Shown:
    source, row = found.source, found.row
    return Shown(source.show(row, BASE_URL), source.version_of(row), source.moment_of(row))


def _trace(shown: Iterable[Found], *, by: Actor, at: datetime) -> None:
    """Every resource about a patient that is shown is in the audit, once for each answer."""
    traces = [one.source.trace(one.row) for one in shown if one.source.trace]
    record_each(dict.fromkeys(traces), by=by, at=at)
