"""Bulk Data by HTTP: asked for, waited for, fetched, taken away; who may, what is in it, and what must never be."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Client, Organisation
from accounts.registering import set_exporting, switch_off
from audit.models import Action, Entry
from config.fictional import Person, people
from integrations.fhir.exports import tasks
from integrations.fhir.exports.beginning import MOST_KEPT, SETTLING
from integrations.fhir.exports.models import Export, ExportFile, ExportState
from integrations.fhir.exports.sweeping import STALLED
from integrations.fhir.exports.writing import KEPT, MOST_BYTES, MOST_RESOURCES, write_next
from jobs.models import Job, JobKind
from privacy.tenancy import acting_for
from referrals.models import Patient, PatientVersion, PracticeTaskKind, Referral
from referrals.practice_tasks import ask_practice, finish_tasks
from scripts.signing import public_keys
from tests import cast
from tests.api.answers import Answer, issues, stored_text
from tests.api.test_races import SIDES, at_once
from tests.integrations.fhir.cast import check
from tests.referrals import steps

pytestmark = pytest.mark.django_db

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
SYSTEM, PATIENT, GROUP = "/fhir/R4/$export", "/fhir/R4/Patient/$export", "/fhir/R4/Group/{}/$export"
SCOPE = (
    "system/ServiceRequest.crus system/Task.rs system/Patient.crs system/Provenance.rs"
    " system/Group.rs"
)
Finish = Callable[[], None]


def exporting(organisation: Organisation, *, scope: str = SCOPE) -> cast.ClinicalSystem:
    """A clinical system that was let export."""
    system = cast.clinical_system(organisation, scope=scope)
    set_exporting(client_id=system.client_id, may_export=True, at=timezone.now())  # type: ignore[arg-type]  # a UUID as text
    return system


@pytest.fixture
def system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """A clinical system of the practice that may export."""
    return exporting(gp_system.organisation)


@pytest.fixture
def finish(run_jobs: cast.RunJobs) -> Finish:
    """Works through the jobs when those of exports are due, too."""

    def run() -> None:
        with time_machine.travel(timezone.now() + SETTLING + timedelta(seconds=1)):
            run_jobs()

    return run


def ask(system: cast.ClinicalSystem, path: str = SYSTEM, **headers: str) -> Answer:
    return system.get(path, **{"Prefer": "respond-async", **headers})


def place_of(answer: Answer) -> str:
    """The path where an export is asked after."""
    assert answer.status_code == 202, answer.content
    assert answer["Content-Location"].startswith(f"{BASE}/export/")
    return answer["Content-Location"].removeprefix(settings.PUBLIC_BASE_URL)


def manifest_at(system: cast.ClinicalSystem, place: str) -> dict[str, Any]:
    answer = system.get(place)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    found: dict[str, Any] = json.loads(answer.content)
    return found


def resources(system: cast.ClinicalSystem, place: str) -> dict[str, list[dict[str, Any]]]:
    """Every resource of an export by type, read file by file."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in manifest_at(system, place)["output"]:
        answer = system.get(file["url"].removeprefix(settings.PUBLIC_BASE_URL))
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/fhir+ndjson"
        lines = [json.loads(line) for line in answer.content.decode().splitlines()]
        assert len(lines) == file["count"]
        assert {line["resourceType"] for line in lines} == {file["type"]}
        found.setdefault(file["type"], []).extend(lines)
    return found


def exported(
    system: cast.ClinicalSystem, finish: Finish, path: str = SYSTEM
) -> dict[str, list[dict[str, Any]]]:
    """Everything of an export that is asked for now."""
    place = place_of(ask(system, path))
    finish()
    return resources(system, place)


def many_patients(practice: Organisation, count: int, *, at: datetime) -> None:
    """Patients as rows, without the requests that would have made them."""
    document = json.dumps(
        {
            "resourceType": "Patient",
            "birthDate": "1980-01-01",
            "implicitRules": "urn:x:" + "x" * 1500,
        }
    )
    made = Patient.objects.bulk_create(
        Patient(
            practice=practice,
            birth_date_text="1980-01-01",
            document=document,
            received_at=at,
            updated_at=at,
        )
        for _ in range(count)
    )
    PatientVersion.objects.bulk_create(
        PatientVersion(patient=patient, version=1, document=document, at=at) for patient in made
    )


