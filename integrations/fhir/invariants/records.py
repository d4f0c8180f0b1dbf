"""Invariants of what is recorded of people, care and organisations."""

from integrations.fhir import fields
from integrations.fhir.invariants.datatypes import is_not_before
from integrations.fhir.invariants.rule import (
    Json,
    Rule,
    at_least_one,
    chosen,
    exactly_one,
    has,
    needs,
    not_both,
)


def _is_modified_after_authored(value: Json) -> bool:
    authored, modified = fields.text(value, "authoredOn"), fields.text(value, "lastModified")
    return not (authored and modified) or is_not_before(modified, authored)


def _is_nowhere_at_home(name: str) -> Rule:
    key = {"telecom": "org-3", "address": "org-2"}[name]
    text = f"An organisation has no {name} for use home"
    return Rule(
        key,
        name,
        lambda value: all(
            fields.text(one, "use") != "home" for one in fields.children(value, name)
        ),
        text,
    )


def _has_value_or_reason(value: Json) -> bool:
    return not (has(value, "dataAbsentReason") and chosen(value, "value"))


def _has_one_place_for_its_value(value: Json) -> bool:
    own = _codings(value)
    parts = fields.children(value, "component")
    return not chosen(value, "value") or all(own.isdisjoint(_codings(part)) for part in parts)


def _codings(value: Json) -> set[tuple[str, ...]]:
    """The codings of an object's code, to be compared as a whole."""
    parts = ("system", "version", "code", "display")
    codings = fields.children(fields.child(value, "code"), "coding")
    return {tuple(fields.text(coding, part) for part in parts) for coding in codings}


def _has_members_only_if_actual(value: Json) -> bool:
    return not has(value, "member") or value.get("actual") is True


def _has_no_group_when_collecting(value: Json) -> bool:
    return fields.text(value, "type") != "data-collection" or not has(value, "group")


RULES: dict[str, tuple[Rule, ...]] = {
    "AuditEventEntity": (
        Rule("sev-1", "", not_both("name", "query"), "Give either name or query"),
    ),
    "CarePlanActivity": (
        Rule("cpl-3", "", not_both("detail", "reference"), "Give either detail or a reference"),
    ),
    "Consent": (
        Rule("ppc-1", "", at_least_one("policy", "policyRule"), "policy or policyRule is needed"),
    ),
    "Group": (
        Rule("grp-1", "member", _has_members_only_if_actual, "Only an actual group has members"),
    ),
    "MeasureReport": (
        Rule("mrp-1", "group", _has_no_group_when_collecting, "data-collection has no group"),
    ),
    "MeasureReportGroupStratifierStratum": (
        Rule("mrp-2", "", exactly_one("value", "component"), "Give either value or component"),
    ),
    "Observation": (
        Rule(
            "obs-6",
            "dataAbsentReason",
            _has_value_or_reason,
            "A reason for the absence of a value stands beside no value",
        ),
        Rule(
            "obs-7",
            "",
            _has_one_place_for_its_value,
            "With a component of the same code the value belongs there",
        ),
    ),
    "ObservationReferenceRange": (
        Rule("obs-3", "", at_least_one("low", "high", "text"), "low, high or text is needed"),
    ),
    "Organization": (
        Rule("org-1", "", at_least_one("identifier", "name"), "identifier or name is needed"),
        _is_nowhere_at_home("address"),
        _is_nowhere_at_home("telecom"),
    ),
    "PatientContact": (
        Rule(
            "pat-1",
            "",
            at_least_one("name", "telecom", "address", "organization"),
            "A contact needs a name, details or an organisation",
        ),
    ),
    "QuestionnaireResponseItem": (
        Rule("qrs-1", "", not_both("answer", "item"), "Items stand under the item or its answer"),
    ),
    "ServiceRequest": (
        Rule(
            "prr-1",
            "orderDetail",
            needs("orderDetail", "code"),
            "orderDetail needs a code beside it",
        ),
    ),
    "Task": (
        Rule(
            "inv-1",
            "lastModified",
            _is_modified_after_authored,
            "lastModified must not be before authoredOn",
        ),
    ),
}
