"""What is refused as R4, each rule by its name, with the place where it was broken."""

import time
from typing import Any

import pytest

from integrations.fhir import checking
from tests.integrations.fhir.cast import check, example


def _referral(**elements: Any) -> dict[str, Any]:
    return example("referral") | elements


def _patient(**elements: Any) -> dict[str, Any]:
    return example("patient") | elements


def _without(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in names}


@pytest.mark.parametrize("name", ["referral", "patient", "transaction"])
def test_a_sound_resource_has_no_findings(name: str) -> None:
    assert check(example(name)) == []


# Types


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ({}, "structure"),
        ({"resourceType": None}, "structure"),
        ({"resourceType": "Patient"}, "invalid"),
        ({"resourceType": ["ServiceRequest"]}, "invalid"),
        ({"resourceType": {"a": 1}}, "invalid"),
    ],
)
def test_the_resource_type_must_be_the_one_wanted(resource: dict[str, Any], code: str) -> None:
    findings = checking.check(resource, resource_type="ServiceRequest")

    assert [(f.code, f.expression) for f in findings] == [(code, "ServiceRequest")]


@pytest.mark.parametrize("name", ["Prescription", "Resource", "DomainResource", "HumanName", "", 7])
def test_an_unknown_contained_type_is_not_supported(name: Any) -> None:
    sent = _referral(contained=[{"resourceType": name, "id": "x"}], requester={"display": "A"})

    assert ("not-supported", "ServiceRequest.contained[0]") in check(sent)


@pytest.mark.parametrize("name", ["Prescription", "Element"])
def test_an_unknown_type_in_a_bundle_entry_is_not_supported(name: str) -> None:
    bundle = example("transaction")
    bundle["entry"][1]["resource"] = {"resourceType": name}

    assert check(bundle) == [("not-supported", "Bundle.entry[1].resource")]


def test_a_type_that_is_missing_in_a_bundle_entry_is_named() -> None:
    bundle = example("transaction")
    del bundle["entry"][0]["resource"]["resourceType"]

    assert check(bundle) == [("structure", "Bundle.entry[0].resource")]


# Structure


@pytest.mark.parametrize("name", ["status", "intent", "subject"])
def test_a_required_element_is_missing(name: str) -> None:
    assert check(_without(_referral(), name)) == [("required", f"ServiceRequest.{name}")]


def test_a_required_primitive_may_be_an_extension_only() -> None:
    absent = {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]}

    assert check(_without(_referral(), "intent") | {"_intent": absent}) == []


def test_all_faults_are_told_at_once() -> None:
    sent = _without(_referral(colour="red", priority="soon", doNotPerform="true"), "status")

    assert set(check(sent)) == {
        ("required", "ServiceRequest.status"),
        ("structure", "ServiceRequest.colour"),
        ("code-invalid", "ServiceRequest.priority"),
        ("value", "ServiceRequest.doNotPerform"),
    }


def test_a_fault_in_a_bundle_is_named_from_the_bundle() -> None:
    bundle = example("transaction")
    bundle["entry"][1]["resource"]["birthDate"] = "1984-02-30"

    assert check(bundle) == [("value", "Bundle.entry[1].resource.birthDate")]


@pytest.mark.parametrize(
    ("elements", "finding"),
    [
        ({"fhir_comments": ["x"]}, ("structure", "Patient")),
        ({"name": [{"fhir_comments": "x"}]}, ("structure", "Patient.name[0]")),
        ({"nhs 9990000018": 1}, ("structure", "Patient")),
        ({"x" * 65: 1}, ("structure", "Patient")),
        ({"_name": [{"id": "x"}]}, ("structure", "Patient.name")),
        ({"__gender": {"id": "x"}}, ("structure", "Patient")),
        ({"": 1}, ("structure", "Patient")),
        ({"name": {"family": "A"}}, ("structure", "Patient.name")),
        ({"gender": ["male"]}, ("structure", "Patient.gender")),
        ({"name": ["A"]}, ("structure", "Patient.name[0]")),
        ({"maritalStatus": "M"}, ("structure", "Patient.maritalStatus")),
        ({"name": [["A"]]}, ("structure", "Patient.name[0]")),
        ({"resource_type": "Patient"}, ("structure", "Patient")),
    ],
)
def test_an_element_that_does_not_fit_the_type_is_refused(
    elements: dict[str, Any], finding: tuple[str, str]
) -> None:
    assert check(_patient(**elements)) == [finding]