# Asked, waited for, fetched


def test_an_export_is_accepted_written_and_listed(
    system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, finish: Finish
) -> None:
    referral = steps.invited(system, person, run_jobs)

    accepted = ask(system, f"{SYSTEM}?_type=Patient,ServiceRequest&_type=Task")

    place = place_of(accepted)
    waiting = system.get(place)
    assert waiting.status_code == 202
    assert waiting["X-Progress"] == "0 resources in 0 files so far"
    assert int(waiting["Retry-After"]) > 0
    finish()
    listed = manifest_at(system, place)
    assert listed == {
        "transactionTime": listed["transactionTime"],
        "request": f"{settings.PUBLIC_BASE_URL}{SYSTEM}?_type=Patient,ServiceRequest&_type=Task",
        "requiresAccessToken": True,
        "output": [
            {"type": name, "url": f"{settings.PUBLIC_BASE_URL}{place}/{number}.ndjson", "count": 1}
            for number, name in enumerate(("Patient", "ServiceRequest", "Task"), 1)
        ],
        "error": [],
    }
    assert system.get(place)["Expires"].endswith("GMT")
    found = resources(system, place)
    for name, key in (
        ("Patient", referral.patient_id),
        ("ServiceRequest", referral.pk),
        ("Task", referral.pk),
    ):
        assert found[name] == [json.loads(system.get(f"/fhir/R4/{name}/{key}").content)]


def test_each_resource_of_an_export_is_sound_r4(
    system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, finish: Finish
) -> None:
    steps.invited(system, person, run_jobs)

    found = exported(system, finish)

    assert set(found) == {"Patient", "ServiceRequest", "Task", "Provenance"}
    for resource in (one for some in found.values() for one in some):
        check(resource)


@pytest.mark.parametrize("path", [SYSTEM, PATIENT, GROUP])
def test_every_way_of_asking_holds_the_practices_own_patients_only(
    system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    finish: Finish,
    path: str,
) -> None:
    mine, theirs = list(zip(range(2), people(seed=5), strict=False))
    own = steps.referred(system, mine[1])
    steps.referred(other_gp_system, theirs[1])

    found = exported(system, finish, path.format(system.organisation.pk))

    assert [one["id"] for one in found["Patient"]] == [str(own.patient_id)]
    assert [one["id"] for one in found["ServiceRequest"]] == [str(own.pk)]


