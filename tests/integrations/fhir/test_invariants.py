"""Each invariant of R4 that is checked: what breaks it, and what is right."""

from decimal import Decimal
from typing import Any

import pytest

from integrations.fhir import invariants, schema
from integrations.fhir.invariants.datatypes import is_not_before
from tests.integrations.fhir.cast import a_patient, a_referral, check, without

UCUM = {"system": "http://unitsofmeasure.org"}
ENTRY = {"resource": {"resourceType": "Patient"}}
HEADER = {"resource": {"resourceType": "MessageHeader"}}
REQUEST = {"method": "GET", "url": "Patient"}
DOCUMENT = {
    "type": "document",
    "identifier": {"system": "urn:ietf:rfc:3986", "value": "x"},
    "timestamp": "2026-11-01T09:00:00Z",
    "entry": [{"resource": {"resourceType": "Composition"}}],
}

# type, key: (what breaks the rule, what is right)
CASES: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {
    ("Age", "age-1"): ({"value": 0, "code": "a", **UCUM}, {"value": 3, "code": "a", **UCUM}),
    ("Age", "qty-3"): ({"code": "a"}, {"code": "a", **UCUM}),
    ("Attachment", "att-1"): ({"data": "eA=="}, {"data": "eA==", "contentType": "text/plain"}),
    ("ContactPoint", "cpt-2"): ({"value": "1"}, {"value": "1", "system": "phone"}),
    ("Count", "cnt-3"): (
        {"value": Decimal("1.5"), "code": "1", **UCUM},
        {"value": 2, "code": "1", **UCUM},
    ),
    ("Count", "qty-3"): ({"code": "1"}, {"code": "1", **UCUM}),
    ("DataRequirementCodeFilter", "drq-1"): ({"path": "a", "searchParam": "b"}, {"path": "a"}),
    ("DataRequirementDateFilter", "drq-2"): ({"path": "a", "searchParam": "b"}, {"path": "a"}),
    ("Distance", "dis-1"): ({"value": 1}, {"value": 1, "code": "m", **UCUM}),
    ("Distance", "qty-3"): ({"code": "m"}, {"code": "m", **UCUM}),
    ("Duration", "drt-1"): ({"code": "h", **UCUM}, {"value": 1, "code": "h", **UCUM}),
    ("Duration", "qty-3"): ({"code": "h"}, {"code": "h", **UCUM}),
    ("Expression", "exp-1"): ({"language": "text/cql"}, {"expression": "1"}),
    ("Extension", "ext-1"): ({"url": "x"}, {"url": "x", "valueString": "a"}),
    ("Period", "per-1"): (
        {"start": "2026-11-02", "end": "2026-11-01"},
        {"start": "2026-11-01", "end": "2026-11"},
    ),
    ("Quantity", "qty-3"): ({"code": "m"}, {"code": "m", **UCUM}),
    ("Range", "rng-2"): (
        {"low": {"value": 2}, "high": {"value": Decimal("1.5")}},
        {"low": {"value": 1}, "high": {"value": 1}},
    ),
    ("Ratio", "rat-1"): ({"numerator": {}}, {"numerator": {}, "denominator": {}}),
    ("TimingRepeat", "tim-1"): ({"duration": 1}, {"duration": 1, "durationUnit": "h"}),
    ("TimingRepeat", "tim-2"): ({"period": 1}, {"period": 1, "periodUnit": "h"}),
    ("TimingRepeat", "tim-4"): ({"duration": -1}, {"duration": 0}),
    ("TimingRepeat", "tim-5"): ({"period": -1}, {"period": 0}),
    ("TimingRepeat", "tim-6"): ({"periodMax": 1}, {"periodMax": 1, "period": 1}),
    ("TimingRepeat", "tim-7"): ({"durationMax": 1}, {"durationMax": 1, "duration": 1}),
    ("TimingRepeat", "tim-8"): ({"countMax": 1}, {"countMax": 1, "count": 1}),
    ("TimingRepeat", "tim-9"): ({"offset": 1, "when": ["C"]}, {"offset": 1, "when": ["HS"]}),
    ("TimingRepeat", "tim-10"): (
        {"timeOfDay": ["09:00:00"], "when": ["HS"]},
        {"timeOfDay": ["09:00:00"]},
    ),
    ("TriggerDefinition", "trd-1"): (
        {"data": [{}], "timingDate": "2026"},
        {"data": [{}]},
    ),
    ("TriggerDefinition", "trd-2"): ({"condition": {}}, {"condition": {}, "data": [{}]}),
    ("TriggerDefinition", "trd-3"): ({"type": "named-event"}, {"type": "named-event", "name": "x"}),
    ("AuditEventEntity", "sev-1"): ({"name": "a", "query": "eA=="}, {"name": "a"}),
    ("CarePlanActivity", "cpl-3"): ({"detail": {}, "reference": {}}, {"detail": {}}),
    ("Consent", "ppc-1"): ({}, {"policyRule": {"text": "x"}}),
    ("Group", "grp-1"): (
        {"actual": False, "member": [{}]},
        {"actual": True, "member": [{}]},
    ),
    ("MeasureReport", "mrp-1"): ({"type": "data-collection", "group": [{}]}, {"group": [{}]}),
    ("MeasureReportGroupStratifierStratum", "mrp-2"): ({}, {"value": {"text": "x"}}),
    ("Observation", "obs-6"): (
        {"dataAbsentReason": {}, "valueString": "x"},
        {"dataAbsentReason": {}, "value": "x"},
    ),
    ("Observation", "obs-7"): (
        {
            "code": {"coding": [{"code": "a"}]},
            "valueInteger": 1,
            "component": [{"code": {"coding": [{"code": "a"}]}}],
        },
        {
            "code": {"coding": [{"code": "a"}]},
            "valueInteger": 1,
            "component": [{"code": {"coding": [{"code": "b"}]}}],
        },
    ),
    ("ObservationReferenceRange", "obs-3"): ({"type": {}}, {"text": "x"}),
    ("Organization", "org-1"): ({"active": True}, {"name": "x"}),
    ("Organization", "org-2"): ({"address": [{"use": "home"}]}, {"address": [{"use": "work"}]}),
    ("Organization", "org-3"): ({"telecom": [{"use": "home"}]}, {"telecom": [{"use": "work"}]}),
    ("PatientContact", "pat-1"): ({"gender": "male"}, {"telecom": [{}]}),
    ("QuestionnaireResponseItem", "qrs-1"): ({"answer": [{}], "item": [{}]}, {"answer": [{}]}),
    ("ServiceRequest", "prr-1"): ({"orderDetail": [{}]}, {"orderDetail": [{}], "code": {}}),
    ("Task", "inv-1"): (
        {"authoredOn": "2026-11-02T09:00:00Z", "lastModified": "2026-11-02T09:30:00+01:00"},
        {"authoredOn": "2026-11-02T09:00:00Z", "lastModified": "2026-11-02T10:00:00+01:00"},
    ),
    ("Bundle", "bdl-1"): ({"type": "batch", "total": 1}, {"type": "searchset", "total": 1}),
    ("Bundle", "bdl-2"): (
        {"type": "collection", "entry": [{"search": {}}]},
        {"type": "searchset", "entry": [{"search": {}}]},
    ),
    ("Bundle", "bdl-3"): (
        {"type": "transaction", "entry": [{"request": REQUEST}, ENTRY]},
        {"type": "transaction", "entry": [{"request": REQUEST}]},
    ),
    ("Bundle", "bdl-4"): (
        {"type": "collection", "entry": [{"response": {}}]},
        {"type": "batch-response", "entry": [{"response": {}}]},
    ),
    ("Bundle", "bdl-7"): (
        {"entry": [{"fullUrl": "urn:a"}, {"fullUrl": "urn:a"}]},
        {"entry": [{"fullUrl": "urn:a"}, {"fullUrl": "urn:b"}, {}, {}]},
    ),
    ("Bundle", "bdl-9"): (without(DOCUMENT, "identifier"), DOCUMENT),
    ("Bundle", "bdl-10"): (without(DOCUMENT, "timestamp"), DOCUMENT),
    ("Bundle", "bdl-11"): (DOCUMENT | {"entry": [ENTRY]}, DOCUMENT),
    ("Bundle", "bdl-12"): (
        {"type": "message", "entry": [ENTRY]},
        {"type": "message", "entry": [HEADER]},
    ),
    ("BundleEntry", "bdl-5"): ({"fullUrl": "urn:a"}, ENTRY),
    ("BundleEntry", "bdl-8"): (
        {"fullUrl": "https://a.example/Patient/1/_history/2", **ENTRY},
        {"fullUrl": "https://a.example/Patient/1", **ENTRY},
    ),
    ("ParametersParameter", "inv-1"): (
        {"name": "x", "valueString": "a", "part": [{}]},
        {"name": "x", "valueString": "a"},
    ),
    ("CapabilityStatement", "cpb-1"): ({"software": {}}, {"rest": [{}]}),
    ("CapabilityStatement", "cpb-2"): ({"rest": [{}]}, {"software": {}}),
    ("CapabilityStatement", "cpb-3"): (
        {"kind": "capability", "messaging": [{"endpoint": [{}]}]},
        {"kind": "instance", "messaging": [{"endpoint": [{}]}]},
    ),
    ("CapabilityStatement", "cpb-7"): (
        {"document": [{"mode": "producer", "profile": "a"}] * 2},
        {"document": [{"mode": "producer", "profile": "a"}, {"mode": "consumer", "profile": "a"}]},
    ),
    ("CapabilityStatement", "cpb-14"): (
        {"kind": "instance"},
        {"kind": "instance", "implementation": {}},
    ),
    ("CapabilityStatement", "cpb-15"): (
        {"kind": "capability"},
        {"kind": "capability", "software": {}},
    ),
    ("CapabilityStatement", "cpb-16"): (
        {"kind": "requirements", "software": {}},
        {"kind": "requirements"},
    ),
    ("CapabilityStatementRest", "cpb-9"): (
        {"resource": [{"type": "Task"}, {"type": "Task"}]},
        {"resource": [{"type": "Task"}, {"type": "Patient"}]},
    ),
    ("CapabilityStatementRestResource", "cpb-12"): (
        {"searchParam": [{"name": "a"}, {"name": "a"}]},
        {"searchParam": [{"name": "a"}, {"name": "b"}]},
    ),
    ("CodeSystem", "csd-1"): (
        {"concept": [{"code": "a", "concept": [{"code": "a"}]}]},
        {"concept": [{"code": "a", "concept": [{"code": "b"}]}]},
    ),
    ("MeasureGroupStratifier", "mea-1"): ({"code": {}, "component": [{}]}, {"component": [{}]}),
    ("OperationDefinitionParameter", "opd-1"): ({}, {"part": [{}]}),
    ("OperationDefinitionParameter", "opd-2"): (
        {"type": "code", "searchType": "token"},
        {"type": "string", "searchType": "token"},
    ),
    ("OperationDefinitionParameter", "opd-3"): (
        {"type": "code", "targetProfile": ["x"]},
        {"type": "Reference", "targetProfile": ["x"]},
    ),
    ("Questionnaire", "que-2"): (
        {"item": [{"linkId": "1", "item": [{"linkId": "1"}]}]},
        {"item": [{"linkId": "1", "item": [{"linkId": "1.1"}]}]},
    ),
    ("QuestionnaireItem", "que-1"): ({"type": "group"}, {"type": "group", "item": [{}]}),
    ("QuestionnaireItem", "que-3"): ({"type": "display", "code": [{}]}, {"type": "display"}),
    ("QuestionnaireItem", "que-4"): (
        {"type": "choice", "answerOption": [{}], "answerValueSet": "x"},
        {"type": "choice", "answerOption": [{}]},
    ),
    ("QuestionnaireItem", "que-5"): (
        {"type": "boolean", "answerOption": [{}]},
        {"type": "choice", "answerOption": [{}]},
    ),
    ("QuestionnaireItem", "que-6"): (
        {"type": "display", "required": True},
        {"type": "string", "required": True},
    ),
    ("QuestionnaireItem", "que-8"): (
        {"type": "display", "initial": [{}]},
        {"type": "string", "initial": [{}]},
    ),
    ("QuestionnaireItem", "que-9"): (
        {"type": "display", "readOnly": True},
        {"type": "string", "readOnly": True},
    ),
    ("QuestionnaireItem", "que-10"): (
        {"type": "date", "maxLength": 5},
        {"type": "text", "maxLength": 5},
    ),
    ("QuestionnaireItem", "que-11"): (
        {"type": "choice", "answerOption": [{}], "initial": [{}]},
        {"type": "choice", "initial": [{}]},
    ),
    ("QuestionnaireItem", "que-12"): (
        {"type": "string", "enableWhen": [{}] * 3},
        {"type": "string", "enableWhen": [{}] * 3, "enableBehavior": "all"},
    ),
    ("QuestionnaireItem", "que-13"): (
        {"type": "string", "initial": [{}] * 2},
        {"type": "string", "initial": [{}] * 2, "repeats": True},
    ),
    ("QuestionnaireItemEnableWhen", "que-7"): (
        {"operator": "exists", "answerString": "x"},
        {"operator": "exists", "answerBoolean": True},
    ),
    ("ValueSetComposeInclude", "vsd-1"): ({"version": "1"}, {"system": "x"}),
    ("ValueSetComposeInclude", "vsd-2"): (
        {"valueSet": ["x"], "concept": [{}]},
        {"system": "x", "concept": [{}]},
    ),
    ("ValueSetComposeInclude", "vsd-3"): (
        {"system": "x", "concept": [{}], "filter": [{}]},
        {"system": "x", "concept": [{}]},
    ),
    ("ValueSetExpansionContains", "vsd-6"): ({"abstract": True}, {"display": "x"}),
    ("ValueSetExpansionContains", "vsd-9"): ({"display": "x"}, {"display": "x", "abstract": True}),
    ("ValueSetExpansionContains", "vsd-10"): ({"code": "x"}, {"code": "x", "system": "y"}),
}
RULES = {
    (type_name, rule.key): rule for type_name, rules in invariants.RULES.items() for rule in rules
}