def test_a_choice_is_made_once() -> None:
    sent = _patient(deceasedDateTime="2026-01-01")

    assert check(sent) == [("structure", "Patient.deceased")]


def test_a_required_choice_is_made() -> None:
    sent = _referral(note=[{"authorString": "A", "authorReference": {"display": "A"}}])

    assert set(check(sent)) == {
        ("required", "ServiceRequest.note[0].text"),
        ("structure", "ServiceRequest.note[0].author"),
    }


# Empties


@pytest.mark.parametrize("empty", [None, "", " \t\n", [], {}, "\u00a0"])
@pytest.mark.parametrize("name", ["birthDate", "name", "maritalStatus", "active"])
def test_an_empty_element_is_refused_once(name: str, empty: Any) -> None:
    assert check(_patient(**{name: empty})) == [("invariant", f"Patient.{name}")]


@pytest.mark.parametrize("empty", [None, "", " ", [], {}])
def test_an_empty_member_of_an_array_is_refused(empty: Any) -> None:
    assert check(_patient(name=[empty])) == [("invariant", "Patient.name[0]")]
    assert check(_patient(name=[{"given": ["A", empty]}])) == [
        ("invariant", "Patient.name[0].given[1]")
    ]


def test_a_null_holds_the_place_of_a_value_that_has_an_extension_only() -> None:
    absent = {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]}

    assert check(_patient(name=[{"given": ["A", None], "_given": [None, absent]}])) == []


def test_a_null_on_both_sides_is_refused() -> None:
    sent = _patient(name=[{"given": ["A", None], "_given": [{"id": "x"}, None]}])

    assert check(sent) == [("invariant", "Patient.name[0].given[1]")]


def test_values_and_extensions_of_an_array_are_of_one_length() -> None:
    sent = _patient(name=[{"given": ["A"], "_given": [None, {"id": "x"}]}])

    assert check(sent) == [("structure", "Patient.name[0].given")]


def test_a_null_beside_an_extension_of_one_value_is_refused() -> None:
    sent = _patient(birthDate=None, _birthDate={"id": "x"})

    assert check(sent) == [("invariant", "Patient.birthDate")]


# JSON types and formats: nothing is converted


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, "1"])
def test_a_boolean_is_not_converted(value: Any) -> None:
    assert check(_patient(active=value)) == [("value", "Patient.active")]


@pytest.mark.parametrize(
    "value",
    [1700000000, True, "1984-2-9", "84-02-09", "1984-02-30", "2023-02-29", "1984-13", "0000", "١٩٨٤",
     "1984-02-29T10:00:00Z", " 1984-02-29", "1984-02-29\n", "1984-02-29Z"],
)  # fmt: skip
def test_a_date_is_written_as_fhir_writes_it(value: Any) -> None:
    assert check(_patient(birthDate=value)) == [("value", "Patient.birthDate")]


@pytest.mark.parametrize("value", ["1984", "1984-02", "2024-02-29", "2999-01-01"])
def test_a_date_may_be_partial(value: str) -> None:
    assert check(_patient(birthDate=value)) == []


@pytest.mark.parametrize(
    "value",
    ["2026-11-01T09:00", "2026-11-01T09:00:00", "2026-11-01T24:00:00Z", "2026-11-31T09:00:00Z",
     "2026-11-01T09:00:00+15:00", "2026-11-01 09:00:00Z", "2026-11T09:00:00Z", 5],
)  # fmt: skip
def test_a_date_time_has_seconds_and_a_zone(value: Any) -> None:
    assert check(_referral(authoredOn=value)) == [("value", "ServiceRequest.authoredOn")]


@pytest.mark.parametrize(
    "value",
    ["2026", "2026-11", "2026-11-01", "2026-11-01T09:00:60Z", "2026-11-01T09:00:00.1+14:00"],
)
def test_a_date_time_may_be_partial_or_a_leap_second(value: str) -> None:
    assert check(_referral(authoredOn=value)) == []


