"""What a search asks: the query string read against the parameters that a type has."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from integrations.fhir.outcome import Finding
from integrations.fhir.searching import values
from integrations.fhir.searching.reads import NOTHING, Reads
from integrations.fhir.searching.source import Source, Sources
from integrations.fhir.searching.values import BadValue, Moments

MOST = 100
USUAL = 20
CURSOR = "_cursor"
_SUMMARIES = ("true", "text", "data", "count", "false")
_TOTALS = ("none", "estimate", "accurate")
# Read where the answer is dressed, and on every interaction alike.
DRESS = frozenset({"_format", "_pretty"})
_LONGEST = 2000
_MOST_CRITERIA = 30


class NotUnderstood(Exception):
    """A search that cannot be carried out as it was asked; holds every reason."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings)
        self.findings = tuple(findings)


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One parameter: any of ``values`` must match. ``chain`` is what its target, of type ``kind``, is searched by.

    ``has`` is the type and the reference of those that point here (``_has:Task:focus:status``).
    """

    name: str
    modifier: str
    values: tuple[str, ...]
    chain: str = ""
    kind: str = ""
    has: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Include:
    """``_include=Task:focus``: what the found ones point to; reversed, what points to them.

    ``target`` is the one type of which that is wanted, if only one is.
    """

    resource_type: str
    parameter: str
    target: str = ""
    is_reverse: bool = False
    is_iterated: bool = False


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search as understood. ``used`` are the parameters that the self link repeats.

    ``reaches`` are the other types that the answer depends on: by what it includes, or by a chain.
    """

    criteria: tuple[Criterion, ...] = ()
    includes: tuple[Include, ...] = ()
    sort: str = "-_lastUpdated"
    count: int = USUAL
    total: str = ""
    elements: tuple[str, ...] = ()
    summary: str = "false"
    cursor: str = ""
    since: Moments | None = None
    reaches: frozenset[str] = frozenset()
    used: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Finding, ...] = ()


@dataclass
class _Reading:
    """A query string being read."""

    sources: Sequence[Source]
    every: Sources
    is_strict: bool
    search: Search = field(default_factory=Search)
    faults: list[Finding] = field(default_factory=list)

    def ignore(self, text: str, name: str) -> None:
        """What is not understood bars a strict search; a lenient one is told that it was left out."""
        severity = "error" if self.is_strict else "warning"
        finding = Finding(severity, "not-supported", text, _place(name), "REC_BAD_REQUEST")
        if self.is_strict:
            self.faults.append(finding)
        else:
            self.search = replace(self.search, warnings=(*self.search.warnings, finding))

    def refuse(self, text: str, name: str) -> None:
        """A value that is wrong is wrong however lenient the asker is."""
        self.faults.append(Finding("error", "value", text, _place(name), "REC_BAD_REQUEST"))

    def use(self, name: str, value: str, *reached: str, **change: object) -> None:
        """Take a parameter into the search."""
        self.search = replace(
            self.search,
            used=(*self.search.used, (name, value)),
            reaches=self.search.reaches | set(reached),
            **change,  # type: ignore[arg-type]
        )


_Result = Callable[[_Reading, str, str], None]


def parse(
    pairs: Sequence[tuple[str, str]],
    *,
    sources: Sequence[Source],
    every: Sources,
    is_strict: bool,
) -> Search:
    """The search that a query string asks of the type behind ``sources``; ``every`` are those of all types.

    Raises NotUnderstood: for a wrong value always, for an unknown parameter if ``is_strict``.
    """
    reading = _Reading(sources=sources, every=every, is_strict=is_strict)
    _refuse_long(pairs)
    for name, value in pairs:
        if name in _RESULT:
            _RESULT[name](reading, name, value)
        elif name.startswith("_has:"):
            _has(reading, name, value)
        elif name not in DRESS:
            _criterion(reading, name, value)
    if reading.faults:
        raise NotUnderstood(reading.faults)
    return reading.search


