"""Importing a feed: read it all first, then take what is good in it, and report everything that is not."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from communities import feeding
from communities.feeding import Outcome, Service, Taken
from integrations.directory.checking import Element
from integrations.directory.reading import (
    ELEMENT_OF,
    LeftOut,
    Vocabulary,
    check_core,
    check_unread,
    read_service,
    vocabulary,
)
from integrations.directory.rendering import VERSION
from integrations.directory.sources import Document, FeedRefused, RowUnreadable, Source, rows_in

_SHOWN_IN_LIST = ("attributes", "service_at_locations")  # what a list in full holds
_DUPLICATE = "The same id stands before in this feed; the first service with it counts."
_GONE = "LISTED here and no longer in the feed: a reviewer should look at it."
_FAILED = "This could not be taken (%s); nothing of it was kept."
_NOT_WHOLE = "This is not all of the feed: nothing is said of services that are not in it."


@dataclass(frozen=True)
class Problem:
    """Something wrong: in which document, of which service, where in it (JSON path), and what."""

    place: str
    service: str
    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}  {self.service or '-'}  {self.path}  {self.sentence}"


@dataclass
class Report:
    """What an import found and did. ``notes`` are worth knowing and no fault of the feed."""

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    faulty: int = 0
    missing: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report, as people read it."""
        counts = {"services read": self.rows}
        counts |= {str(outcome): self.outcomes[outcome] for outcome in Outcome}
        counts |= {f"left out: {rule}": count for rule, count in sorted(self.left_out.items())}
        counts |= {"with faults, left out": self.faulty, "no longer in the feed": self.missing}
        counts |= {"problems": len(self.problems)}
        counted = [f"{count:8}  {name}" for name, count in counts.items()]
        return [_shown(str(line)) for line in (*self.problems, *self.notes, *counted)]


def _shown(line: str) -> str:
    """A line for a terminal, which would obey the control characters in it: 7-bit and 8-bit ones."""
    return "".join(each if each.isprintable() else "�" for each in line)


@dataclass
class Found:
    """What was read of a feed: the services to take, each with where it stands, and the ids of all that it has."""

    report: Report = field(default_factory=Report)
    services: list[tuple[Service, str, str]] = field(default_factory=list)
    ids: set[UUID] = field(default_factory=set)
    left_out: set[UUID] = field(default_factory=set)
    is_whole: bool = True


def read_feed(source: Source, *, name: str) -> Found:
    """Read a feed, whose ``name`` here says what it had before, and write nothing. Raises FeedRefused."""
    found, known_by, known = Found(), vocabulary(), feeding.known_services(name)
    _read_about(source, found.report)
    first: Document | None = None
    for page in source.pages():
        first = first or page
        rows = rows_in(page)
        for position, value in enumerate(rows):
            found.report.rows += 1
            element = _listed(found, page, f"$.contents[{position}]", value)
            if element is not None:
                _read_one(source, found, page, element, known_by=known_by, known=known)
        _check_count(found.report, page, "size", len(rows))
    if first:
        _check_count(found.report, first, "total_items", found.report.rows)
    # A feed that says it has more than came may have been cut off; one that says less merely counts badly.
    said = first.value.get("total_items") if first else None
    is_short = isinstance(said, int) and said > found.report.rows
    found.is_whole = source.is_whole and not is_short
    return found


def take_feed(found: Found, *, name: str, at: datetime) -> Report:
    """Take what is good in a feed, within the caller's transaction.

    Services that the feed had before and has not now are flagged, unless it was not read whole.
    """
    report, feed = found.report, feeding.opened(name, at=at)
    known = feeding.rows_of(feed)
    for service, place, path in found.services:
        try:
            with transaction.atomic():
                taken = feeding.take(feed, service, known=known.get(service.id), at=at)
        except Exception as error:  # whatever one service does, the others are taken
            report.problems.append(
                Problem(place, str(service.id), path, _FAILED % type(error).__name__)
            )
            continue
        report.outcomes[taken.outcome] += 1
        _tell(report, taken, service, place, path)
    if found.is_whole:
        seen = found.ids - found.left_out
        missing = feeding.flag_missing(known.values(), seen=seen, at=at)
        report.missing = len(missing)
        report.notes += [
            f"{row.service_id} {row.community}: {_GONE}"
            for row in missing
            if feeding.is_listed(row)
        ]
    else:
        report.notes.append(_NOT_WHOLE)
    return report