@pytest.mark.parametrize("value", ["x" * 65, "a b", "a/b", "ä", "a_b", "a\n", 5])
def test_an_id_has_64_plain_characters_at_most(value: Any) -> None:
    assert check(_patient(id=value)) == [("value", "Patient.id")]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("valueInteger", "5"),
        ("valueInteger", 2**31),
        ("valueInteger", True),
        ("valuePositiveInt", 0),
        ("valueUnsignedInt", -1),
        ("valueDecimal", "0.4"),
        ("valueDecimal", False),
        ("valueString", 5),
        ("valueCode", "a  b"),
        ("valueCode", " a"),
        ("valueUri", "a b"),
        ("valueOid", "1.2.3"),
        ("valueUuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
        ("valueTime", "9:00"),
        ("valueInstant", "2026-11-01"),
        ("valueBase64Binary", "abc"),
        ("valueBase64Binary", 5),
    ],
)
def test_a_primitive_is_not_converted(element: str, value: Any) -> None:
    extension = {"url": "https://example.org/x", element: value}

    assert check(_patient(extension=[extension])) == [("value", "Patient.extension[0].value")]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("valueInteger", -(2**31)),
        ("valueDecimal", 5),
        ("valueDecimal", 0.5),
        ("valueOid", "urn:oid:1.2.3"),
        ("valueUuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        ("valueTime", "09:00:00"),
        ("valueBase64Binary", "YW Jj\nZA=="),
        ("valueString", "x\ny"),
    ],
)
def test_a_primitive_of_the_right_form_is_taken(element: str, value: Any) -> None:
    assert check(_patient(extension=[{"url": "https://example.org/x", element: value}])) == []


# Required bindings


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
    assert check(_patient(**elements)) == [("code-invalid", f"Patient.{at}")]


@pytest.mark.parametrize("name", ["status", "intent", "priority"])
@pytest.mark.parametrize("code", ["Active", "on_hold", "done"])
def test_a_code_outside_its_value_set_is_refused_in_a_referral(name: str, code: str) -> None:
    assert check(_referral(**{name: code})) == [("code-invalid", f"ServiceRequest.{name}")]


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


# References and contained resources


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Organization/1"},
        {"reference": "Group/1"},
        {"reference": "https://other.example/fhir/Organization/1/_history/2"},
        {"reference": "#role"},
        {"reference": "Organization?identifier=x"},
    ],
)
def test_the_subject_of_a_referral_is_a_patient(subject: dict[str, Any]) -> None:
    assert check(_referral(subject=subject)) == [("value", "ServiceRequest.subject.reference")]


def test_the_named_type_of_a_reference_is_checked_too() -> None:
    sent = _referral(subject={"type": "Group", "display": "All"})

    assert check(sent) == [("value", "ServiceRequest.subject.type")]


def test_a_requester_is_one_of_the_types_r4_names() -> None:
    sent = _referral(requester={"reference": "Location/1"})

    assert check(sent) == [("value", "ServiceRequest.requester.reference")]


@pytest.mark.parametrize(
    "reference",
    ["Patient/45/_history/2", "https://a.example/Patient/45", "urn:uuid:x", "urn:oid:1.2.3",
     "Patient?identifier=x", "https://a.example/anything", "http://a.example/x/Encounters/1"],
)  # fmt: skip
def test_references_of_every_form_are_taken(reference: str) -> None:
    assert check(_referral(subject={"reference": reference})) == []


@pytest.mark.parametrize("reference", ["Patient", "Ecounter/1", "45", "Patient/", "Patient/a b"])
def test_a_relative_reference_is_a_type_and_an_id(reference: str) -> None:
    sent = _referral(subject={"reference": reference})

    assert check(sent) == [("value", "ServiceRequest.subject.reference")]


def test_a_contained_resource_that_is_referred_to_must_be_there() -> None:
    sent = _referral(subject={"reference": "#nobody"})

    assert check(sent) == [("not-found", "ServiceRequest.subject.reference")]


def test_a_contained_resource_may_refer_to_its_container() -> None:
    sent = _referral(basedOn=[{"reference": "#"}])

    assert check(sent) == []


def test_contained_resources_are_looked_up_in_their_own_bundle_entry() -> None:
    bundle = example("transaction")
    bundle["entry"][0]["resource"]["subject"] = {"reference": "#patient"}
    bundle["entry"][1]["resource"]["contained"] = [{"resourceType": "Patient", "id": "patient"}]

    assert check(bundle) == [("not-found", "Bundle.entry[0].resource.subject.reference")]


