"""Invariants of what holds other resources: Bundle and Parameters."""

from collections.abc import Callable

from integrations.fhir import bindings, fields
from integrations.fhir.invariants.rule import Json, Rule, at_least_one, chosen, has

_REQUESTED = {"batch", "transaction", "history"}
_ANSWERED = {"batch-response", "transaction-response", "history"}
_TYPES = frozenset(bindings.VALUE_SETS["bundle-type"])


def _type(value: Json) -> str:
    return fields.text(value, "type")


def _if_known(holds: Callable[[Json], bool]) -> Callable[[Json], bool]:
    """The rule, for Bundles of a type that there is: of another one nothing follows."""
    return lambda value: _type(value) not in _TYPES or holds(value)


def _only_in(name: str, types: set[str]) -> Rule:
    """Each entry has the element in Bundles of these types, and no entry elsewhere."""
    key = {"request": "bdl-3", "response": "bdl-4"}[name]

    def holds(value: Json) -> bool:
        entries = fields.children(value, "entry")
        return all(has(entry, name) == (_type(value) in types) for entry in entries)

    text = f"entry.{name} belongs in every entry of a Bundle of type {', '.join(sorted(types))}"
    return Rule(key, "entry", _if_known(holds), f"{text}, and in no other")


def _has_total_only_if_searched(value: Json) -> bool:
    return not has(value, "total") or _type(value) in {"searchset", "history"}


def _has_search_only_if_searched(value: Json) -> bool:
    entries = fields.children(value, "entry")
    return _type(value) == "searchset" or not any(has(entry, "search") for entry in entries)


def _is_distinct_by_url(value: Json) -> bool:
    entries = [entry for entry in fields.children(value, "entry") if has(entry, "fullUrl")]
    seen = [(fields.text(entry, "fullUrl"), _version(entry)) for entry in entries]
    return _type(value) == "history" or len(seen) == len(set(seen))


def _version(entry: Json) -> str:
    return fields.text(fields.child(fields.child(entry, "resource"), "meta"), "versionId")


def _is_identified_document(value: Json) -> bool:
    identifier = fields.child(value, "identifier")
    return _type(value) != "document" or (has(identifier, "system") and has(identifier, "value"))


def _is_dated_document(value: Json) -> bool:
    return _type(value) != "document" or bool(fields.text(value, "timestamp"))


def _begins(kind: str, resource_type: str, value: Json) -> bool:
    first = next(iter(fields.children(value, "entry")), {})
    found = fields.text(fields.child(first, "resource"), "resourceType")
    return _type(value) != kind or found == resource_type


def _is_unversioned(value: Json) -> bool:
    return "/_history/" not in fields.text(value, "fullUrl")


def _has_one_content(value: Json) -> bool:
    return [chosen(value, "value"), has(value, "resource"), has(value, "part")].count(True) == 1


_FULL_URLS = "Two entries have the same fullUrl and the same meta.versionId"

RULES: dict[str, tuple[Rule, ...]] = {
    "Bundle": (
        Rule(
            "bdl-1",
            "total",
            _if_known(_has_total_only_if_searched),
            "Only searchset and history have a total",
        ),
        Rule(
            "bdl-2",
            "entry",
            _if_known(_has_search_only_if_searched),
            "Only a searchset has entry.search",
        ),
        _only_in("request", _REQUESTED),
        _only_in("response", _ANSWERED),
        Rule("bdl-7", "entry", _is_distinct_by_url, _FULL_URLS),
        Rule(
            "bdl-9",
            "identifier",
            _is_identified_document,
            "A document needs an identifier with system and value",
        ),
        Rule("bdl-10", "timestamp", _is_dated_document, "A document needs a timestamp"),
        Rule(
            "bdl-11",
            "entry",
            lambda value: _begins("document", "Composition", value),
            "A document begins with a Composition",
        ),
        Rule(
            "bdl-12",
            "entry",
            lambda value: _begins("message", "MessageHeader", value),
            "A message begins with a MessageHeader",
        ),
    ),
    "BundleEntry": (
        Rule(
            "bdl-5",
            "",
            at_least_one("resource", "request", "response"),
            "An entry needs a resource, a request or a response",
        ),
        Rule("bdl-8", "fullUrl", _is_unversioned, "fullUrl must not name a version"),
    ),
    "ParametersParameter": (
        Rule("inv-1", "", _has_one_content, "A parameter has one of value, resource and part"),
    ),
}