def test_an_export_is_asked_by_post_as_well(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    steps.referred(system, person)
    parameters = [
        {"name": "_type", "valueString": "Patient"},
        {"name": "_type", "valueString": "Task"},
        {"name": "_outputFormat", "valueString": "ndjson"},
        {"name": "_since", "valueInstant": "2026-01-01T00:00:00Z"},
    ]

    answer = system.post(
        PATIENT,
        {"resourceType": "Parameters", "parameter": parameters},
        Prefer="respond-async",
    )

    place = place_of(answer)
    finish()
    assert set(resources(system, place)) == {"Patient", "Task"}
    assert manifest_at(system, place)["request"] == f"{settings.PUBLIC_BASE_URL}{PATIENT}"


def test_an_export_can_be_looked_at_without_its_content(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    steps.referred(system, person)
    place = place_of(ask(system))
    finish()
    headers = {"Authorization": f"Bearer {system.token}"}

    for path in (place, f"{place}/1.ndjson"):
        answer = system.http.head(path, headers=headers)

        assert (answer.status_code, answer.content) == (200, b"")


def test_an_empty_export_has_no_files(system: cast.ClinicalSystem, finish: Finish) -> None:
    place = place_of(ask(system))

    finish()

    assert manifest_at(system, place)["output"] == []


def test_an_export_shows_the_moment_in_which_it_was_asked_for(
    system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, finish: Finish
) -> None:
    steps.referred(system, person)
    place = place_of(ask(system))
    run_jobs()  # the referral is matched and the patient invited before the export is written

    finish()

    [task] = resources(system, place)["Task"]
    assert (task["meta"]["versionId"], task["status"]) == ("1", "requested")


def test_what_changed_since_an_export_is_in_the_next_one(
    system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, finish: Finish
) -> None:
    referral = steps.referred(system, person)
    place = place_of(ask(system))
    run_jobs()
    finish()
    since = manifest_at(system, place)["transactionTime"]

    found = exported(system, finish, f"{SYSTEM}?_since={since}")

    assert "Patient" not in found
    [task] = found["Task"]
    referral.refresh_from_db()
    assert task["meta"]["versionId"] == str(referral.version)
    assert exported(system, finish, f"{SYSTEM}?_since=2199-01-01T00:00:00%2B01:00") == {}


def test_a_task_for_the_practice_comes_once_as_it_stands(
    system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, finish: Finish
) -> None:
    referral = steps.invited(system, person, run_jobs)
    ask_practice(referral, PracticeTaskKind.LINK_LOCKED, at=timezone.now())
    ask_practice(referral, PracticeTaskKind.MESSAGE_REFUSED, at=timezone.now())
    finish_tasks(referral, PracticeTaskKind.MESSAGE_REFUSED, at=timezone.now())

    found = exported(system, finish, f"{SYSTEM}?_type=Task")

    asked = [one for one in found["Task"] if one["id"] != str(referral.pk)]
    assert sorted(one["status"] for one in asked) == ["completed", "requested"]


def test_silence_is_kept_in_an_export(
    system: cast.ClinicalSystem, run_jobs: cast.RunJobs, finish: Finish
) -> None:
    crowd = people(seed=8)
    quiet, unopened = (steps.invited(system, next(crowd), run_jobs) for _ in range(2))
    before = exported(system, finish)
    steps.joined(quiet, tells_practice=False)

    after = exported(system, finish)

    assert after == before
    since = Export.objects.latest("until").until.isoformat().replace("+00:00", "Z")
    assert exported(system, finish, f"{SYSTEM}?_since={since}") == {}
    shown = {one["id"]: one for one in after["Task"]}
    assert shown[str(quiet.pk)]["businessStatus"] == shown[str(unopened.pk)]["businessStatus"]


# Much of it


def test_many_resources_are_written_in_bounded_files_each_once(
    system: cast.ClinicalSystem, finish: Finish
) -> None:
    count = 2 * MOST_RESOURCES + 7
    many_patients(system.organisation, count, at=timezone.now())
    place = place_of(ask(system, f"{SYSTEM}?_type=Patient"))

    finish()

    files = manifest_at(system, place)["output"]
    assert len(files) >= 3
    assert all(file["count"] <= MOST_RESOURCES for file in files)
    ids = [one["id"] for one in resources(system, place)["Patient"]]
    assert len(ids) == len(set(ids)) == count
    read = Entry.objects.filter(action=Action.PATIENT_READ, actor=f"client/{system.client_id}")
    assert read.values("target").distinct().count() == read.count() == count


def test_memory_does_not_grow_with_what_is_exported(
    system: cast.ClinicalSystem, finish: Finish
) -> None:
    many_patients(system.organisation, 3000, at=timezone.now())
    place_of(ask(system, f"{SYSTEM}?_type=Patient"))

    tracemalloc.start()
    finish()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sum(len(file.text) for file in ExportFile.objects.iterator(chunk_size=1)) > 4_500_000
    assert most < 12 * MOST_BYTES


def test_a_worker_that_is_lost_while_it_writes_leaves_nothing_doubled_and_nothing_out(
    system: cast.ClinicalSystem, finish: Finish
) -> None:
    many_patients(system.organisation, MOST_RESOURCES + 1, at=timezone.now())
    place = place_of(ask(system, f"{SYSTEM}?_type=Patient"))
    export = Export.objects.get()

    def write_and_be_lost() -> None:
        with acting_for(export.organisation_id):
            write_next(export_id=export.pk, base_url=settings.PUBLIC_BASE_URL, at=timezone.now())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_be_lost()

    assert not ExportFile.objects.exists()
    finish()
    ids = [one["id"] for one in resources(system, place)["Patient"]]
    assert len(ids) == len(set(ids)) == MOST_RESOURCES + 1


def test_a_large_resource_closes_its_file(system: cast.ClinicalSystem, finish: Finish) -> None:
    many_patients(system.organisation, 3, at=timezone.now())
    large = json.dumps({"resourceType": "Patient", "implicitRules": "urn:x:" + "x" * MOST_BYTES})
    PatientVersion.objects.update(document=large)

    place = place_of(ask(system, f"{SYSTEM}?_type=Patient"))
    finish()

    assert [file["count"] for file in manifest_at(system, place)["output"]] == [1, 1, 1]


# Asked wrongly


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("_type=Medication", "not-supported"),
        ("_typeFilter=Task%3Fstatus%3Drequested", "not-supported"),
        ("_elements=id", "not-supported"),
        ("patient=Patient/1", "not-supported"),
        ("_outputFormat=text/csv", "value"),
        ("_since=yesterday", "value"),
        ("_since=gt2026-01-01", "value"),
        ("_since=2026-01-01&_since=2026-01-02", "value"),
    ],
)
def test_what_cannot_be_done_is_refused_and_not_left_out(
    system: cast.ClinicalSystem, query: str, code: str
) -> None:
    [issue] = issues(ask(system, f"{SYSTEM}?{query}"), 400)

    assert issue["code"] == code
    assert not Export.objects.exists()


