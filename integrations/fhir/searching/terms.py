"""Search parameters on terms: values of which a row may have several, each a row of another table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.db.models import Q

from integrations.fhir.searching import values
from integrations.fhir.searching.reads import Asking, Reads, around
from integrations.fhir.systems import normalise

# Turns a condition on one term into one on the rows that have such a term.
Bearing = Callable[[Q], Q]


@dataclass(frozen=True, kw_only=True)
class TokenTerms:
    """A token, of code or identifier."""

    bearing: Bearing
    type: str = "token"
    modifiers: frozenset[str] = frozenset({"not"})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows that bear the code."""
        del modifier, asking
        token = values.token(value)
        condition = Q(value=token.code) if token.code else Q()
        if token.system is not None:
            condition &= Q(system=normalise(token.system))
        return self.bearing(condition)

    def missing(self) -> Q:
        """Rows that bear none."""
        return ~self.bearing(Q())


@dataclass(frozen=True, kw_only=True)
class ReferenceTerms:
    """A reference to whatever it may be; it cannot be followed. ``identifiers`` are those written in the reference.

    ``targets`` gives the types that it may lead to. ``through`` is what the document itself says of the target.
    """

    bearing: Bearing
    identifiers: TokenTerms
    targets: Callable[[], tuple[str, ...]]
    through: Mapping[str, Reads] = field(default_factory=dict)
    type: str = "reference"

    @property
    def modifiers(self) -> frozenset[str]:
        """The types of the targets, and ``identifier``."""
        return frozenset({"identifier", *self.targets()})

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows that point to this: ``Type/id``, its full address, or the id alone."""
        if modifier == "identifier":
            return self.identifiers.match(value, modifier="", asking=asking)
        text = values.plain(value).removeprefix(f"{asking.base}/").partition("/_history/")[0]
        kinds = (modifier,) if modifier else self.targets()
        if "/" not in text and ":" not in text:
            return self.bearing(Q(value__in=[f"{kind}/{text}" for kind in kinds]))
        is_wanted = not modifier or f"/{text}".rpartition("/")[0].endswith(f"/{modifier}")
        return self.bearing(Q(value=text) if is_wanted else Q(pk__in=()))

    def missing(self) -> Q:
        """Rows that point nowhere."""
        return ~self.bearing(Q()) & self.identifiers.missing()


@dataclass(frozen=True, kw_only=True)
class TimeTerms:
    """A date that is a stretch of time, maybe open at one end: what is asked is compared with all of it."""

    bearing: Bearing
    is_optional: bool = True
    type: str = "date"
    modifiers: frozenset[str] = frozenset()

    def match(self, value: str, *, modifier: str, asking: Asking) -> Q:
        """Rows of which a stretch stands so to the one that is asked about."""
        del modifier
        asked = values.moments(value)
        start, end = around(asked, asking.at)
        within = Q(starts_at__gte=start, ends_at__lte=end)
        before, after = Q(starts_at__lt=start), Q(ends_at__gt=end)
        conditions = {
            "ne": before | after,
            "gt": after,
            "lt": before,
            "ge": within | after,
            "le": within | before,
            "sa": Q(starts_at__gte=end),
            "eb": Q(ends_at__lte=start),
            "ap": Q(starts_at__lt=end, ends_at__gt=start),
        }
        return self.bearing(conditions.get(asked.prefix, within))

    def missing(self) -> Q:
        """Rows without a time."""
        return ~self.bearing(Q())
