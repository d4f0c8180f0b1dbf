"""What a ServiceRequest and a Task are searched by that nobody can read from the row: it stands in the document.

Codes, references, identifiers and times are taken out, never a text, a display or a name. What identifies the patient
is left out: NHS numbers, and what other systems call a patient. So is what is longer than ``LONGEST``, and
what is more than ``MOST`` for one resource: it cannot be searched for. That an element is there is kept all the same, as
a term without a value, so that ``:missing`` says what the resource shows.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from integrations.fhir import fields, schema
from integrations.fhir.bindings import RESOURCE_TYPES
from integrations.fhir.searching import values
from integrations.fhir.searching.values import BadValue
from integrations.fhir.systems import NHS_NUMBER, REQUEST_PRIORITY, fhir_base, normalise
from referrals.intake import Term

MOST = 50
LONGEST = 200
IDENTIFIER = ":identifier"
OF_CONTAINED = ".identifier"
_PATIENTS = ("Patient", "RelatedPerson")
_VERSION = re.compile(r"/_history/.*")
_OF_A_PATIENT = re.compile(r"(?:.*/)?(?:Patient|RelatedPerson)/(?P<id>[^/]+)")
# A clock finer than ours, as some software writes it.
_FINER = re.compile(r"(\.[0-9]{6})[0-9]+")

# The terms of one value of an element, without their name; the other argument is this server's base.
_Read = Callable[[Any, str], Iterator[Term]]


@dataclass(frozen=True)
class Parameter:
    """A search parameter: its FHIR type, and what is read from which element, or from this ``part`` of it."""

    type: str
    read: _Read
    element: str
    part: str = ""


def of(resource_type: str, resource: dict[str, Any], *, base_url: str) -> tuple[Term, ...]:
    """What a ServiceRequest or a Task can be found by."""
    base, parameters = fhir_base(base_url), PARAMETERS[resource_type]
    found = (
        replace(term, name=f"{name}{term.name}")
        for name, parameter in parameters.items()
        for value in _values(resource, parameter)
        for term in _terms(resource, parameter, value, base)
    )
    short = (term for term in found if max(len(term.system), len(term.value)) <= LONGEST)
    kept = tuple(islice(dict.fromkeys(short), MOST))
    told = {term.name.removesuffix(IDENTIFIER) for term in kept}
    untold = (name for name in parameters if name not in told)
    return kept + tuple(
        Term(name=name) for name in untold if any(_values(resource, parameters[name]))
    )


def targets(resource_type: str, name: str) -> tuple[str, ...]:
    """The resource types that a reference of this name may lead to."""
    element = PARAMETERS[resource_type][name].element
    return schema.elements_of(resource_type)[element].targets or tuple(RESOURCE_TYPES)


def _values(resource: dict[str, Any], parameter: Parameter) -> Iterator[Any]:
    """The values of an element, of every type that it has: ``occurrence`` is occurrenceDateTime or another."""
    kinds = ("DateTime", "Period", "Timing") if parameter.element == "occurrence" else ("",)
    for kind in kinds:
        given = resource.get(f"{parameter.element}{kind}")
        for value in given if isinstance(given, list) else [given]:
            yield fields.child(_object(value), parameter.part) if parameter.part else value


def _terms(resource: dict[str, Any], parameter: Parameter, value: Any, base: str) -> Iterator[Term]:
    """What a value is found by; a reference also by the identifiers of what is contained, unless that is a patient."""
    yield from parameter.read(value, base)
    if parameter.type != "reference":
        return
    name = fields.text(_object(value), "reference")
    for contained in fields.children(resource, "contained"):
        if name == f"#{contained.get('id')}" and contained.get("resourceType") not in _PATIENTS:
            for identifier in fields.children(contained, "identifier"):
                for term in _identifiers(identifier, base):
                    yield replace(term, name=OF_CONTAINED)


def _priorities(value: Any, base: str) -> Iterator[Term]:
    del base
    if isinstance(value, str):
        yield Term(name="", system=REQUEST_PRIORITY, value=value)


def _codings(value: Any, base: str) -> Iterator[Term]:
    del base
    for coding in fields.children(_object(value), "coding"):
        if code := fields.text(coding, "code"):
            yield Term(name="", system=normalise(fields.text(coding, "system")), value=code)


def _identifiers(value: Any, base: str) -> Iterator[Term]:
    del base
    system = normalise(fields.text(_object(value), "system"))
    text = fields.text(_object(value), "value")
    if text and system != NHS_NUMBER:
        yield Term(name="", system=system, value=text)


def _references(value: Any, base: str) -> Iterator[Term]:
    reference = fields.text(_object(value), "reference").removeprefix(f"{base}/")
    reference = _VERSION.sub("", reference)
    patient = _OF_A_PATIENT.fullmatch(reference)
    if reference and not (patient and not _is_uuid(patient["id"])):
        # One to a contained resource is kept, too: nobody finds it by that, but it is not missing.
        yield Term(name="", value=reference)
    for term in _identifiers(fields.child(_object(value), "identifier"), base):
        yield replace(term, name=IDENTIFIER)


def _times(value: Any, base: str) -> Iterator[Term]:
    """A dateTime, a Period, or the events and the bounds of a Timing."""
    if isinstance(value, str):
        yield from _stretch(value, value)
        return
    period = _object(value)
    yield from _stretch(fields.text(period, "start"), fields.text(period, "end"))
    events = period.get("event")
    for event in events if isinstance(events, list) else []:
        yield from _times(event, base)
    bounds = fields.child(fields.child(period, "repeat"), "boundsPeriod")
    yield from _stretch(fields.text(bounds, "start"), fields.text(bounds, "end"))


def _stretch(first: str, last: str) -> Iterator[Term]:
    """From the beginning of the first to the end of the last; open where one is missing."""
    if not first and not last:
        return
    try:
        begin = values.moments(_FINER.sub(r"\1", first)).start if first else values.FIRST_MOMENT
        end = values.moments(_FINER.sub(r"\1", last)).end if last else values.LAST_MOMENT
    except BadValue:
        return
    if begin < end:
        yield Term(name="", starts_at=begin, ends_at=end)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


_code = partial(Parameter, "token", _codings)
_identifier = partial(Parameter, "token", _identifiers)
_reference = partial(Parameter, "reference", _references)
_time = partial(Parameter, "date", _times)

PARAMETERS: dict[str, dict[str, Parameter]] = {
    "ServiceRequest": {
        "authored": _time("authoredOn"),
        "based-on": _reference("basedOn"),
        "category": _code("category"),
        "code": _code("code"),
        "encounter": _reference("encounter"),
        "occurrence": _time("occurrence"),
        "performer": _reference("performer"),
        "performer-type": _code("performerType"),
        "priority": Parameter("token", _priorities, "priority"),
        "replaces": _reference("replaces"),
        "requester": _reference("requester"),
        "requisition": _identifier("requisition"),
        "supporting-info": _reference("supportingInfo"),
    },
    "Task": {
        "authored-on": _time("authoredOn"),
        "based-on": _reference("basedOn"),
        "code": _code("code"),
        "encounter": _reference("encounter"),
        "group-identifier": _identifier("groupIdentifier"),
        "identifier": _identifier("identifier"),
        "output": Parameter("reference", _references, "output", part="valueReference"),
        "owner": _reference("owner"),
        "part-of": _reference("partOf"),
        "performer": _code("performerType"),
        "period": _time("executionPeriod"),
        "requester": _reference("requester"),
    },
}
