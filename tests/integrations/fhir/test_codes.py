"""Codes are those of R4, and the elements of one object agree with one another."""

from typing import Any

import pytest

from integrations.fhir import bindings, checking, schema
from tests.integrations.fhir.cast import a_patient, a_referral, check, example


@pytest.mark.parametrize(
    ("elements", "at"),
    [
        ({"gender": "f"}, "gender"),
        ({"name": [{"use": "legal"}]}, "name[0].use"),
        ({"telecom": [{"system": "mobile", "value": "1"}]}, "telecom[0].system"),
        ({"telecom": [{"system": "phone", "use": "cell"}]}, "telecom[0].use"),
        ({"address": [{"use": "main"}]}, "address[0].use"),
        ({"address": [{"type": "place"}]}, "address[0].type"),
        ({"identifier": [{"use": "nhs"}]}, "identifier[0].use"),
        ({"contact": [{"name": {"text": "A"}, "gender": "m"}]}, "contact[0].gender"),
        ({"link": [{"other": {"reference": "Patient/1"}, "type": "same"}]}, "link[0].type"),
    ],
)
def test_a_code_outside_its_value_set_is_refused_in_a_patient(
    elements: dict[str, Any], at: str
) -> None:
    assert check(a_patient(**elements)) == [("code-invalid", f"Patient.{at}")]


@pytest.mark.parametrize("name", ["status", "intent", "priority"])
@pytest.mark.parametrize("code", ["Active", "on_hold", "done"])
def test_a_code_outside_its_value_set_is_refused_in_a_referral(name: str, code: str) -> None:
    assert check(a_referral(**{name: code})) == [("code-invalid", f"ServiceRequest.{name}")]


def test_a_code_outside_its_value_set_is_refused_in_a_bundle() -> None:
    bundle = example("transaction") | {"type": "upload"}
    bundle["entry"][0]["request"]["method"] = "post"

    assert check(bundle) == [
        ("code-invalid", "Bundle.type"),
        ("code-invalid", "Bundle.entry[0].request.method"),
    ]


def test_a_task_may_not_be_a_directive() -> None:
    task = {"resourceType": "Task", "status": "requested", "intent": "directive"}

    assert check(task) == [("code-invalid", "Task.intent")]
    assert check(task | {"intent": "unknown"}) == []


CODED = [
    ("CommunicationRequest", "status", "draft active on-hold revoked completed entered-in-error unknown"),
    ("Consent", "status", "draft proposed active rejected inactive entered-in-error"),
    ("Encounter", "status", "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"),
    ("Endpoint", "status", "active suspended error off entered-in-error test"),
    ("HealthcareServiceAvailableTime", "daysOfWeek", "mon tue wed thu fri sat sun"),
    ("Location", "mode", "instance kind"),
    ("MeasureReport", "type", "individual subject-list summary data-collection"),
    ("MessageHeaderResponse", "code", "ok transient-error fatal-error"),
    ("Observation", "status", "registered preliminary final amended corrected cancelled entered-in-error unknown"),
    ("ProvenanceEntity", "role", "derivation revision quotation source removal"),
    ("Quantity", "comparator", "< <= >= >"),
    ("QuestionnaireResponse", "status", "in-progress completed amended entered-in-error stopped"),
    ("Subscription", "status", "requested active error off"),
    ("SubscriptionChannel", "type", "rest-hook websocket email sms message"),
    ("Task", "status", "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error"),
]  # fmt: skip


@pytest.mark.parametrize(("type_name", "element", "codes"), CODED)
def test_the_generated_tables_hold_the_codes_of_r4(
    type_name: str, element: str, codes: str
) -> None:
    value_set = bindings.ELEMENTS[type_name][element]

    assert list(bindings.VALUE_SETS[value_set]) == codes.split()


def test_every_bound_element_is_one_of_the_models() -> None:
    for type_name, bound in bindings.ELEMENTS.items():
        known = {element.path_name for element in schema.elements_of(type_name).values()}
        assert bound.keys() <= known, type_name


def test_a_condition_needs_a_code_of_the_value_set_and_not_words_alone() -> None:
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
    sound = {"coding": [{"code": "mine"}, {"code": "active"}]}

    assert check(condition | {"clinicalStatus": sound}) == []
    for wrong in ({"text": "active"}, {"coding": [{"code": "ongoing"}]}):
        assert check(condition | {"clinicalStatus": wrong}) == [
            ("code-invalid", "Condition.clinicalStatus")
        ]


@pytest.mark.parametrize(
    ("content_type", "findings"),
    [
        ("text/plain; charset=utf-8", []),
        ("a picture", [("code-invalid", "Patient.photo[0].contentType")]),
    ],
)
def test_a_content_type_is_written_as_a_mime_type(
    content_type: str, findings: list[tuple[str, str]]
) -> None:
    assert check(a_patient(photo=[{"contentType": content_type}])) == findings


def test_the_sentence_names_the_codes_or_where_they_stand() -> None:
    task = {"resourceType": "Task", "status": "done", "intent": "order"}
    questionnaire = {"resourceType": "Questionnaire", "status": "draft", "subjectType": ["GP"]}

    [about_status] = checking.check(task, resource_type="Task")
    [about_types] = checking.check(questionnaire, resource_type="Questionnaire")

    assert "in-progress" in about_status.text
    assert "http://hl7.org/fhir/ValueSet/resource-types" in about_types.text
