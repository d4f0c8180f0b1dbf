"""What a referral says of the patient's needs, and what stops it: the extensions peer-support-need and acute-risk."""

import json
from typing import Any

import pytest
from django.db import connection

from communities.models import Descent
from communities.safety import EMERGENCY, NHS_111, SAMARITANS, SHOUT
from config.fictional import DEPRESSION, Person
from integrations.fhir.checking import check
from jobs.models import Job
from referrals.lifecycle import BusinessStatus
from referrals.matching import replay
from referrals.models import MatchRun, Patient, Referral
from tests import cast
from tests.api.answers import issues, places

pytestmark = pytest.mark.django_db

BASE = "http://127.0.0.1:8000/fhir/R4"
PATH = "/fhir/R4/ServiceRequest"
AT_RISK_NOW = "401206008"
SELF_INFLICTED_INJURY = "276853009"
BELOW_SELF_INFLICTED = "999000011000001104"  # made up


def need(code: str, system: str = f"{BASE}/CodeSystem/peer-support-need") -> dict[str, Any]:
    return {
        "url": f"{BASE}/StructureDefinition/peer-support-need",
        "valueCoding": {"system": system, "code": code},
    }


def acute_risk(value: object) -> dict[str, Any]:
    return {"url": f"{BASE}/StructureDefinition/acute-risk", "valueBoolean": value}


def referral(person: Person, *extensions: dict[str, Any], **elements: Any) -> dict[str, Any]:
    sent = cast.referral_for(person) | elements
    return sent | ({"extension": list(extensions)} if extensions else {})


def reasons(*codes: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": "http://snomed.info/sct", "code": code}]} for code in codes]


def nothing_is_kept() -> bool:
    return not any(model.objects.exists() for model in (Referral, Patient, Job))


# Needs


def test_needs_are_kept_with_the_referral_and_decide_the_match(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    sent = referral(person, need("nights"), need("not_near_me"), need("anonymous"))

    answer = gp_system.post(PATH, sent)
    run_jobs()

    assert answer.status_code == 201
    assert json.loads(answer.content)["extension"] == sent["extension"]
    kept = Referral.objects.get()
    assert kept.preferences == {"nights", "not_near_me", "anonymous"}
    asked = json.loads(MatchRun.objects.get().asked)
    assert (asked["hours"], asked["is_elsewhere"], asked["is_anonymous"]) == (
        ["nights"],
        True,
        True,
    )
    codes = {reason["code"] for offer in kept.offers.all() for reason in offer.reasons}
    assert codes & {"hours", "nobody_then"}


def test_needs_are_not_readable_in_the_database(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    gp_system.post(PATH, referral(person, need("screen_reader")))
    run_jobs()

    with connection.cursor() as cursor:
        cursor.execute("SELECT preferences FROM referrals_referral")
        [(stored,)] = cursor.fetchall()
        cursor.execute("SELECT asked FROM referrals_matchrun")
        [(asked,)] = cursor.fetchall()
    assert stored
    assert "screen_reader" not in stored
    assert "condition_keys" not in asked


def test_a_referral_without_needs_has_none(gp_system: cast.ClinicalSystem, person: Person) -> None:
    gp_system.refer(person)

    assert Referral.objects.get().preferences == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        need("wants-tea"),
        need("nights", system="https://elsewhere.example/codes"),
        {"url": f"{BASE}/StructureDefinition/peer-support-need", "valueString": "nights"},
    ],
)
def test_a_need_that_is_not_understood_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, wrong: dict[str, Any]
) -> None:
    answer = gp_system.post(PATH, referral(person, need("anonymous"), wrong))

    assert places(issues(answer, 422)) == {("code-invalid", "ServiceRequest.extension[1]")}
    assert nothing_is_kept()


def test_a_person_is_at_one_stage_of_change(gp_system: cast.ClinicalSystem, person: Person) -> None:
    answer = gp_system.post(PATH, referral(person, need("action"), need("maintenance")))

    assert places(issues(answer, 422)) == {("business-rule", "ServiceRequest.extension")}


