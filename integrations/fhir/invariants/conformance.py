"""Invariants of what describes: questionnaires, measures, terminology, operations and servers."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from integrations.fhir import fields
from integrations.fhir.invariants.rule import (
    Json,
    Rule,
    at_least_one,
    has,
    is_distinct,
    needs,
    not_both,
)
from integrations.fhir.wire import MAX_DEPTH

_WITH_OPTIONS = {
    "choice",
    "open-choice",
    "decimal",
    "integer",
    "date",
    "dateTime",
    "time",
    "string",
    "quantity",
}
_WITH_LENGTH = {"boolean", "decimal", "integer", "string", "text", "url", "open-choice"}


def _kind(value: Json) -> str:
    return fields.text(value, "type")


def _below(value: Json, name: str, depth: int = MAX_DEPTH) -> Iterator[Json]:
    """The members of a list of that name, and theirs, and so on."""
    for member in fields.children(value, name):
        yield member
        if depth:
            yield from _below(member, name, depth - 1)


def _is_unique_below(name: str, key: str) -> Callable[[Json], bool]:
    def holds(value: Json) -> bool:
        counted = Counter(fields.text(member, key) for member in _below(value, name))
        return all(times == 1 for text, times in counted.items() if text)

    return holds


def _fits_nesting(value: Json) -> bool:
    is_nested = has(value, "item")
    return (_kind(value) != "group" or is_nested) and (_kind(value) != "display" or not is_nested)


def _not_for(types: set[str], *names: str) -> Callable[[Json], bool]:
    return lambda value: _kind(value) not in types or not has(value, *names)


def _only_for(types: set[str], *names: str) -> Callable[[Json], bool]:
    return lambda value: _kind(value) in types or not has(value, *names)


def _says_how_conditions_combine(value: Json) -> bool:
    # R4 says "more than one" and asks for it from the third on.
    return len(fields.children(value, "enableWhen")) <= 2 or has(value, "enableBehavior")


def _repeats_if_initials_do(value: Json) -> bool:
    return value.get("repeats") is True or len(fields.children(value, "initial")) <= 1


def _asks_existence_with_a_boolean(value: Json) -> bool:
    return fields.text(value, "operator") != "exists" or has(value, "answerBoolean")


def _is_one_criterion(value: Json) -> bool:
    return has(value, "code", "description", "criteria") != has(value, "component")


def _has_endpoint_only_if_instance(value: Json) -> bool:
    is_given = any(has(one, "endpoint") for one in fields.children(value, "messaging"))
    return not is_given or fields.text(value, "kind") == "instance"


def _fits_kind(kind: str, *, software: bool | None, implementation: bool) -> Callable[[Json], bool]:
    def holds(value: Json) -> bool:
        return fields.text(value, "kind") != kind or (
            has(value, "implementation") == implementation
            and software in {None, has(value, "software")}
        )

    return holds


def _distinct(name: str, *keys: str) -> Callable[[Json], bool]:
    return lambda value: is_distinct(fields.children(value, name), *keys)


def _is_searched_as_text(value: Json) -> bool:
    return not has(value, "searchType") or _kind(value) == "string"


def _is_typed_for_profiles(value: Json) -> bool:
    return not has(value, "targetProfile") or _kind(value) in {"Reference", "canonical"}


def _has_system_for_parts(value: Json) -> bool:
    return not has(value, "concept", "filter") or has(value, "system")


def _has_code_unless_abstract(value: Json) -> bool:
    return has(value, "code") or value.get("abstract") is True


def _rules(*rules: tuple[str, str, Callable[[Any], bool], str]) -> tuple[Rule, ...]:
    return tuple(Rule(*rule) for rule in rules)


_INCLUDED = _rules(
    ("vsd-1", "", at_least_one("valueSet", "system"), "A system or value sets are needed"),
    ("vsd-2", "system", _has_system_for_parts, "Concepts and filters need a system"),
    ("vsd-3", "", not_both("concept", "filter"), "Give either concepts or filters"),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "CapabilityStatement": _rules(
        (
            "cpb-1",
            "",
            at_least_one("rest", "messaging", "document"),
            "rest, messaging or document is needed",
        ),
        (
            "cpb-2",
            "",
            at_least_one("description", "software", "implementation"),
            "description, software or implementation is needed",
        ),
        (
            "cpb-3",
            "messaging",
            _has_endpoint_only_if_instance,
            "Only an instance has messaging.endpoint",
        ),
        (
            "cpb-7",
            "document",
            _distinct("document", "profile", "mode"),
            "Two documents have the same profile and mode",
        ),
        (
            "cpb-14",
            "implementation",
            _fits_kind("instance", software=None, implementation=True),
            "An instance needs its implementation",
        ),
        (
            "cpb-15",
            "software",
            _fits_kind("capability", software=True, implementation=False),
            "A capability has software and no implementation",
        ),
        (
            "cpb-16",
            "",
            _fits_kind("requirements", software=False, implementation=False),
            "Requirements have neither software nor implementation",
        ),
    ),
    "CapabilityStatementRest": _rules(
        ("cpb-9", "resource", _distinct("resource", "type"), "A type is described once only"),
    ),
    "CapabilityStatementRestResource": _rules(
        (
            "cpb-12",
            "searchParam",
            _distinct("searchParam", "name"),
            "Two search parameters have the same name",
        ),
    ),
    "CodeSystem": _rules(
        ("csd-1", "concept", _is_unique_below("concept", "code"), "A code is defined once only"),
    ),
    "MeasureGroupStratifier": _rules(
        (
            "mea-1",
            "",
            _is_one_criterion,
            "A stratifier has either criteria of its own or components",
        ),
    ),
    "OperationDefinitionParameter": _rules(
        ("opd-1", "", at_least_one("type", "part"), "A type or parts are needed"),
        (
            "opd-2",
            "searchType",
            _is_searched_as_text,
            "Only a parameter of type string has a searchType",
        ),
        (
            "opd-3",
            "targetProfile",
            _is_typed_for_profiles,
            "Only a Reference or canonical has a targetProfile",
        ),
    ),
    "Questionnaire": _rules(
        ("que-2", "item", _is_unique_below("item", "linkId"), "Two items have the same linkId"),
    ),
    "QuestionnaireItem": _rules(
        ("que-1", "item", _fits_nesting, "A group needs items, a display item has none"),
        ("que-3", "code", _not_for({"display"}, "code"), "A display item has no code"),
        (
            "que-4",
            "",
            not_both("answerOption", "answerValueSet"),
            "Give either answerOption or answerValueSet",
        ),
        (
            "que-5",
            "",
            _only_for(_WITH_OPTIONS, "answerOption", "answerValueSet"),
            "This type of item has no list of answers",
        ),
        (
            "que-6",
            "",
            _not_for({"display"}, "required", "repeats"),
            "A display item is neither required nor repeated",
        ),
        (
            "que-8",
            "initial",
            _not_for({"group", "display"}, "initial"),
            "A group or display item has no initial value",
        ),
        ("que-9", "readOnly", _not_for({"display"}, "readOnly"), "A display item has no readOnly"),
        (
            "que-10",
            "maxLength",
            _only_for(_WITH_LENGTH, "maxLength"),
            "This type of item has no maxLength",
        ),
        (
            "que-11",
            "initial",
            not_both("answerOption", "initial"),
            "An item with answerOption has no initial value",
        ),
        (
            "que-12",
            "enableBehavior",
            _says_how_conditions_combine,
            "Several conditions need enableBehavior",
        ),
        (
            "que-13",
            "initial",
            _repeats_if_initials_do,
            "Only a repeating item has several initial values",
        ),
    ),
    "QuestionnaireItemEnableWhen": _rules(
        (
            "que-7",
            "answer",
            _asks_existence_with_a_boolean,
            "The operator exists needs answerBoolean",
        ),
    ),
    "ValueSetComposeInclude": _INCLUDED,
    "ValueSetExpansionContains": _rules(
        ("vsd-6", "", at_least_one("code", "display"), "A code or a display is needed"),
        ("vsd-9", "code", _has_code_unless_abstract, "What is not abstract needs a code"),
        ("vsd-10", "system", needs("code", "system"), "A code needs its system"),
    ),
}
