"""What is asked of an export, or of everything about a patient: the parameters that both read alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from integrations.fhir.exports.contents import EXPORTING, TYPES, covered
from integrations.fhir.outcome import Finding, Refused, malformed
from integrations.fhir.searching import values
from integrations.fhir.searching.query import DRESS
from integrations.fhir.searching.values import BadValue

NDJSON = "application/fhir+ndjson"
_FORMATS = (NDJSON, "application/ndjson", "ndjson")
_FORMAT, SINCE, TYPE = "_outputFormat", "_since", "_type"


@dataclass(frozen=True)
class Wanted:
    """The types to export, and since when they must have changed."""

    types: list[str]
    since: datetime | None


@dataclass
class Asked:
    """Parameters by name, and what is wrong with them."""

    given: dict[str, list[str]]
    faults: list[Finding] = field(default_factory=list)

    def refuse(self, code: str, text: str) -> None:
        """Note a fault."""
        self.faults.append(malformed(code, text))

    def types(self) -> list[str]:
        """The types that are named, in our order."""
        parts = (part.strip() for text in self.given[TYPE] for part in text.split(","))
        named = set(filter(None, parts))
        if not named <= set(TYPES):
            self.refuse("not-supported", f"_type is any of: {', '.join(TYPES)}.")
        return [name for name in TYPES if name in named]

    def since(self) -> datetime | None:
        """The instant after which something must have changed."""
        moments = [_moment(text) for text in self.given[SINCE]]
        if len(moments) > 1 or None in moments:
            self.refuse("value", "_since is one instant, such as 2026-01-31T09:30:00Z.")
        return moments[0] if moments else None


def asked(pairs: Iterable[tuple[str, str]], *names: str) -> Asked:
    """The parameters of these names. Any other is a fault: leaving out what narrows would hand over more than was asked."""
    found = Asked({name: [] for name in names})
    for name, value in pairs:
        if name in found.given:
            found.given[name].append(value)
        elif name not in DRESS:
            found.refuse("not-supported", f"This operation takes no more than: {', '.join(names)}.")
    return found


def read(pairs: Iterable[tuple[str, str]], *, scopes: frozenset[str]) -> Wanted:
    """What is to be exported. Without types it is all that the scopes cover. Raises Refused (400, 403)."""
    parameters = asked(pairs, _FORMAT, SINCE, TYPE)
    # A plus in a query string arrives as a space.
    if any(text.replace(" ", "+") not in _FORMATS for text in parameters.given[_FORMAT]):
        parameters.refuse("value", f"_outputFormat is one of: {', '.join(_FORMATS)}.")
    named, since = parameters.types(), parameters.since()
    if parameters.faults:
        raise Refused(400, parameters.faults)
    return Wanted(types_for(named, scopes=scopes, by=EXPORTING), since)


def types_for(named: Sequence[str], *, scopes: frozenset[str], by: Sequence[str]) -> list[str]:
    """The named types, or all that are covered when none is named. Raises Refused (403) when one that is named is not."""
    wanted = named or TYPES
    allowed = covered(wanted, scopes=scopes, by=by)
    missing = [name for name in wanted if name not in allowed]
    if missing and (named or not allowed):
        needed = " ".join(f"system/{name}.{''.join(by)}" for name in missing)
        text = f"The token does not cover this: {needed} is needed."
        raise Refused(403, [Finding("error", "forbidden", text, "", "REC_FORBIDDEN")])
    return allowed


def _moment(text: str) -> datetime | None:
    """The moment that a value names; None for what names none, or a prefix before it."""
    try:
        return values.moments(text).start if text[:1].isdecimal() else None
    except BadValue:
        return None
