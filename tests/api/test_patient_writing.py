"""Patient as its practice writes it: what is the same again, and what follows from a death that is reported."""

import json
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Action, Entry
from config.fictional import Person, patient_resource
from referrals import closing, inviting, matching
from referrals.lifecycle import BusinessStatus
from referrals.models import Patient, PatientVersion, Referral, StatusChange
from tests import cast
from tests.api.answers import issues
from tests.referrals import steps

pytestmark = pytest.mark.django_db

Resource = dict[str, Any]

DEATHS: list[dict[str, Any]] = [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-11-20"}]


def _resource(answer: Any, status: int = 200) -> Resource:
    assert answer.status_code == status, answer.content
    resource: Resource = json.loads(answer.content)
    return resource


def _patient_of(system: cast.ClinicalSystem, referral: Referral) -> Resource:
    return _resource(system.get(f"/fhir/R4/Patient/{referral.patient_id}"))


def _report(system: cast.ClinicalSystem, referral: Referral) -> Resource:
    sent = _patient_of(system, referral) | DEATHS[0]
    return _resource(system.put(f"/fhir/R4/Patient/{sent['id']}", sent))


def _told(referral: Referral) -> list[str]:
    told = StatusChange.objects.filter(referral=referral, is_told=True)
    return list(told.order_by("version").values_list("business_status", flat=True))


# The same again


def test_a_patient_sent_unchanged_again_keeps_the_version(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = patient_resource(person)
    first = gp_system.post("/fhir/R4/Patient", sent)

    again = gp_system.post("/fhir/R4/Patient", sent | {"id": "mine", "meta": {"versionId": "8"}})
    put = gp_system.put(f"/fhir/R4/Patient/{_resource(first, 201)['id']}", _resource(first, 201))

    assert _resource(again) == _resource(put) == _resource(first, 201)
    assert again["ETag"] == put["ETag"] == 'W/"1"'
    assert PatientVersion.objects.count() == 1


def test_an_unchanged_patient_of_a_transaction_keeps_the_version(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient = _resource(gp_system.post("/fhir/R4/Patient", patient_resource(person)), 201)
    entry = {"resource": patient_resource(person), "request": {"method": "POST", "url": "Patient"}}

    answer = gp_system.post(
        "/fhir/R4", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    )

    [answered] = _resource(answer)["entry"]
    assert (answered["response"]["status"], answered["response"]["etag"]) == ("200 OK", 'W/"1"')
    assert answered["response"]["lastModified"] == patient["meta"]["lastUpdated"]


@pytest.mark.parametrize(
    "change",
    [
        {"gender": "other"},
        {"multipleBirthInteger": 2},
        {"meta": {"tag": [{"system": "https://gp.example/tag", "code": "a"}]}},
    ],
)
def test_a_patient_sent_with_a_change_gets_a_version(
    gp_system: cast.ClinicalSystem, person: Person, change: Resource
) -> None:
    sent = patient_resource(person) | {"multipleBirthInteger": 1}
    _resource(gp_system.post("/fhir/R4/Patient", sent), 201)

    again = gp_system.post("/fhir/R4/Patient", sent | change)

    assert _resource(again)["meta"]["versionId"] == "2"


def test_a_number_written_otherwise_is_a_change(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    url = "https://gp.example/weight"
    sent = patient_resource(person) | {"extension": [{"url": url, "valueDecimal": "N"}]}
    written = [json.dumps(sent).replace('"N"', number) for number in ("0.4", "0.40")]

    versions = [gp_system.post("/fhir/R4/Patient", one)["ETag"] for one in written]

    assert versions == ['W/"1"', 'W/"2"']


# Death


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("how", ["put", "patch", "post", "transaction"])
def test_a_death_is_kept_and_ends_what_is_open(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    death: Resource,
    how: str,
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    patient = _patient_of(gp_system, referral)
    address, sent = f"/fhir/R4/Patient/{patient['id']}", patient | death

    if how == "put":
        answer = gp_system.put(address, sent)
    elif how == "patch":
        [(name, value)] = death.items()
        answer = gp_system.patch(address, [{"op": "add", "path": f"/{name}", "value": value}])
    elif how == "post":
        answer = gp_system.post("/fhir/R4/Patient", sent)
    else:
        request = {"method": "PUT", "url": f"Patient/{patient['id']}"}
        entry = {"resource": sent, "request": request}
        answer = gp_system.post(
            "/fhir/R4", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        )

    assert answer.status_code == 200, answer.content
    kept = _patient_of(gp_system, referral)
    assert kept["meta"]["versionId"] == "2"
    assert kept.items() >= death.items()
    task = _resource(gp_system.get(f"/fhir/R4/Task/{referral.pk}"))
    assert task["businessStatus"]["coding"][0]["code"] == "withdrawn"
    assert task["statusReason"] == {"text": "The patient was reported as deceased."}
    request = _resource(gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}"))
    assert request["status"] == "revoked"
    assert all(link.revoked_at for link in referral.links.all())
    target = f"Provenance?target=ServiceRequest/{referral.pk}"
    assert _resource(gp_system.get(f"/fhir/R4/{target}"))["total"] == 4
    assert Entry.objects.filter(action=Action.REFERRAL_MOVED, detail={"to": "withdrawn"}).exists()


@pytest.mark.parametrize("stage", ["drafted", "referred", "matched", "written down"])
def test_no_message_goes_out_after_a_death(
    gp_system: cast.ClinicalSystem,
    person: Person,
    run_jobs: cast.RunJobs,
    messages: cast.Messages,
    stage: str,
) -> None:
    if stage == "drafted":
        referral = steps.drafted(gp_system, person)
    else:
        referral = steps.referred(gp_system, person)
    if stage in ("matched", "written down"):
        matching.match_referral(referral_id=referral.pk, at=timezone.now())
    if stage == "written down":
        inviting.invite_patient(referral_id=referral.pk, at=timezone.now())

    _report(gp_system, referral)
    run_jobs()

    assert messages() == []
    assert _told(referral)[-1] == "withdrawn"
    assert Referral.objects.get(pk=referral.pk).business_status == BusinessStatus.WITHDRAWN


@pytest.mark.parametrize("tells_practice", [True, False])
def test_a_death_ends_the_place_of_whoever_has_joined_and_tells_nobody_that_there_was_one(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, tells_practice: bool
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, tells_practice=tells_practice)

    _report(gp_system, referral)

    placement.refresh_from_db()
    assert (placement.left_at is None, placement.left_reason) == (False, "patient-deceased")
    told = _told(referral)
    assert told[3:] == (["joined", "withdrawn"] if tells_practice else ["withdrawn"])
    assert all(link.revoked_at for link in referral.links.all())


def test_what_was_closed_before_a_death_stays_as_it_was_told(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    placement = steps.joined(referral, tells_practice=False)
    [link] = referral.links.all()
    closing.end_invitation(link_id=link.pk, at=timezone.now())

    _report(gp_system, referral)

    assert _told(referral)[-1] == "invitation-ended"
    placement.refresh_from_db()
    link.refresh_from_db()
    assert placement.left_at
    assert link.revoked_at


def test_a_death_that_is_taken_back_is_a_version_and_opens_nothing(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    referral = steps.referred(gp_system, person)
    dead = _report(gp_system, referral)

    alive = gp_system.put(f"/fhir/R4/Patient/{dead['id']}", dead | {"deceasedBoolean": False})
    run_jobs()

    assert _resource(alive)["meta"]["versionId"] == "3"
    assert _told(referral) == ["received-by-service", "withdrawn"]
    assert messages() == []
    anew = steps.referred(gp_system, person)
    assert anew.patient_id == referral.patient_id


@pytest.mark.parametrize("subject", ["contained", "held", "named"])
def test_nobody_is_referred_who_was_reported_as_deceased(
    gp_system: cast.ClinicalSystem, person: Person, subject: str
) -> None:
    referral = steps.referred(gp_system, person)
    dead = _report(gp_system, referral)
    sent = cast.referral_for(person)
    if subject != "contained":
        del sent["contained"]
        number = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": person.nhs_number}
        held = {"reference": f"Patient/{dead['id']}"}
        sent["subject"] = held if subject == "held" else {"identifier": number}

    [issue] = issues(gp_system.post("/fhir/R4/ServiceRequest", sent), 422)

    place = ["ServiceRequest.subject.resolve().deceased"]
    assert (issue["code"], issue["expression"]) == ("business-rule", place)
    assert Referral.objects.count() == 1
    # An old copy of the patient inside a referral raises nobody from the dead.
    assert Patient.objects.get().is_deceased


def test_another_practices_patient_is_not_touched_by_a_death(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral, theirs = (steps.referred(one, person) for one in (gp_system, other_gp_system))

    _report(gp_system, referral)

    assert _told(theirs) == ["received-by-service"]


def test_a_death_of_somebody_unknown_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    [issue] = issues(gp_system.post("/fhir/R4/Patient", patient_resource(person) | DEATHS[0]), 422)

    assert (issue["code"], issue["expression"]) == ("business-rule", ["Patient.deceased"])
    assert not Patient.objects.exists()


def test_validating_a_death_says_what_an_update_would_say(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    sent = patient_resource(person) | DEATHS[1]

    update = _resource(gp_system.post("/fhir/R4/Patient/$validate?mode=update", sent))
    create = _resource(gp_system.post("/fhir/R4/Patient/$validate?mode=create", sent))

    assert [issue["severity"] for issue in update["issue"]] == ["information"]
    assert [issue.get("expression") for issue in create["issue"]] == [["Patient.deceased"]]