def test_all_faults_are_named_at_once(system: cast.ClinicalSystem) -> None:
    found = issues(ask(system, f"{SYSTEM}?_type=X&_since=x&_outputFormat=x&_elements=x"), 400)

    assert len(found) == 4


@pytest.mark.parametrize(
    "asked", ["application/fhir%2Bndjson", "application/fhir+ndjson", "ndjson"]
)
def test_every_name_of_ndjson_is_understood(system: cast.ClinicalSystem, asked: str) -> None:
    assert ask(system, f"{SYSTEM}?_outputFormat={asked}").status_code == 202


def test_an_export_is_never_answered_at_once(system: cast.ClinicalSystem) -> None:
    [issue] = issues(system.get(SYSTEM), 400)

    assert issue["code"] == "required"
    assert "respond-async" in issue["diagnostics"]


def test_looking_at_the_address_begins_nothing(system: cast.ClinicalSystem) -> None:
    headers = {"Authorization": f"Bearer {system.sign_in()}", "Prefer": "respond-async"}

    assert system.http.head(SYSTEM, headers=headers).status_code == 405
    assert not Export.objects.exists()


def test_a_body_that_is_no_parameters_is_refused(system: cast.ClinicalSystem) -> None:
    answer = system.post(SYSTEM, {"resourceType": "Patient"}, Prefer="respond-async")

    assert issues(answer, 400)


# Twice, and too often


def test_an_export_asked_twice_is_answered_with_the_place_of_the_first(
    system: cast.ClinicalSystem, finish: Finish
) -> None:
    first = ask(system)

    second = ask(system, PATIENT)

    assert issues(second, 429)[0]["code"] == "throttled"
    assert int(second["Retry-After"]) > 0
    assert second["Content-Location"] == first["Content-Location"]
    assert Export.objects.count() == Job.objects.filter(kind=JobKind.EXPORT).count() == 1
    finish()
    assert ask(system).status_code == 202


def test_the_database_lets_a_client_have_one_running_export_only(
    system: cast.ClinicalSystem,
) -> None:
    ask(system)
    export = Export.objects.get()
    export.pk = uuid4()

    with pytest.raises(Exception, match=r"(?i)unique"), transaction.atomic():
        export.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
)
def test_of_exports_asked_at_the_same_moment_one_is_begun(system: cast.ClinicalSystem) -> None:
    system.sign_in()

    answers = at_once(lambda _: ask(system))

    assert Counter(answer.status_code for answer in answers) == {202: 1, 429: SIDES - 1}
    assert len({answer["Content-Location"] for answer in answers}) == 1
    assert Export.objects.count() == Job.objects.filter(kind=JobKind.EXPORT).count() == 1