@pytest.mark.parametrize("name", RULES, ids=" ".join)
def test_a_rule_tells_what_breaks_it_from_what_is_right(name: tuple[str, str]) -> None:
    broken, right = CASES[name]

    assert (RULES[name].holds(broken), RULES[name].holds(right)) == (False, True)


def test_every_case_is_one_of_a_rule_and_every_rule_names_an_element_of_its_type() -> None:
    assert CASES.keys() == RULES.keys()
    for (type_name, _), rule in RULES.items():
        known = {element.path_name for element in schema.elements_of(type_name).values()}
        assert rule.element in known | {""}, rule


@pytest.mark.parametrize(
    ("later", "earlier", "is_in_order"),
    [
        ("2026", "2026-05-01", True),
        ("2025", "2026-05-01", False),
        ("2026-05-01T09:00:00Z", "2026-05-01", True),
        ("2026-05-01T09:00:00+01:00", "2026-05-01T08:30:00Z", False),
        ("2026-05-01T23:59:60Z", "2026-05-01T23:59:59Z", True),
    ],
)
def test_times_are_compared_as_far_as_both_are_precise(
    later: str, earlier: str, is_in_order: bool
) -> None:
    assert is_not_before(later, earlier) == is_in_order


# From the outside


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "https://example.org/x"},
        {
            "url": "https://example.org/x",
            "valueString": "a",
            "extension": [{"url": "y", "valueString": "b"}],
        },
    ],
)
def test_an_extension_has_either_a_value_or_extensions(extension: dict[str, Any]) -> None:
    assert check(a_patient(extension=[extension])) == [("invariant", "Patient.extension[0]")]


def test_a_contact_point_with_a_value_has_a_system() -> None:
    assert check(a_patient(telecom=[{"value": "1"}])) == [
        ("invariant", "Patient.telecom[0].system")
    ]


def test_order_detail_needs_a_code() -> None:
    sent = without(a_referral(orderDetail=[{"text": "x"}]), "code")

    assert check(sent) == [("invariant", "ServiceRequest.orderDetail")]


def test_a_contact_says_who_or_how() -> None:
    sent = a_patient(contact=[{"gender": "male"}])

    assert check(sent) == [("invariant", "Patient.contact[0]")]