def test_a_contained_resource_must_not_contain_another() -> None:
    sent = _referral()
    sent["contained"][0]["contained"] = [{"resourceType": "Patient", "id": "inner"}]

    assert check(sent) == [("invariant", "ServiceRequest.contained[0].contained")]


def test_a_contained_resource_needs_an_id_of_its_own() -> None:
    sent = _referral(requester={"display": "A"})
    sent["contained"][1] = {"resourceType": "Practitioner"}
    sent["contained"][2]["id"] = "patient"

    assert check(sent) == [
        ("invariant", "ServiceRequest.contained[2].id"),
        ("invariant", "ServiceRequest.contained[1].id"),
    ]


# Invariants


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
    assert check(_patient(extension=[extension])) == [("invariant", "Patient.extension[0]")]


def test_a_contact_point_with_a_value_has_a_system() -> None:
    assert check(_patient(telecom=[{"value": "1"}])) == [("invariant", "Patient.telecom[0].system")]


def test_order_detail_needs_a_code() -> None:
    sent = _without(_referral(orderDetail=[{"text": "x"}]), "code")

    assert check(sent) == [("invariant", "ServiceRequest.orderDetail")]


def test_a_contact_says_who_or_how() -> None:
    sent = _patient(contact=[{"gender": "male"}])

    assert check(sent) == [("invariant", "Patient.contact[0]")]


# The second opinion of fhir.resources, for whatever the checks may one day overlook


def test_the_model_is_heard_with_a_path_and_in_our_words() -> None:
    findings = checking._second_opinion(_patient(name=[{"given": 5}], birthDate="x"), "Patient")

    assert [(f.code, f.expression) for f in findings] == [
        ("structure", "Patient.birthDate"),
        ("structure", "Patient.name[0].given"),
    ]


@pytest.mark.parametrize(
    "elements", [{"contained": [{"resourceType": "Prescription"}]}, {"extension": "deep"}]
)
def test_what_the_model_lets_out_is_a_finding(elements: dict[str, Any]) -> None:
    if elements == {"extension": "deep"}:
        deep: dict[str, Any] = {"url": "x", "valueString": "x"}
        for _ in range(400):
            deep = {"url": "x", "extension": [deep]}
        elements = {"extension": [deep]}

    [finding] = checking._second_opinion(_patient(**elements), "Patient")

    assert finding.expression == "Patient"


# Whatever it is given


def test_depth_without_end_is_a_finding() -> None:
    deep: dict[str, Any] = {"url": "x"}
    for _ in range(5000):
        deep = {"url": "x", "extension": [deep]}

    [(code, at)] = check(_patient(extension=[deep]))

    assert code == "too-long"
    assert at.startswith("Patient.extension[0].extension[0]")


def test_a_ring_is_a_finding() -> None:
    ring: dict[str, Any] = {"url": "x"}
    ring["extension"] = [ring]

    assert [code for code, _ in check(_patient(extension=[ring]))] == ["too-long"]


def test_the_list_of_findings_has_an_end() -> None:
    findings = checking.check(
        _patient(**{f"x{i}": i for i in range(5000)}), resource_type="Patient"
    )

    assert len(findings) == 101
    assert "4900 more" in findings[-1].text


@pytest.mark.parametrize("odd", [object(), {1: 2}, {"a"}, b"x", float("nan"), 1j, "\ud800", (1,)])
@pytest.mark.parametrize("name", ["name", "birthDate", "id", "text", "contained", "active", "meta"])
def test_what_json_cannot_hold_is_a_finding_too(name: str, odd: Any) -> None:
    assert check(_patient(**{name: odd}))


def test_findings_do_not_repeat_received_values() -> None:
    private = "Rowan9990000018"
    sent = _patient(
        gender=private,
        birthDate=private,
        id=f"{private} ",
        telecom=[{"system": private}],
        name=private,
    )

    findings = checking.check(sent, resource_type="Patient")

    assert len(findings) == 5
    assert not any(private in finding.text + finding.expression for finding in findings)


def test_many_references_to_many_contained_resources_take_linear_time() -> None:
    many = range(8_000)
    sent = _referral(
        subject={"reference": "#p0"},
        requester={"display": "A"},
        contained=[{"resourceType": "Patient", "id": f"p{i}"} for i in many],
        basedOn=[{"reference": f"#p{i}"} for i in many],
    )
    begun = time.perf_counter()

    check(sent)

    assert time.perf_counter() - begun < 5