def _read_about(source: Source, report: Report) -> None:
    about = source.about()
    if about is None:
        return
    version = about.value.get("version")
    if not isinstance(version, str) or not version.startswith(VERSION):
        raise FeedRefused(f"{about.place} is {str(version)[:40]!r}; what is read is {VERSION}.")
    element = Element(about.value, "$")
    for part in ("profile", "openapi_url"):
        if not element.address(part) and about.value.get(part) is None:
            element.fault(part, "This is needed.")
    _add(report, about, "", element)


def _listed(found: Found, page: Document, path: str, value: object) -> Element | None:
    """A row of the list, when it is sound and not in the feed already."""
    if not isinstance(value, dict):
        found.report.problems.append(Problem(page.place, "", path, "A service is an object."))
        found.report.faulty += 1
        return None
    element, unread = Element(value, path), Element(value, path)
    identity = element.id()
    if identity in found.ids:
        element.fault("id", _DUPLICATE)
    elif identity:
        found.ids.add(identity)
    check_core(element)
    check_unread(unread)
    service = str(value.get("id") or "")[:40]
    _add(found.report, page, service, element)
    _add(found.report, page, service, unread)
    found.report.faulty += bool(element.faults)
    return None if element.faults else element


def _read_one(
    source: Source,
    found: Found,
    page: Document,
    element: Element,
    *,
    known_by: Vocabulary,
    known: Collection[UUID],
) -> None:
    """Read a service in full and put it to those to take, or say why not."""
    identity = element.id()
    assert identity  # noqa: S101  (looked at before)
    place, report = page, found.report
    try:
        if not any(name in element.value for name in _SHOWN_IN_LIST):
            place, element = _in_full(source, identity) or (page, element)
        if not element.faults:
            read = read_service(element, known_by=known_by, is_known=identity in known)
            if not element.faults:
                found.services.append((read, place.place, element.path))
    except RowUnreadable as error:
        element.fault("", str(error))
    except LeftOut as rule:
        report.left_out[str(rule)] += 1
        found.left_out.add(identity)
    report.faulty += bool(element.faults)
    _add(report, place, str(identity), element)


def _in_full(source: Source, identity: UUID) -> tuple[Document, Element] | None:
    document = source.detail(identity)
    if document is None:
        return None
    element = Element(document.value, "$")
    if element.id() != identity:
        element.fault("id", "This is another service than the one asked for.")
    check_core(element)
    return document, element


def _check_count(report: Report, page: Document, name: str, count: int) -> None:
    said = page.value.get(name)
    if said is not None and said != count:
        sentence = f"It says {str(said)[:20]}, there are {count}."
        report.problems.append(Problem(page.place, "", f"$.{name}", sentence))


def _tell(report: Report, taken: Taken, service: Service, place: str, path: str) -> None:
    """Say of a service that was taken what a person should know of it."""
    label = f"{service.id} {service.facts.get('name', '')}".rstrip()
    match taken.outcome:
        case Outcome.LEAD:
            report.notes.append(f"{label}: a lead, without {', '.join(taken.names)}.")
        case Outcome.OURS if taken.names:
            said = ", ".join(taken.names)
            report.notes.append(f"{label}: differs here in {said}; not this feed's to change.")
        case Outcome.PROPOSAL if taken.names:
            said = ", ".join(taken.names)
            report.notes.append(
                f"{label}: promises less than before, which counts at once: {said}."
            )
        case Outcome.CLOSED:
            report.notes.append(f"{label}: closed here for good, left as it is.")
    for name, sentences in taken.errors.items():
        where = f"{path}.{ELEMENT_OF.get(name, 'attributes')}"
        for sentence in sentences:
            said = f"{name}: {sentence}"
            report.problems.append(Problem(place, str(service.id), where, said))


def _add(report: Report, place: Document, service: str, element: Element) -> None:
    for path, sentence in element.faults:
        report.problems.append(Problem(place.place, service, path, sentence))
