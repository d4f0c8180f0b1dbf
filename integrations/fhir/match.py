"""``HealthcareService/$match``: a need read from the parameters, ranked communities written as a searchset.

The parameters come as an R4 Parameters resource, or, where they cannot name a person, in the address.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from communities.finding import Wanted, age_on
from communities.matching.need import STAGES, Preference
from communities.models import Condition
from communities.places import Place, place_at, place_of
from communities.safety import crisis_route
from communities.selectors import conditions_by_code, conditions_named
from integrations.fhir import fields, needs
from integrations.fhir.bindings import VALUE_SETS
from integrations.fhir.outcome import Finding, malformed, refusal, tolerated, unprocessable
from integrations.fhir.searching.query import DRESS
from integrations.fhir.systems import SNOMED, normalise, own
from referrals.risk import speaks_of_risk

# Parameter → the types that its value may have.
TAKES = {
    "condition": ("Coding", "CodeableConcept", "Code", "String"),
    "age": ("Integer", "UnsignedInt", "PositiveInt"),
    "birthDate": ("Date",),
    "gender": ("Code", "String"),
    "language": ("Code", "String"),
    "postcode": ("String",),
    "locality": ("String", "Code"),
    "isCarer": ("Boolean",),
    "need": ("Coding", "Code", "String"),
    "includeRefused": ("Boolean",),
}
# These could tell who somebody is: they never stand in an address, which is kept in logs.
BODY_ONLY = frozenset({"birthDate", "postcode"})
IN_ADDRESS = tuple(name for name in TAKES if name not in BODY_ONLY)
SEVERAL = frozenset({"condition", "language", "need"})
_OLDEST = 125
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class Given:
    """A parameter as it came. A coding is ``system|code``; ``at`` is its place, for findings."""

    name: str
    value: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for. ``warnings`` say what was left out of account."""

    wanted: Wanted
    includes_refused: bool
    warnings: tuple[Finding, ...]


@dataclass
class _Reading:
    """Parameters being read, with what is found to be wrong on the way."""

    given: Sequence[Given]
    base_url: str
    day: date
    is_in_body: bool
    findings: list[Finding] = field(default_factory=list)

    def all(self, name: str) -> list[Given]:
        """Every value of a parameter."""
        return [one for one in self.given if one.name == name]

    def one(self, name: str) -> Given | None:
        """The value of a parameter that may come once."""
        return next(iter(self.all(name)), None)

    def place_of_missing(self, name: str) -> str:
        """Where a parameter that did not come would stand."""
        return "Parameters.parameter" if self.is_in_body else f"http.{name}"

    def refuse(self, text: str, at: str, code: str = "value") -> None:
        """Note a fault."""
        self.findings.append(unprocessable(code, text, at))


def in_body(parameters: dict[str, Any]) -> tuple[list[Given], list[Finding]]:
    """The parameters of a Parameters resource that is sound R4, and what is wrong with their names and types."""
    given: list[Given] = []
    findings: list[Finding] = []
    for place, parameter in fields.indexed(parameters, "parameter"):
        name, at = fields.text(parameter, "name"), f"Parameters.parameter[{place}]"
        typed = next((key for key in parameter if key.startswith("value")), "")
        if name not in TAKES:
            findings.append(_unknown(TAKES, at))
        elif typed.removeprefix("value") not in TAKES[name]:
            kinds = " or ".join(f"value{kind}" for kind in TAKES[name])
            findings.append(malformed("value", f"{name} is given as {kinds}.", at))
        else:
            given += [Given(name, text, f"{at}.value") for text in _texts(parameter[typed])]
    return given, findings


def in_address(pairs: Iterable[tuple[str, str]]) -> tuple[list[Given], list[Finding]]:
    """The parameters of a query string, and what is wrong with their names."""
    given: list[Given] = []
    findings: list[Finding] = []
    for name, value in pairs:
        if name in BODY_ONLY:
            text = f"{name} could tell who somebody is. POST it in a Parameters resource."
            findings.append(malformed("security", text, f"http.{name}"))
        elif name in TAKES:
            given.append(Given(name, value, f"http.{name}"))
        elif name not in DRESS:
            findings.append(_unknown(IN_ADDRESS, ""))
    return given, findings


def read(
    given: Sequence[Given],
    findings: Sequence[Finding],
    *,
    base_url: str,
    day: date,
    is_in_body: bool,
) -> Asked:
    """The need that the parameters state. Raises Refused with all that is wrong, ``findings`` among it."""
    reading = _Reading(given, base_url, day, is_in_body, list(findings))
    for name in set(TAKES) - SEVERAL:
        for more in reading.all(name)[1:]:
            reading.refuse(f"{name} is given once.", more.at, "invariant")
    conditions, age = _conditions(reading), _age(reading)
    sex, languages, place = _sex(reading), _languages(reading), _place(reading)
    preferences = _preferences(reading)
    includes_refused = _truth(reading, "includeRefused")
    if age is None or any(finding.is_error for finding in reading.findings):
        raise refusal(reading.findings)
    wanted = Wanted(
        conditions=conditions,
        age=age,
        sex=sex,
        languages=languages,
        preferences=preferences,
        place=place,
    )
    return Asked(wanted=wanted, includes_refused=includes_refused, warnings=tuple(reading.findings))


