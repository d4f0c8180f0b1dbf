"""Task as the sender writes it: the third way in, and how a requester takes a referral back."""

import json
from typing import Any

import pytest

from config.fictional import Person
from referrals.models import PracticeTask, PracticeTaskKind, Referral
from tests import cast
from tests.api.answers import issues, row_counts
from tests.referrals import steps

pytestmark = pytest.mark.django_db


def _resource(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    resource: dict[str, Any] = json.loads(answer.content)
    return resource


def _task(focus: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
        },
        "focus": {"reference": focus},
        "authoredOn": "2026-09-07T12:00:00Z",
        "requester": {"display": "Dr Example"},
        **more,
    }


def _bringing(person: Person, **more: Any) -> dict[str, Any]:
    """A Task with the referral and its patient inside."""
    sent = cast.referral_for(person)
    inside = sent.pop("contained")
    contained = [sent | {"id": "sr", "status": more.pop("request_status", "active")}, *inside]
    return _task("#sr", contained=contained, **more)


def test_a_task_brings_its_referral_along(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    sent = _bringing(person, note=[{"text": "Prefers evenings"}])

    task = _resource(gp_system.post("/fhir/R4/Task", sent), 201)

    assert (task["status"], task["note"]) == ("requested", sent["note"])
    assert task["focus"] == {"reference": f"ServiceRequest/{task['id']}"}
    assert "contained" not in task
    request = _resource(gp_system.get(f"/fhir/R4/{task['focus']['reference']}"))
    assert request["status"] == "active"
    assert request["contained"] == sent["contained"][1:]
    run_jobs()
    later = _resource(gp_system.get(f"/fhir/R4/Task/{task['id']}"))
    assert (later["status"], later["note"]) == ("accepted", sent["note"])


def test_a_draft_stays_a_draft_until_its_task_is_requested(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    sent = _bringing(person, status="draft", request_status="draft")
    task = _resource(gp_system.post("/fhir/R4/Task", sent), 201)
    run_jobs()

    assert _resource(gp_system.get(f"/fhir/R4/Task/{task['id']}"))["status"] == "draft"

    issued = gp_system.put(f"/fhir/R4/Task/{task['id']}", task | {"status": "requested"})
    run_jobs()

    assert _resource(issued)["status"] == "requested"
    assert _resource(gp_system.get(f"/fhir/R4/Task/{task['id']}"))["status"] == "accepted"
    request = _resource(gp_system.get(f"/fhir/R4/ServiceRequest/{task['id']}"))
    assert request["status"] == "active"


def test_a_task_for_a_referral_that_is_here_is_kept_word_for_word_once(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)
    sent = _task(
        f"ServiceRequest/{referral.pk}",
        identifier=[{"system": "https://gp.example/task", "value": "T-1"}],
    )

    first = gp_system.post("/fhir/R4/Task", sent)
    second = gp_system.post("/fhir/R4/Task", sent)

    task = _resource(first, 201)
    assert (task["id"], task["identifier"]) == (str(referral.pk), sent["identifier"])
    assert issues(second, 409)[0]["code"] == "duplicate"
    assert second["Location"].endswith(f"/Task/{referral.pk}")


@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_a_task_for_a_referral_that_is_not_ours_is_refused(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    whose: str,
) -> None:
    referral = steps.referred(gp_system, person)
    pk = str(referral.pk) if whose == "another's" else "0190a000-0000-4000-8000-000000000000"
    before = row_counts()

    answer = other_gp_system.post("/fhir/R4/Task", _task(f"ServiceRequest/{pk}"))

    [issue] = issues(answer, 422)
    assert (issue["code"], issue["expression"]) == ("not-found", ["Task.focus"])
    after = row_counts()
    assert after["referrals_referral"] == before["referrals_referral"]


@pytest.mark.parametrize("how", ["put", "patch"])
def test_a_requester_takes_a_referral_back_by_its_task(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, how: str
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    address = f"/fhir/R4/Task/{referral.pk}"
    task = _resource(gp_system.get(address))
    reason = {"text": "The patient asked for something else."}

    if how == "put":
        answer = gp_system.put(address, task | {"status": "cancelled", "statusReason": reason})
    else:
        changes = [
            {"op": "replace", "path": "/status", "value": "cancelled"},
            {"op": "add", "path": "/statusReason", "value": reason},
        ]
        answer = gp_system.patch(address, changes, If_Match='W/"3"')

    ended = _resource(answer)
    assert (ended["status"], ended["statusReason"]) == ("cancelled", reason)
    assert ended["businessStatus"]["coding"][0]["code"] == "withdrawn"
    request = _resource(gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}"))
    assert request["status"] == "revoked"
    assert Referral.objects.get(pk=referral.pk).links.get().revoked_at


def test_a_move_that_is_not_the_requesters_is_refused_with_those_that_are(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    address = f"/fhir/R4/Task/{referral.pk}"
    task = _resource(gp_system.get(address))

    answer = gp_system.put(address, task | {"status": "completed"})

    [issue] = issues(answer, 422)
    assert issue["code"] == "business-rule"
    assert "withdrawn" in issue["diagnostics"]
    assert _resource(gp_system.get(address)) == task


def test_a_practice_answers_what_it_was_asked(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    asked = PracticeTask.objects.create(
        referral=referral, kind=PracticeTaskKind.MESSAGE_REFUSED, raised_at=referral.told_at
    )
    address = f"/fhir/R4/Task/{asked.pk}"
    task = _resource(gp_system.get(address))

    done = _resource(gp_system.put(address, task | {"status": "completed"}, If_Match='W/"1"'))

    assert (done["status"], done["meta"]["versionId"]) == ("completed", "2")
    assert referral.links.count() == 2
    history = _resource(gp_system.get(f"{address}/_history"))
    assert [e["resource"]["status"] for e in history["entry"]] == ["completed", "requested"]


SAID_BY_US: dict[str, dict[str, Any]] = {
    "businessStatus": {"businessStatus": {"text": "joined"}},
    "for": {"for": {"reference": "Patient/0190a000-0000-4000-8000-000000000000"}},
    "focus": {"focus": {"reference": "ServiceRequest/0190a000-0000-4000-8000-000000000000"}},
    "code": {"code": {"text": "Something else"}},
    "intent": {"intent": "plan"},
    "statusReason": {"statusReason": {"coding": [{"code": "x", "system": "https://gp.example"}]}},
}


@pytest.mark.parametrize("how", ["put", "patch"])
@pytest.mark.parametrize("element", SAID_BY_US)
def test_what_only_the_service_can_say_is_refused_by_its_name(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, element: str, how: str
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    address, change = f"/fhir/R4/Task/{referral.pk}", SAID_BY_US[element]
    task = _resource(gp_system.get(address))

    if how == "put":
        answer = gp_system.put(address, task | change)
    else:
        op = {"op": "add", "path": f"/{element}", "value": change[element]}
        answer = gp_system.patch(address, [op])

    found = [issue for issue in issues(answer, 422) if issue["severity"] == "error"]
    assert [issue["expression"] for issue in found] == [[f"Task.{element}"]]
    assert _resource(gp_system.get(address)) == task


@pytest.mark.parametrize("element", ["businessStatus", "for", "focus"])
def test_a_patch_does_not_take_away_what_only_the_service_can_say(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, element: str
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)

    answer = gp_system.patch(
        f"/fhir/R4/Task/{referral.pk}", [{"op": "remove", "path": f"/{element}"}]
    )

    assert [f"Task.{element}"] in [issue.get("expression") for issue in issues(answer, 422)]


@pytest.mark.parametrize("whose", ["ours", "the sender's", "without what is ours"])
def test_a_task_sent_unchanged_keeps_its_version(
    gp_system: cast.ClinicalSystem, person: Person, whose: str
) -> None:
    sent = _bringing(person, note=[{"text": "Prefers evenings"}])
    task = _resource(gp_system.post("/fhir/R4/Task", sent), 201)
    address = f"/fhir/R4/Task/{task['id']}"
    again = {
        "ours": task | {"lastModified": "2026-11-22T09:00:00Z"},
        "the sender's": sent | {"id": task["id"]},
        "without what is ours": {
            name: value
            for name, value in task.items()
            if name not in ("businessStatus", "for", "focus", "lastModified", "meta")
        },
    }[whose]

    answer = gp_system.put(address, again, If_Match='W/"1"')

    assert _resource(answer) == task
    assert answer["ETag"] == 'W/"1"'
    assert _resource(gp_system.get(f"{address}/_history"))["total"] == 1
    assert issues(gp_system.put(address, again, If_Match='W/"2"'), 412)


def test_a_task_with_a_note_of_its_sender_gets_a_version(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)
    address = f"/fhir/R4/Task/{referral.pk}"
    noted = _resource(gp_system.get(address)) | {"note": [{"text": "Prefers evenings"}]}

    answer = _resource(gp_system.put(address, noted))

    assert (answer["meta"]["versionId"], answer["note"]) == ("2", noted["note"])


def test_a_referral_is_taken_back_by_whoever_has_not_read_how_far_it_has_come(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.referred(gp_system, person)
    address = f"/fhir/R4/Task/{referral.pk}"
    early = _resource(gp_system.get(address))
    run_jobs()

    ended = _resource(gp_system.put(address, early | {"status": "cancelled"}))

    assert ended["businessStatus"]["coding"][0]["code"] == "withdrawn"


def test_a_task_for_somebody_else_takes_no_referral_back(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)
    address = f"/fhir/R4/Task/{referral.pk}"
    task = _resource(gp_system.get(address)) | SAID_BY_US["for"]

    assert issues(gp_system.put(address, task | {"status": "cancelled"}), 422)
    assert _resource(gp_system.get(address))["status"] == "requested"


def test_what_a_practice_was_asked_holds_nothing_of_its_own(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    asked = PracticeTask.objects.create(
        referral=referral, kind=PracticeTaskKind.MESSAGE_REFUSED, raised_at=referral.told_at
    )
    address = f"/fhir/R4/Task/{asked.pk}"
    task = _resource(gp_system.get(address))

    unchanged = gp_system.put(address, task)
    noted = gp_system.put(address, task | {"status": "completed", "note": [{"text": "Done."}]})

    assert _resource(unchanged) == task
    [issue] = issues(noted, 422)
    assert issue["expression"] == ["Task.note"]
    assert _resource(gp_system.get(address)) == task