def parse_history(pairs: Sequence[tuple[str, str]], *, is_strict: bool) -> Search:
    """What a query string asks of a history: how many versions on a page, and since when. Raises NotUnderstood."""
    reading = _Reading(sources=(), every={}, is_strict=is_strict)
    _refuse_long(pairs)
    for name, value in pairs:
        if name in _HISTORY:
            _HISTORY[name](reading, name, value)
        elif name not in DRESS:
            reading.ignore("A history takes _count and _since.", name)
    if reading.faults:
        raise NotUnderstood(reading.faults)
    return reading.search


def _refuse_long(pairs: Sequence[tuple[str, str]]) -> None:
    if len(pairs) > _MOST_CRITERIA or sum(len(value) for _, value in pairs) > _LONGEST:
        text = f"A search has at most {_MOST_CRITERIA} parameters and {_LONGEST} characters in all."
        raise NotUnderstood([Finding("error", "too-costly", text, "", "REC_BAD_REQUEST")])


def _criterion(reading: _Reading, name: str, value: str) -> None:
    chained = _chained(reading.sources, name)
    parameter, _, modifier = chained.name.partition(":")
    found = _reads(reading.sources, parameter, chained)
    if not found:
        known = ", ".join(sorted({n for source in reading.sources for n in source.parameters}))
        reading.ignore(f"There is no such search parameter. Those of this type are: {known}.", name)
    elif not value:
        reading.ignore("This parameter has no value.", name)
    elif not _takes(found, modifier):
        reading.refuse("This parameter does not take this modifier.", name)
    elif modifier == "missing" and value not in ("true", "false"):
        reading.refuse(":missing is true or false.", name)
    else:
        criterion = replace(
            chained, name=parameter, modifier=modifier, values=tuple(values.alternatives(value))
        )
        # To ask by the target's identifier is to ask about the target.
        is_of_target = chained.chain or modifier == "identifier"
        reached = _targets(reading.sources, parameter) if is_of_target else []
        reading.use(name, value, *reached, criteria=(*reading.search.criteria, criterion))


def _targets(sources: Sequence[Source], parameter: str) -> set[str]:
    """The types that a reference leads to, of which more can be asked."""
    return {found.target for s in sources if (found := s.reference(parameter))}


def _chained(sources: Sequence[Source], name: str) -> Criterion:
    """``patient:Patient.identifier:missing`` is patient, and of it identifier:missing."""
    head, dot, tail = name.partition(".")
    if not dot:
        return Criterion(name=name, modifier="", values=())
    parameter, _, kind = head.partition(":")
    chain, _, modifier = tail.partition(":")
    return Criterion(name=f"{parameter}:{modifier}", modifier="", values=(), chain=chain, kind=kind)


def _reads(sources: Sequence[Source], name: str, criterion: Criterion) -> list[Reads]:
    """How the sources of a type read a parameter, or what it is chained to; nothing where none knows it."""
    if criterion.chain:
        found = [source.chained(name, criterion.chain, criterion.kind) for source in sources]
    else:
        found = [source.parameters.get(name) for source in sources]
    return [reads for reads in found if reads]


def _takes(found: Sequence[Reads], modifier: str) -> bool:
    """Whether the parameter has the modifier in any source of the type; in the others it finds nothing."""
    if modifier == "missing":
        return all(getattr(reads, "absent", NOTHING) is not None for reads in found)
    return not modifier or any(modifier in reads.modifiers for reads in found)


def _has(reading: _Reading, name: str, value: str) -> None:
    parts = name.split(":")
    pointing = reading.every.get(parts[1], ()) if len(parts) in (4, 5) else ()
    here = {source.resource_type for source in reading.sources}
    sources = [s for s in pointing if (r := s.reference(parts[2])) and here & set(r.targets)]
    is_known = any(parts[3] in source.parameters for source in sources)
    if not is_known or len(parts) == 5:
        reading.ignore("_has is written _has:Type:reference:parameter, and this one is none.", name)
        return
    criterion = Criterion(
        name=parts[3],
        modifier="",
        values=tuple(values.alternatives(value)),
        has=(parts[1], parts[2]),
    )
    reading.use(name, value, parts[1], criteria=(*reading.search.criteria, criterion))