def test_needs_may_change_until_communities_have_been_chosen(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    sent = referral(person, need("nights"), status="draft")
    made = json.loads(gp_system.post(PATH, sent).content)
    changed = {**made, "extension": [need("weekends")], "status": "active"}

    assert gp_system.put(f"{PATH}/{made['id']}", changed).status_code == 200
    assert Referral.objects.get().preferences == {"weekends"}
    run_jobs()
    late = gp_system.put(f"{PATH}/{made['id']}", {**changed, "extension": [need("nights")]})

    assert "Withdraw the referral" in issues(late, 422)[0]["diagnostics"]
    assert Referral.objects.get().preferences == {"weekends"}


def test_another_extension_is_nobodys_business(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    other = {"url": "https://gp.example/extension", "valueBoolean": True}

    assert gp_system.post(PATH, referral(person, other)).status_code == 201
    assert Referral.objects.get().preferences == frozenset()


# Risk


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"reasonCode": reasons(AT_RISK_NOW, DEPRESSION)}, "ServiceRequest.reasonCode"),
        ({"reasonCode": reasons(SELF_INFLICTED_INJURY)}, "ServiceRequest.reasonCode"),
        ({"note": [{"text": "Has said she wants to end  her life."}]}, "ServiceRequest.note"),
        ({"patientInstruction": "After the OVERDOSE in May"}, "ServiceRequest.patientInstruction"),
        (
            {"reasonCode": [{**reasons(DEPRESSION)[0], "text": "low, no suicidal thoughts"}]},
            "ServiceRequest.reasonCode",
        ),
    ],
    ids=["code", "condition too", "note", "instruction", "reason in words"],
)
def test_what_speaks_of_a_risk_is_asked_about_and_shows_where_to_turn(
    gp_system: cast.ClinicalSystem, person: Person, elements: dict[str, Any], place: str
) -> None:
    answer = gp_system.post(PATH, referral(person, **elements))

    [issue] = issues(answer, 422)
    assert (issue["code"], issue["expression"]) == ("required", [place])
    for contact in (EMERGENCY, NHS_111, SAMARITANS, SHOUT):
        assert contact.value in issue["diagnostics"]
    assert "England only" in issue["diagnostics"]
    assert nothing_is_kept()


@pytest.mark.parametrize(
    "coding",
    [
        {"system": "http://snomed.info/sct/83821000000107", "code": AT_RISK_NOW},
        {"system": "HTTP://SNOMED.INFO/SCT", "code": AT_RISK_NOW},
        {"system": "urn:oid:2.16.840.1.113883.6.96", "code": f"{AT_RISK_NOW} |term|"},
        {"code": AT_RISK_NOW},
        {"system": "http://snomed.info/sct", "code": f"{AT_RISK_NOW}:246075003=1"},
        {"system": "https://gp.example/codes", "code": "x", "display": "Suicidal ideation"},
    ],
    ids=["edition", "capitals", "oid", "no system", "post-coordinated", "words"],
)
def test_a_safety_code_is_known_however_it_is_written(
    gp_system: cast.ClinicalSystem, person: Person, coding: dict[str, Any]
) -> None:
    sent = referral(person, reasonCode=[*reasons(DEPRESSION), {"coding": [coding]}])

    assert "required" in {issue["code"] for issue in issues(gp_system.post(PATH, sent), 422)}
    assert nothing_is_kept()


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE.replace('http:', 'https:')}/StructureDefinition/acute-risk",
        f"{BASE}/StructureDefinition/acute-risk/",
        f"{BASE}/StructureDefinition/acute-risk|1",
        f"{BASE}/StructureDefinition/Acute-Risk",
        "https://elsewhere.example/StructureDefinition/acute-risk",
    ],
)
def test_an_answer_under_nearly_its_url_is_not_passed_over(
    gp_system: cast.ClinicalSystem, person: Person, url: str
) -> None:
    sent = referral(person, {"url": url, "valueBoolean": True})

    assert {issue["code"] for issue in issues(gp_system.post(PATH, sent), 422)} == {"structure"}
    assert nothing_is_kept()


