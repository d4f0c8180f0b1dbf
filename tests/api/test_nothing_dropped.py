"""What a sender says is never dropped in silence: extensions out of place, risks in other words, other owners and requesters."""

import json
from typing import Any

import pytest

from config.fictional import DEPRESSION, Person
from referrals.models import Patient, Referral
from tests import cast
from tests.api.answers import issues, places
from tests.api.test_entries import ask, bundle, may
from tests.api.test_needs import AT_RISK_NOW, acute_risk, nothing_is_kept, reasons, referral

pytestmark = pytest.mark.django_db

Resource = dict[str, Any]
PATH = "/fhir/R4/ServiceRequest"
SNOMED = "http://snomed.info/sct"


def _task(focus: str, **more: Any) -> Resource:
    coding = {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [coding]},
        "focus": {"reference": focus},
        "authoredOn": "2026-09-07T12:00:00Z",
        "requester": {"display": "Dr Example"},
        **more,
    }


def _bringing(person: Person, *, inside: Resource | None = None, **more: Any) -> Resource:
    sent = cast.referral_for(person)
    patient = sent.pop("contained")
    contained = [{**sent, "id": "sr", **(inside or {})}, *patient]
    return _task("#sr", contained=contained, **more)


def _referred(system: cast.ClinicalSystem, person: Person, **more: Any) -> str:
    answer = system.post(PATH, cast.referral_for(person) | more)
    assert answer.status_code == 201, answer.content
    return str(json.loads(answer.content)["id"])


def test_an_answer_out_of_place_in_a_task_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = _bringing(person, extension=[acute_risk(True)])

    found = issues(gp_system.post("/fhir/R4/Task", sent), 422)

    assert ("structure", "Task.extension[0]") in places(found)
    assert nothing_is_kept()


