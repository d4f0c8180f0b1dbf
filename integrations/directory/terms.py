"""Our moderation extension of HSDS-UK 3.0: what a host states of a community, as taxonomy terms in ``attributes``.

A fact that is chosen from a list is a term of a taxonomy of ours. A fact in words, numbers or days is a term of the
taxonomy ``statement``, with what is stated in the attribute's ``value``, an element that HSDS 3.0 has and its UK profile
leaves out. Ids follow from the codes, so they are the same in every installation, and a term is known by its id.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

from communities.facts import FACTS, ONE_OF, SOME_OF
from communities.models import Condition
from communities.tiers import Cover, Tier

_NAMESPACE = UUID("0c1c5f5e-6f0d-4c35-9d3c-8f7f6f1d7a52")  # any constant
CONDITION, STATEMENT = "condition", "statement"
# Worked out here, so read by nobody else's word.
WORKED_OUT: Mapping[str, type[StrEnum]] = {"moderation_tier": Tier, "moderator_cover": Cover}
CODED: Mapping[str, type[StrEnum]] = {**ONE_OF, **SOME_OF}
# Facts that HSDS-UK has an element of its own for.
_ELEMENTS = {
    *("name", "summary", "url", "min_age", "max_age", "cost", "languages", "areas"),
    *("moderator_hours", "conditions"),
}
STATED = [name for name in FACTS if name not in CODED and name not in _ELEMENTS]
TIME_ZONE = "time_zone"
_WORDS = {Cover.ALL_HOURS.value: "day and night"}
_ABOUT = {
    CONDITION: "The conditions that communities are for.",
    STATEMENT: "What a host states of its community in words, numbers or days.",
    "moderation_tier": "How well a community is moderated, worked out from what its host states.",
    "moderator_cover": "When moderators are there, worked out from their hours.",
}


@dataclass(frozen=True)
class Term:
    """A term of one of our taxonomies. ``fact``: the fact that it states, or the key of its taxonomy."""

    fact: str
    code: str
    name: str
    description: str

    @property
    def id(self) -> UUID:
        """Follows from taxonomy and code."""
        return id_of(self.fact, self.code)


def id_of(*parts: object) -> UUID:
    """An id that follows from what it is the id of."""
    return uuid5(_NAMESPACE, "/".join(map(str, parts)))


def taxonomies() -> dict[str, str]:
    """The key of each taxonomy, and what it says."""
    said = {name: f"What a host states of its community: {words(name)}." for name in CODED}
    return {**said, **_ABOUT}


def fixed_terms() -> Iterator[Term]:
    """Every term that follows from this code: not the conditions."""
    for fact, codes in {**CODED, **WORKED_OUT}.items():
        for code in codes:
            yield coded(fact, code)
    for name in STATED:
        yield statement(name)


def coded(fact: str, code: str) -> Term:
    """The term of a code."""
    said = f"{words(fact).capitalize()}: {words(code)}"
    return Term(fact, str(code), said, f"{said}.")


def statement(fact: str) -> Term:
    """The term whose attribute's ``value`` states a fact."""
    about = f"{words(fact).capitalize()}; the value says it."
    if fact == TIME_ZONE:
        about = "The schedules are the hours of the moderators, by the clock that the value names."
    return Term(STATEMENT, fact, words(fact).capitalize(), about)


def of_condition(condition: Condition) -> Term:
    """The term of a condition."""
    return Term(CONDITION, condition.key, condition.label, f"For {condition.people}.")


def known_terms(conditions: Iterable[Condition]) -> dict[UUID, Term]:
    """Every term of ours by its id."""
    terms = [*fixed_terms(), *map(of_condition, conditions)]
    return {term.id: term for term in terms}


def words(code: str) -> str:
    """A code as people say it."""
    return _WORDS.get(code, code.replace("_", " "))
