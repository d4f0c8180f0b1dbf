"""The operations of this service that R4 and its guides do not define."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from integrations.fhir import events, match
from integrations.fhir.definitions.edition import Definition, Edition

Parameter = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation: its key, the code by which it is called, and on which types; of all of a type, or of one resource."""

    key: str
    code: str
    title: str
    text: str
    on: tuple[str, ...]
    is_of_instance: bool
    parameters: tuple[Parameter, ...]


def _in(name: str, kind: str, text: str, *, most: str = "1") -> Parameter:
    return {**_parameter(name, text, use="in", least=0, most=most), "type": kind}


def _out(name: str, kind: str, text: str, *, least: int = 1) -> Parameter:
    return {**_parameter(name, text, use="out", least=least, most="1"), "type": kind}


def _group(name: str, text: str, *parts: Parameter) -> Parameter:
    """A parameter of the answer that comes any number of times and has parts."""
    return {**_parameter(name, text, use="out", least=0, most="*"), "part": list(parts)}


def _parameter(name: str, text: str, *, use: str, least: int, most: str) -> Parameter:
    return {"name": name, "use": use, "min": least, "max": most, "documentation": text}


_NEEDS = {
    "condition": "A condition: a SNOMED CT code, or a code of the code system condition. At least one is needed.",
    "age": "In years. Either this or birthDate is needed.",
    "birthDate": "In full.",
    "gender": "A code of administrative-gender.",
    "language": "A language that the person speaks, by BCP 47.",
    "postcode": "Where the person lives. Without it the practice's place counts.",
    "locality": "The ODS code of an integrated care board, the ONS code of a local authority, or a nation.",
    "isCarer": "Whether the person looks after somebody with the condition.",
    "need": "Something else that matters: a code of the code system peer-support-need.",
    "includeRefused": "Whether communities that do not fit come too, with why not.",
}


def _needs() -> Iterator[Parameter]:
    """What $match takes, from the table by which it is read."""
    for name, kinds in match.TAKES.items():
        first, *others = (_type(kind) for kind in kinds)
        also = f" Also as {', '.join(others)}." if others else ""
        where = " In a body only." if name in match.BODY_ONLY else ""
        most = "*" if name in match.SEVERAL else "1"
        yield _in(name, first, f"{_NEEDS[name]}{also}{where}", most=most)


def _type(kind: str) -> str:
    """How R4 calls the type of ``value<kind>``: primitive types begin with a small letter."""
    return kind if kind in ("Coding", "CodeableConcept") else f"{kind[0].lower()}{kind[1:]}"


OPERATIONS = (
    Operation(
        key="HealthcareService-match",
        code="match",
        title="Match a need with communities",
        text="A need in, ranked communities out, each with a score and its reasons. Nothing is kept.",
        on=("HealthcareService",),
        is_of_instance=False,
        parameters=(
            *_needs(),
            _out("return", "Bundle", "A searchset of HealthcareServices, the best first."),
        ),
    ),
    Operation(
        key="events",
        code="events",
        title="What has happened to a referral",
        text="The Task of a referral at every version that its practice was told of, oldest first. The version is the number.",
        on=("ServiceRequest",),
        is_of_instance=True,
        parameters=(
            _in(events.SINCE, "integer", "The first event that is wanted."),
            _in(events.UNTIL, "integer", "The last event that is wanted."),
            _out("return", "Bundle", "A history."),
        ),
    ),
    Operation(
        key="available-actions",
        code="available-actions",
        title="What may be done now",
        text="The moves that are open to the asker, where each leads, and by which update.",
        on=("ServiceRequest", "Task"),
        is_of_instance=True,
        parameters=(
            _out("focus", "Reference", "What was asked about, at its version."),
            _group(
                "action",
                "Something that the asker may do now.",
                _out("name", "code", "How it is called."),
                _out("request-status", "code", "ServiceRequest.status after it.", least=0),
                _out("task-status", "code", "Task.status after it."),
                _out("business-status", "Coding", "Task.businessStatus after it.", least=0),
                _out("takes-reason", "boolean", "Whether a reason may be given.", least=0),
                _group(
                    "by-update",
                    "It is done by an update or a patch of this resource.",
                    _out("resource", "Reference", "What is to be updated."),
                    _out("status", "code", "Its status then."),
                ),
            ),
        ),
    ),
)


def operations(edition: Edition) -> list[Definition]:
    """Each with its parameters. None of them changes anything."""
    return [_written(one, edition) for one in OPERATIONS]


def _written(one: Operation, edition: Edition) -> Definition:
    return edition.begin("OperationDefinition", one.key, one.title, one.text) | {
        "kind": "operation",
        "affectsState": False,
        "code": one.code,
        "resource": list(one.on),
        "system": False,
        "type": not one.is_of_instance,
        "instance": one.is_of_instance,
        "parameter": list(one.parameters),
    }