def test_in_the_referral_that_a_task_brings_along_it_is_read(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = _bringing(person, inside={"extension": [acute_risk(True)]})

    found = issues(gp_system.post("/fhir/R4/Task", sent), 422)

    assert places(found) == {("business-rule", "ServiceRequest.extension")}


def test_an_answer_out_of_place_in_a_referral_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    in_reason = cast.referral_for(person)
    in_reason["reasonCode"][0]["extension"] = [acute_risk(True)]
    in_patient = cast.referral_for(person)
    in_patient["contained"][0]["extension"] = [acute_risk(True)]
    of_status = cast.referral_for(person) | {"_status": {"extension": [acute_risk(True)]}}

    for sent, place in (
        (in_reason, "ServiceRequest.reasonCode[0].extension[0]"),
        (in_patient, "ServiceRequest.contained[0].extension[0]"),
        (of_status, "ServiceRequest.status.extension[0]"),
    ):
        assert ("structure", place) in places(issues(gp_system.post(PATH, sent), 422))
    assert nothing_is_kept()


def test_an_answer_out_of_place_is_refused_in_a_patient_of_a_bundle_and_in_an_update(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = _referred(gp_system, person)
    task = json.loads(gp_system.get(f"/fhir/R4/Task/{made}").content)
    patient = cast.referral_for(person)["contained"][0] | {"extension": [acute_risk(True)]}
    del patient["id"]

    sent = bundle("transaction", ask("POST", "Patient", patient))
    found = issues(gp_system.post("/fhir/R4", sent), 422)
    again = gp_system.put(f"/fhir/R4/Task/{made}", task | {"extension": [acute_risk(False)]})

    assert places(found) == {("structure", "Bundle.entry[0].resource.extension[0]")}
    assert places(issues(again, 422)) == {("structure", "Task.extension[0]")}


def test_the_question_is_answered_once(gp_system: cast.ClinicalSystem, person: Person) -> None:
    sent = referral(person, acute_risk(False), acute_risk(False))

    assert places(issues(gp_system.post(PATH, sent), 422)) == {
        ("business-rule", "ServiceRequest.extension")
    }


def _with_condition(person: Person, **condition: Any) -> Resource:
    sent = cast.referral_for(person)
    subject = {"reference": sent["subject"]["reference"]}
    inner = {"resourceType": "Condition", "id": "c", "subject": subject, **condition}
    sent["contained"].append(inner)
    return sent | {"reasonReference": [{"reference": "#c"}]}


def test_a_risk_is_asked_about_wherever_the_reasons_tell_of_it(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    coded = {"coding": [{"system": SNOMED, "code": AT_RISK_NOW}]}
    displayed = reasons(DEPRESSION)
    displayed[0]["coding"][0]["display"] = "Depression with suicidal thoughts"
    named = [{"reference": "Condition/1", "display": "Overdose in May"}]
    hidden = [{"text": "Spoke of sui\u00adcidal\u200b thoughts"}, {"text": "self\u2011harm"}]
    for sent, element in (
        (_with_condition(person, code=coded), "reasonReference"),
        (_with_condition(person, code={"text": "Overdose"}), "reasonReference"),
        (_with_condition(person, note=[{"text": "suicidal"}]), "reasonReference"),
        (referral(person, reasonCode=displayed), "reasonCode"),
        (referral(person, reasonReference=named), "reasonReference"),
        (referral(person, note=hidden[:1]), "note"),
        (referral(person, note=hidden[1:]), "note"),
        (referral(person, supportingInfo=[{"display": "Overdose letter"}]), "supportingInfo"),
    ):
        found = issues(gp_system.post(PATH, sent), 422)
        assert places(found) == {("required", f"ServiceRequest.{element}")}
        assert nothing_is_kept()
        validated = json.loads(gp_system.post(f"{PATH}/$validate", sent).content)
        assert ("required", f"ServiceRequest.{element}") in places(validated["issue"])


def test_a_task_that_speaks_of_a_risk_is_asked_about(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    note = [{"text": "Was suicidal last week"}]

    found = issues(gp_system.post("/fhir/R4/Task", _bringing(person, note=note)), 422)
    assert places(found) == {("required", "Task.note")}
    assert nothing_is_kept()
    made = _referred(gp_system, person)
    task = json.loads(gp_system.get(f"/fhir/R4/Task/{made}").content)
    later = gp_system.put(f"/fhir/R4/Task/{made}", task | {"note": note})
    assert places(issues(later, 422)) == {("required", "Task.note")}
    taken_back = task | {"note": note, "status": "cancelled"}
    assert gp_system.put(f"/fhir/R4/Task/{made}", taken_back).status_code == 200


def test_a_task_of_a_referral_with_the_answer_may_speak_of_a_risk(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = _referred(gp_system, person, extension=[acute_risk(False)])
    task = _task(f"ServiceRequest/{made}", note=[{"text": "Was suicidal last year"}])

    assert gp_system.post("/fhir/R4/Task", task).status_code == 201


# Known patients


def test_to_change_who_is_known_takes_more_than_to_create(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    _referred(gp_system, person)
    kept = Patient.objects.get()
    patient = {k: v for k, v in cast.referral_for(person)["contained"][0].items() if k != "id"}
    may(gp_system, "system/Patient.cr system/ServiceRequest.crus").sign_in()

    [issue] = issues(gp_system.post("/fhir/R4/Patient", patient | {"deceasedBoolean": True}), 403)

    assert "system/Patient.u is needed" in issue["diagnostics"]
    kept.refresh_from_db()
    assert not kept.is_deceased
    assert Referral.objects.get().status == "active"


@pytest.mark.parametrize("when", ["2999-01-01", "2999", "1901-01-01T10:00:00Z", "1901-05"])
def test_a_death_lies_between_birth_and_today(
    gp_system: cast.ClinicalSystem, person: Person, when: str
) -> None:
    _referred(gp_system, person)
    kept = Patient.objects.get()
    address = f"/fhir/R4/Patient/{kept.pk}"
    patient = json.loads(gp_system.get(address).content) | {"deceasedDateTime": when}
    change = [{"op": "add", "path": "/deceasedDateTime", "value": when}]
    wanted = ("business-rule", "Patient.deceased")

    assert places(issues(gp_system.put(address, patient), 422)) == {wanted}
    assert places(issues(gp_system.patch(address, change), 422)) == {wanted}
    assert places(issues(gp_system.post("/fhir/R4/Patient", patient), 422)) == {wanted}
    validated = gp_system.post(f"{address}/$validate", patient)
    assert wanted in places(json.loads(validated.content)["issue"])
    kept.refresh_from_db()
    assert not kept.is_deceased


def test_a_year_of_death_that_may_be_right_is_taken(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    _referred(gp_system, person)
    address = f"/fhir/R4/Patient/{Patient.objects.get().pk}"
    patient = json.loads(gp_system.get(address).content)

    answer = gp_system.put(address, patient | {"deceasedDateTime": patient["birthDate"][:4]})

    assert answer.status_code == 200


# Whose Task it is


def _organisation(code: str) -> Resource:
    system = "https://fhir.nhs.uk/Id/ods-organization-code"
    return {"identifier": {"system": system, "value": code}}


@pytest.mark.parametrize("name", ["requester", "owner"])
def test_a_task_is_asked_by_its_own_organisation_and_of_this_service(
    gp_system: cast.ClinicalSystem, person: Person, name: str
) -> None:
    other = {name: _organisation("A81001")}
    wanted = {("business-rule", f"Task.{name}")}

    assert (
        places(issues(gp_system.post("/fhir/R4/Task", _bringing(person, **other)), 422)) == wanted
    )
    made = _referred(gp_system, person)
    task = json.loads(gp_system.get(f"/fhir/R4/Task/{made}").content)
    assert places(issues(gp_system.put(f"/fhir/R4/Task/{made}", task | other), 422)) == wanted


@pytest.mark.parametrize("more", [{"reference": "/_history/1"}, {"display": "Another"}])
def test_what_a_task_is_about_is_not_changed_in_silence(
    gp_system: cast.ClinicalSystem, person: Person, more: Resource
) -> None:
    made = _referred(gp_system, person)
    task = json.loads(gp_system.get(f"/fhir/R4/Task/{made}").content)
    for name in ("focus", "for"):
        about = task[name] | more
        if "reference" in more:
            about["reference"] = task[name]["reference"] + more["reference"]
        answer = gp_system.put(f"/fhir/R4/Task/{made}", task | {name: about})
        assert places(issues(answer, 422)) == {("business-rule", f"Task.{name}")}


# Where a refusal points


def test_a_refusal_in_a_transaction_names_its_entry(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = _referred(gp_system, person)
    request = json.loads(gp_system.get(f"{PATH}/{made}").content)
    task = json.loads(gp_system.get(f"/fhir/R4/Task/{made}").content)
    nobody = "00000000-0000-4000-8000-000000000000"
    first = ask("GET", f"ServiceRequest/{made}")
    for entry, status, place in (
        (ask("PUT", f"ServiceRequest/{made}", request, ifMatch='W/"99"'), 412, "request.ifMatch"),
        (ask("PUT", f"Task/{made}", task, ifMatch='W/"99"'), 412, "request.ifMatch"),
        (
            ask("PUT", f"ServiceRequest/{made}", request | {"status": "completed"}),
            422,
            "resource.status",
        ),
        (ask("PUT", f"Task/{made}", task | {"status": "completed"}), 422, "resource.status"),
        (ask("GET", f"Patient/{nobody}"), 404, "request.url"),
    ):
        found = issues(gp_system.post("/fhir/R4", bundle("transaction", first, entry)), status)
        assert [issue["expression"] for issue in found] == [[f"Bundle.entry[1].{place}"]]


def test_a_move_that_is_not_possible_names_the_status(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = _referred(gp_system, person)
    for kind in ("ServiceRequest", "Task"):
        address = f"/fhir/R4/{kind}/{made}"
        change = [{"op": "replace", "path": "/status", "value": "completed"}]
        shown = json.loads(gp_system.get(address).content) | {"status": "completed"}
        for answer in (gp_system.patch(address, change), gp_system.put(address, shown)):
            assert [one["expression"] for one in issues(answer, 422)] == [[f"{kind}.status"]]


# What $validate says


def test_validation_of_a_task_says_what_its_update_would(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = _referred(gp_system, person)
    address = f"/fhir/R4/Task/{made}"
    task = json.loads(gp_system.get(address).content)
    other = task | {"businessStatus": {"text": "Joined"}}
    for sent, place in (
        (task | {"status": "completed"}, "Task.status"),
        (other, "Task.businessStatus"),
    ):
        for question in (f"{address}/$validate", "/fhir/R4/Task/$validate?mode=update"):
            found = json.loads(gp_system.post(question, sent).content)["issue"]
            assert place in [path for one in found for path in one.get("expression", [])]
    gp_system.post(f"{address}/$validate", task | {"status": "cancelled"})
    assert Referral.objects.get().status == "active"


def test_validation_tells_that_a_known_patient_has_died(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    _referred(gp_system, person)
    kept = Patient.objects.get()
    address = f"/fhir/R4/Patient/{kept.pk}"
    patient = json.loads(gp_system.get(address).content)
    assert gp_system.put(address, patient | {"deceasedBoolean": True}).status_code == 200
    sent = cast.referral_for(person) | {"subject": {"reference": f"Patient/{kept.pk}"}}
    del sent["contained"]

    found = json.loads(gp_system.post(f"{PATH}/$validate", sent).content)["issue"]

    assert ("business-rule", "ServiceRequest.subject.resolve().deceased") in places(found)


@pytest.mark.parametrize(
    "address",
    ["Patient/$validate?bogus=1", "$process-message?bogus=1", "$process-message?async=true"],
)
def test_what_an_operation_does_not_read_in_its_address_is_refused(
    gp_system: cast.ClinicalSystem, address: str
) -> None:
    answer = gp_system.post(f"/fhir/R4/{address}", {"resourceType": "Patient"})

    assert {
        code for code, _place in places([i | {"expression": [""]} for i in issues(answer, 400)])
    } == {"not-supported"}


def test_a_match_names_what_is_missing(gp_system: cast.ClinicalSystem) -> None:
    asked = issues(gp_system.get("/fhir/R4/HealthcareService/$match"), 422)
    sent = gp_system.post(
        "/fhir/R4/HealthcareService/$match",
        {"resourceType": "Parameters", "parameter": [{"name": "gender", "valueCode": "male"}]},
    )

    assert places(asked) == {("required", "http.condition"), ("required", "http.age")}
    assert places(issues(sent, 422)) == {("required", "Parameters.parameter")}