def test_another_systems_export_is_in_nobodys_way(system: cast.ClinicalSystem) -> None:
    ask(system)

    assert ask(exporting(system.organisation)).status_code == 202


def test_who_leaves_too_many_lying_has_to_delete_one(
    system: cast.ClinicalSystem, finish: Finish
) -> None:
    places = []
    for _ in range(MOST_KEPT):
        places.append(place_of(ask(system)))
        finish()

    answer = ask(system)

    assert issues(answer, 429)
    assert 0 < int(answer["Retry-After"]) <= KEPT.total_seconds() + 60
    assert "Content-Location" not in answer
    assert system.delete(places[2]).status_code == 202
    assert ask(system).status_code == 202


# Taken away


def test_a_deleted_export_is_not_there_any_more(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    steps.referred(system, person)
    place = place_of(ask(system))
    finish()
    file = f"{place}/1.ndjson"
    assert system.get(file).status_code == 200

    answer = system.delete(place)

    assert (answer.status_code, answer.content) == (202, b"")
    for gone in (system.get(place), system.get(file), system.delete(place)):
        assert issues(gone, 404)
    assert not ExportFile.objects.exists()


def test_an_export_can_be_stopped_while_it_is_written(
    system: cast.ClinicalSystem, finish: Finish
) -> None:
    place = place_of(ask(system))

    assert system.delete(place).status_code == 202

    finish()
    assert issues(system.get(place), 404)
    assert not Job.objects.filter(kind=JobKind.EXPORT).exclude(state="done").exists()


def test_files_end_after_a_day(system: cast.ClinicalSystem, person: Person, finish: Finish) -> None:
    steps.referred(system, person)
    place = place_of(ask(system))
    finish()
    tasks.sweep()
    assert system.get(place).status_code == 200

    with time_machine.travel(timezone.now() + KEPT + timedelta(minutes=1)):
        tasks.sweep()
        system.sign_in()

        assert issues(system.get(place), 404)
    assert not Export.objects.exists()


def test_an_export_that_stands_still_has_failed_and_says_so(system: cast.ClinicalSystem) -> None:
    place = place_of(ask(system))

    with time_machine.travel(timezone.now() + STALLED + timedelta(minutes=1)):
        tasks.sweep()
        system.sign_in()

        assert issues(system.get(place), 500)[0]["code"] == "exception"
        assert ask(system).status_code == 202


# Who may


def test_who_was_not_let_export_is_refused_at_every_address(
    gp_system: cast.ClinicalSystem, system: cast.ClinicalSystem, finish: Finish
) -> None:
    place = place_of(ask(system))
    finish()
    plain = cast.clinical_system(gp_system.organisation, scope=SCOPE)

    for path in (SYSTEM, PATIENT, GROUP.format(gp_system.organisation.pk), place):
        assert issues(ask(plain, path), 403)[0]["code"] == "forbidden"
    assert issues(plain.delete(place), 403)


def test_an_export_is_its_own_clients_only(
    system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    finish: Finish,
) -> None:
    steps.referred(system, person)
    place = place_of(ask(system))
    finish()
    absent = f"/fhir/R4/export/{uuid4()}"
    for stranger in (exporting(system.organisation), exporting(other_gp_system.organisation)):
        for end in ("", "/1.ndjson"):
            assert issues(stranger.get(place + end), 404) == issues(stranger.get(absent + end), 404)
        assert issues(stranger.delete(place), 404)
    assert system.get(place).status_code == 200
    assert issues(system.get("/fhir/R4/export/none"), 404)
    assert issues(system.get(f"{place}/99.ndjson"), 404)


def test_a_group_is_the_own_practices_only(
    system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem
) -> None:
    foreign = ask(system, GROUP.format(other_gp_system.organisation.pk))

    assert issues(foreign, 404) == issues(ask(system, GROUP.format(uuid4())), 404)
    [entry] = json.loads(system.get("/fhir/R4/Group?type=person").content)["entry"]
    check(entry["resource"])
    assert entry["resource"]["id"] == str(system.organisation.pk)
    assert "member" not in entry["resource"]
    assert system.get(f"/fhir/R4/Group/{system.organisation.pk}").status_code == 200
    assert issues(system.get(f"/fhir/R4/Group/{other_gp_system.organisation.pk}"), 404)


def test_types_that_the_token_does_not_cover_are_left_out_or_refused_when_named(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    steps.referred(system, person)
    narrow = exporting(system.organisation, scope="system/Patient.rs system/Task.r")

    [issue] = issues(ask(narrow, f"{SYSTEM}?_type=Patient,Task"), 403)

    assert "system/Task.rs" in issue["diagnostics"]
    assert set(exported(narrow, finish)) == {"Patient"}
    assert issues(ask(exporting(system.organisation, scope="system/Group.r")), 403)


def test_a_file_is_fetched_with_a_token_that_covers_its_type(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    steps.referred(system, person)
    place = place_of(ask(system))
    finish()
    system.scope = "system/Task.rs"
    system.sign_in()

    assert issues(system.get(f"{place}/1.ndjson"), 403)


@pytest.mark.parametrize("ended", ["right", "client", "scope"])
def test_a_right_that_ended_meanwhile_ends_the_export(
    system: cast.ClinicalSystem, person: Person, finish: Finish, ended: str
) -> None:
    steps.referred(system, person)
    ask(system)
    client = Client.objects.get(pk=system.client_id)
    if ended == "right":
        set_exporting(client_id=client.pk, may_export=False, at=timezone.now())
    elif ended == "client":
        switch_off(client_id=client.pk, at=timezone.now())
    else:
        Client.objects.update(scope="system/Patient.rs")

    finish()

    assert Export.objects.get().state == ExportState.FAILED
    assert not ExportFile.objects.exists()


def test_the_operator_lets_a_client_export_and_ends_it(
    gp_system: cast.ClinicalSystem, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(public_keys(gp_system.key)))
    out = StringIO()
    call_command(
        "register_client", "X", "--ods", cast.PRACTICE, "--jwks-file", keys, "--export", stdout=out
    )
    client = Client.objects.get(pk=json.loads(out.getvalue())["client_id"])
    assert client.may_export

    call_command("change_client", client.pk, "--no-export", stdout=out)
    client.refresh_from_db()
    assert not client.may_export

    call_command("change_client", client.pk, "--export", stdout=out)
    client.refresh_from_db()
    assert client.may_export
    assert "X may not export." in out.getvalue()


# Traces


def test_asking_fetching_and_deleting_are_in_the_audit(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    referral = steps.referred(system, person)
    place = place_of(ask(system))
    finish()
    system.get(f"{place}/1.ndjson")
    system.delete(place)

    own = Entry.objects.filter(actor=f"client/{system.client_id}")

    export = f"Export/{place.rpartition('/')[2]}"
    about = own.filter(target=export).order_by("pk").values_list("action", flat=True)
    assert list(about) == [Action.EXPORT_BEGUN, Action.EXPORT_READ, Action.EXPORT_REMOVED]
    for action, target in (
        (Action.PATIENT_READ, f"Patient/{referral.patient_id}"),
        (Action.REFERRAL_READ, f"ServiceRequest/{referral.pk}"),
    ):
        assert own.filter(action=action, target=target).exists()


def test_files_are_encrypted_where_they_lie(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    steps.referred(system, person)

    assert person.family_name in str(exported(system, finish))
    assert person.family_name not in stored_text()


def test_a_patient_who_was_referred_twice_comes_once(
    system: cast.ClinicalSystem, person: Person, finish: Finish
) -> None:
    for _ in range(2):
        steps.referred(system, person)

    found = exported(system, finish)

    assert (len(found["Patient"]), len(found["ServiceRequest"])) == (1, 2)
    assert Referral.objects.values("patient").distinct().count() == 1