def test_with_a_release_what_falls_under_a_safety_code_is_asked_about_too(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    Descent.objects.create(descendant=int(BELOW_SELF_INFLICTED), ancestor=SELF_INFLICTED_INJURY)
    sent = referral(person, reasonCode=reasons(DEPRESSION, BELOW_SELF_INFLICTED))

    [issue] = issues(gp_system.post(PATH, sent), 422)

    assert issue["expression"] == ["ServiceRequest.reasonCode"]
    assert nothing_is_kept()


def test_an_acute_risk_is_refused_whatever_else_is_said(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    answer = gp_system.post(PATH, referral(person, acute_risk(True)))

    [issue] = issues(answer, 422)
    assert (issue["code"], issue["expression"]) == ("business-rule", ["ServiceRequest.extension"])
    assert EMERGENCY.value in issue["diagnostics"]
    assert nothing_is_kept()


def test_with_the_answer_a_known_risk_is_taken_and_asks_for_more_moderation(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    sent = referral(person, acute_risk(False), reasonCode=reasons(AT_RISK_NOW, DEPRESSION))

    assert gp_system.post(PATH, sent).status_code == 201
    run_jobs()

    kept = Referral.objects.get()
    assert kept.preferences == {"known_risk"}
    run = MatchRun.objects.get()
    assert json.loads(run.asked)["is_at_risk"] is True
    offered = replay(run)
    assert offered
    assert {offer.points["tier"] for offer in offered} <= {
        run.weights["tier"]["A"],
        run.weights["tier"]["B"],
    }


def test_no_acute_risk_alone_is_no_known_risk(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.post(PATH, referral(person, acute_risk(False)))

    assert Referral.objects.get().preferences == frozenset()


@pytest.mark.parametrize("answers", [[True, False], [False, True]])
def test_of_two_answers_the_graver_counts(
    gp_system: cast.ClinicalSystem, person: Person, answers: list[bool]
) -> None:
    sent = referral(person, *(acute_risk(answer) for answer in answers))

    assert places(issues(gp_system.post(PATH, sent), 422)) == {
        ("business-rule", "ServiceRequest.extension")
    }


def test_an_answer_that_is_none_is_refused(gp_system: cast.ClinicalSystem, person: Person) -> None:
    wrong = {"url": f"{BASE}/StructureDefinition/acute-risk", "valueString": "no"}

    answer = gp_system.post(PATH, referral(person, wrong))

    assert places(issues(answer, 422)) == {("required", "ServiceRequest.extension[0]")}


def test_validation_says_what_a_create_would(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    answer = gp_system.post(
        f"{PATH}/$validate", referral(person, reasonCode=reasons(SELF_INFLICTED_INJURY))
    )

    assert places(json.loads(answer.content)["issue"]) == {
        ("required", "ServiceRequest.reasonCode")
    }


def test_a_draft_that_comes_to_speak_of_a_risk_is_not_issued(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = json.loads(gp_system.post(PATH, referral(person, status="draft")).content)
    worse = {**made, "status": "active", "note": [{"text": "Suicidal since yesterday."}]}

    answer = gp_system.put(f"{PATH}/{made['id']}", worse)

    assert places(issues(answer, 422)) == {("required", "ServiceRequest.note")}
    assert Referral.objects.get().business_status == BusinessStatus.DRAFTED


def test_what_speaks_of_a_risk_can_always_be_taken_back(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = json.loads(gp_system.post(PATH, referral(person)).content)
    revoked = {**made, "status": "revoked", "note": [{"text": "Now suicidal, crisis team called."}]}

    assert gp_system.put(f"{PATH}/{made['id']}", revoked).status_code == 200


# $match


def asked(**parameters: Any) -> dict[str, Any]:
    listed = [
        {"name": "condition", "valueCode": "depression"},
        {"name": "age", "valueInteger": 40},
        *({"name": name, **value} for name, value in parameters.items()),
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def test_match_takes_the_same_needs(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(
        "/fhir/R4/HealthcareService/$match", asked(need={"valueCode": "known_risk"})
    )

    found = json.loads(answer.content)
    assert check(found, resource_type="Bundle", is_strict=True) == []
    tiers = {
        coding["code"]
        for entry in found["entry"]
        if entry["search"]["mode"] == "match"
        for characteristic in entry["resource"]["characteristic"]
        for coding in characteristic["coding"]
        if coding["system"].endswith("/moderation-tier")
    }
    assert tiers
    assert tiers <= {"A", "B"}


def test_a_need_that_match_does_not_understand_is_refused(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post("/fhir/R4/HealthcareService/$match", asked(need={"valueCode": "tea"}))

    assert places(issues(answer, 422)) == {("code-invalid", "Parameters.parameter[2].value")}


def test_match_says_that_a_code_speaks_of_a_risk(gp_system: cast.ClinicalSystem) -> None:
    coding = {"system": "http://snomed.info/sct", "code": SELF_INFLICTED_INJURY}
    parameters = asked()
    parameters["parameter"].append({"name": "condition", "valueCoding": coding})

    answer = gp_system.post("/fhir/R4/HealthcareService/$match", parameters)

    [outcome] = [
        entry["resource"]
        for entry in json.loads(answer.content)["entry"]
        if entry["search"]["mode"] == "outcome"
    ]
    [warning] = [issue for issue in outcome["issue"] if issue["severity"] == "warning"]
    assert EMERGENCY.value in warning["diagnostics"]