def _unknown(known: Iterable[str], at: str) -> Finding:
    return malformed("not-supported", f"This operation takes: {', '.join(known)}.", at)


def _texts(value: Any) -> Iterator[str]:
    """The value as text; the codings of a concept one by one."""
    if isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, dict):
        for coding in fields.children(value, "coding") or [value]:
            yield f"{fields.text(coding, 'system')}|{fields.text(coding, 'code')}"
    else:
        yield str(value)


def _conditions(reading: _Reading) -> tuple[Condition, ...]:
    """The conditions that are known among those given; like a referral, a need may name others beside them."""
    given = reading.all("condition")
    if not given:
        text = "At least one condition is needed: a SNOMED CT code, or a key of /api/conditions."
        reading.refuse(text, reading.place_of_missing("condition"), "required")
        return ()
    found: dict[str, Condition] = {}
    unknown = []
    for one in given:
        meant = _meant(one.value, reading.base_url)
        found |= {condition.key: condition for condition in meant}
        if not meant:
            unknown.append(one.at)
    text = "This service does not know this condition. Those that it knows are at /api/conditions."
    say = tolerated if found else unprocessable
    reading.findings += [say("not-supported", text, at) for at in dict.fromkeys(unknown)]
    return tuple(found[key] for key in sorted(found))


def _meant(token: str, base_url: str) -> list[Condition]:
    """The conditions of ``system|code``; a code without a system is a key of ours."""
    system, _, code = token.rpartition("|")
    if normalise(system) == SNOMED:
        return conditions_by_code([code])
    return conditions_named([code]) if system in ("", own(base_url, "condition")) else []


def _age(reading: _Reading) -> int | None:
    age, born = reading.one("age"), reading.one("birthDate")
    if age and born:
        reading.refuse("Give age or birthDate, not both.", born.at, "invariant")
    elif age:
        digits = age.value if age.value.isascii() and len(age.value) <= 9 else ""
        if digits.isdecimal() and int(digits) <= _OLDEST:
            return int(digits)
        reading.refuse(f"age is a whole number of years from 0 to {_OLDEST}.", age.at)
    elif born:
        return _years(reading, born)
    else:
        reading.refuse("age or birthDate is needed.", reading.place_of_missing("age"), "required")
    return None


def _years(reading: _Reading, born: Given) -> int | None:
    try:
        years = age_on(reading.day, born=date.fromisoformat(born.value))
    except ValueError:
        years = -1  # R4 has dates without a day, too
    if 0 <= years <= _OLDEST:
        return years
    reading.refuse("birthDate is a whole date, YYYY-MM-DD, of somebody who lives.", born.at)
    return None


def _sex(reading: _Reading) -> str:
    given, known = reading.one("gender"), VALUE_SETS["administrative-gender"]
    if given and given.value not in known:
        reading.refuse(f"gender is one of: {', '.join(known)}.", given.at, "code-invalid")
    return given.value if given else ""


def _languages(reading: _Reading) -> tuple[str, ...]:
    for one in reading.all("language"):
        if not _LANGUAGE.fullmatch(one.value):
            reading.refuse("language is a tag of BCP 47, such as bn or cy.", one.at, "code-invalid")
    return tuple(one.value for one in reading.all("language"))


def _place(reading: _Reading) -> Place | None:
    """Where they live. Without it, or where a postcode is not known, the practice's place counts, as in a referral."""
    postcode, locality = reading.one("postcode"), reading.one("locality")
    if postcode and locality:
        reading.refuse("Give postcode or locality, not both.", locality.at, "invariant")
    elif postcode:
        place = place_of(postcode.value)
        if place is None:
            text = "This postcode is not known: the practice's place was taken, as for a referral."
            reading.findings.append(tolerated("not-found", text, postcode.at))
        return place
    elif locality:
        place = place_at(locality.value)
        if place is None:
            text = (
                "locality is the ODS code of an ICB, the ONS code of a local authority, or England,"
                " Northern Ireland, Scotland or Wales. /fhir/R4/Location lists them."
            )
            reading.refuse(text, locality.at, "code-invalid")
        return place
    return None


def _preferences(reading: _Reading) -> frozenset[str]:
    """The needs that are stated, and those that follow from isCarer and from a code that speaks of a risk."""
    stated = set()
    for one in reading.all("need"):
        system, _, code = one.value.rpartition("|")
        if system in ("", own(reading.base_url, needs.NEED)) and code in frozenset(Preference):
            stated.add(code)
        else:
            text = f"need is a code of {own(reading.base_url, needs.NEED)}."
            reading.refuse(text, one.at, "code-invalid")
    if len(stated & STAGES) > 1:
        reading.refuse(needs.ONE_STAGE, reading.place_of_missing("need"), "business-rule")
    if _truth(reading, "isCarer"):
        stated.add(Preference.CARER.value)
    for one in reading.all("condition"):
        if speaks_of_risk([one.value.rpartition("|")[2]]):
            stated.add(Preference.KNOWN_RISK.value)
            text = f"A referral for this is taken only with the answer that there is no acute risk. {crisis_route()}"
            reading.findings.append(tolerated("business-rule", text, one.at))
    return frozenset(stated)


def _truth(reading: _Reading, name: str) -> bool:
    given = reading.one(name)
    if given and given.value not in ("true", "false"):
        reading.refuse(f"{name} is true or false.", given.at)
    return bool(given and given.value == "true")