def _count(reading: _Reading, name: str, value: str) -> None:
    if not (value.isascii() and value.isdecimal()) or len(value) > 9:
        reading.refuse("_count is a whole number from 0.", name)
    elif int(value) == 0:
        reading.use(name, value, summary="count")
    else:
        count = min(int(value), MOST)
        reading.use(name, str(count), count=count)


def _sort(reading: _Reading, name: str, value: str) -> None:
    key = value.removeprefix("-")
    sortable = sortable_by(reading.sources)
    if key in sortable:
        reading.use(name, value, sort=value)
    else:
        reading.ignore(f"_sort takes one of: {', '.join(sortable)}, with - for descending.", name)


def sortable_by(sources: Sequence[Source]) -> list[str]:
    """The parameters that every source of a type can be sorted by: dates that no row lacks."""
    dates = [set(_dates(source)) for source in sources]
    return sorted(set.intersection(*dates)) if dates else []


def _dates(source: Source) -> Iterator[str]:
    yield from source.sorts
    for name, reads in source.parameters.items():
        if reads.type == "date" and not getattr(reads, "is_optional", False):
            yield name


def _one_of(field_name: str, allowed: tuple[str, ...]) -> _Result:
    def read(reading: _Reading, name: str, value: str) -> None:
        if value in allowed:
            reading.use(name, value, **{field_name: value})
        else:
            reading.refuse(f"{name} is one of: {', '.join(allowed)}.", name)

    return read


def _elements(reading: _Reading, name: str, value: str) -> None:
    names = tuple(part.strip().rpartition(".")[2] for part in value.split(",") if part.strip())
    if names and all(part.isascii() and part.isalnum() for part in names):
        reading.use(name, value, elements=names)
    else:
        reading.refuse("_elements is a list of element names with commas between them.", name)


def _include(reading: _Reading, name: str, value: str) -> None:
    is_reverse = name.startswith("_revinclude")
    kind, _, rest = value.partition(":")
    parameter, _, target = rest.partition(":")
    sources = reading.every.get(kind, ())
    references = [r for source in sources if (r := source.reference(parameter))]
    is_iterated = name.endswith(":iterate")
    here = {source.resource_type for source in reading.sources}
    reaches = any(here & set(r.targets) for r in references) if is_reverse else kind in here
    known = {one for r in references for one in r.targets if target in ("", one)}
    if not known or not (reaches or is_iterated):
        reading.ignore("This cannot be included: /metadata lists what can.", name)
        return
    include = Include(
        resource_type=kind,
        parameter=parameter,
        target=target,
        is_reverse=is_reverse,
        is_iterated=is_iterated,
    )
    reached = {kind} if is_reverse else known
    reading.use(name, value, *reached, includes=(*reading.search.includes, include))


def _since(reading: _Reading, name: str, value: str) -> None:
    try:
        reading.use(name, value, since=values.moments(value))
    except BadValue as bad:
        reading.refuse(str(bad), name)


def _cursor(reading: _Reading, name: str, value: str) -> None:
    # The links of the answer bear cursors of their own.
    del name
    reading.search = replace(reading.search, cursor=value)


def _place(name: str) -> str:
    """The expression of a finding: R4 asks for http.<parameter> where a parameter is at fault."""
    plain = name.partition(":")[0].partition(".")[0]
    is_word = plain.replace("-", "").replace("_", "").isalnum() and plain.isascii()
    return f"http.{plain}" if is_word and len(plain) <= 64 else ""


_RESULT: dict[str, _Result] = {
    "_count": _count,
    "_sort": _sort,
    "_total": _one_of("total", _TOTALS),
    "_summary": _one_of("summary", _SUMMARIES),
    "_elements": _elements,
    "_include": _include,
    "_include:iterate": _include,
    "_revinclude": _include,
    "_revinclude:iterate": _include,
    CURSOR: _cursor,
}
_HISTORY: dict[str, _Result] = {"_count": _count, "_since": _since, CURSOR: _cursor}
