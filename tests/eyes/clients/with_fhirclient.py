"""fhirclient (SMART): signs in as a backend service, reads everything through its own strict models."""

from functools import partial
from typing import Any

from fhirclient.auth import FHIRAuth  # type: ignore[import-not-found]
from fhirclient.client import FHIRClient  # type: ignore[import-not-found]
from fhirclient.models.annotation import Annotation  # type: ignore[import-not-found]
from fhirclient.models.bundle import Bundle  # type: ignore[import-not-found]
from fhirclient.models.operationoutcome import OperationOutcome  # type: ignore[import-not-found]
from fhirclient.models.patient import Patient  # type: ignore[import-not-found]
from fhirclient.models.servicerequest import ServiceRequest  # type: ignore[import-not-found]
from fhirclient.models.task import Task  # type: ignore[import-not-found]
from requests import HTTPError

from tests.eyes.clients.errand import Errand, given, refused, say, wait_for


def main() -> None:
    """The whole errand. Raises at the first step that does not go as FHIR says."""
    errand = given()
    server = signs_in(errand)
    patients = creates_patients(server, errand)
    ids = refers(server, errand, patients)
    follows_the_tasks(server, ids)
    reads_and_searches(server, errand, patients, ids)
    updates(server, ids[0])
    reads_history(server, ids[0])
    validates(server, errand, patients[0])
    withdraws(server, ids[0])


def signs_in(errand: Errand) -> Any:
    """Reads what the server is and where it gives tokens, then gets one with its signed assertion."""
    settings = {"app_id": errand.client_id, "api_base": errand.fhir, "scope": errand.scope}
    client = FHIRClient({**settings, "jwt_token": errand.assertion})
    client.wants_patient = False
    server = client.server
    assert server.capabilityStatement.fhirVersion == "4.0.1"
    smart = server.request_json(".well-known/smart-configuration")
    # It looks for the token endpoint in the CapabilityStatement, where SMART 2 no longer puts it.
    state = {"app_id": errand.client_id, "token_uri": smart["token_endpoint"]}
    server.auth = FHIRAuth.create("oauth2", {**state, "jwt_token": errand.assertion})
    client.authorize()
    assert client.ready
    say("discovers and signs in")
    return server


def creates_patients(server: Any, errand: Errand) -> list[str]:
    """A Patient for each that is to be referred; their references."""
    made = [Patient(patient).create(server) for patient in errand.patients]
    read = [Patient.read(patient["id"], server) for patient in made]
    assert [patient.birthDate.isostring for patient in read] == [
        patient["birthDate"] for patient in errand.patients
    ]
    say("creates patients")
    return [patient.relativePath() for patient in read]


def refers(server: Any, errand: Errand, patients: list[str]) -> list[str]:
    """A referral for each patient; their ids."""
    ids = []
    for patient, content in zip(patients, errand.referrals, strict=True):
        referral = ServiceRequest({**content, "subject": {"reference": patient}})
        ids.append(referral.create(server)["id"])
    say("refers")
    return ids


def reads_and_searches(server: Any, errand: Errand, patients: list[str], ids: list[str]) -> None:
    """By id, by version, by patient in the address and in a form, page by page, with what they refer to."""
    assert ServiceRequest.read(ids[0], server).status == "active"
    first = ServiceRequest.read_from(f"ServiceRequest/{ids[0]}/_history/1", server)
    assert first.meta.versionId == "1"
    of_patient = ServiceRequest.where({"subject": patients[0]})
    assert [found.id for found in of_patient.perform_resources_iter(server)] == [ids[0]]
    assert [found["id"] for found in searched_by_form(server, {"subject": patients[0]})] == [ids[0]]
    own = [referral["identifier"][0] for referral in errand.referrals]
    both = ",".join(f"{identifier['system']}|{identifier['value']}" for identifier in own)
    pages = list(ServiceRequest.where({"identifier": both, "_count": "1"}).perform_iter(server))
    assert {entry.resource.id for page in pages for entry in page.entry or []} == set(ids)
    assert len([page for page in pages if page.entry]) == len(ids)
    with_patient = ServiceRequest.where({"_id": ids[0]}).include("subject")
    modes = [
        entry.search.mode for page in with_patient.perform_iter(server) for entry in page.entry
    ]
    assert modes == ["match", "include"]
    say("reads, searches and pages")


def searched_by_form(server: Any, form: dict[str, str]) -> list[dict[str, Any]]:
    """The matches of a search by POST, so that nothing of it stands in an address."""

    def signed(request: Any) -> Any:
        request.headers = server.auth.signed_headers(request.headers)
        return request

    address = f"{server.base_uri}ServiceRequest/_search"
    found = Bundle(server.post_as_form(address, form, auth=signed).json()).as_json()
    return [entry["resource"] for entry in found.get("entry", [])]


def follows_the_tasks(server: Any, ids: list[str]) -> None:
    """Until the patients are invited; from then on nothing moves by itself while pages are turned."""
    for referral_id in ids:
        wait_for("the invitation", partial(is_invited, server, referral_id))
    say("follows the tasks")


def is_invited(server: Any, referral_id: str) -> bool:
    """Whether the referral's Task says so."""
    task = task_of(server, referral_id)
    return bool(task.businessStatus.coding[0].code == "invitation-sent")


def task_of(server: Any, referral_id: str) -> Any:
    """The one Task that fulfils the referral."""
    search = Task.where({"focus": f"ServiceRequest/{referral_id}"})
    [task] = search.perform_resources_iter(server)
    return task


def updates(server: Any, referral_id: str) -> None:
    """With If-Match; a version that is no longer the newest is refused."""
    referral = ServiceRequest.read(referral_id, server)
    referral.note = [Annotation({"text": "Please call in the morning."})]
    server.session.headers["If-Match"] = f'W/"{referral.meta.versionId}"'
    updated = ServiceRequest(referral.update(server))
    assert int(updated.meta.versionId) > int(referral.meta.versionId)
    assert updated.note[0].text == referral.note[0].text
    answer = refused(HTTPError, lambda: referral.update(server)).response
    assert answer.status_code == 412
    assert OperationOutcome(answer.json()).issue
    del server.session.headers["If-Match"]
    say("updates, and is stopped from overwriting")


def reads_history(server: Any, referral_id: str) -> None:
    """Newest first, one entry for each version."""
    history = Bundle.read_from(f"ServiceRequest/{referral_id}/_history", server)
    versions = [int(entry.resource.meta.versionId) for entry in history.entry]
    assert history.type == "history"
    assert versions == sorted(versions, reverse=True)
    assert versions[-1] == 1
    say("reads the history")


def validates(server: Any, errand: Errand, patient: str) -> None:
    """A right referral has no fault, a wrong one has."""
    right = ServiceRequest({**errand.referrals[0], "subject": {"reference": patient}}).as_json()
    assert not faults_in(server, right)
    assert faults_in(server, {**right, "status": "bogus"})
    say("validates")


def faults_in(server: Any, resource: dict[str, Any]) -> list[str]:
    """What the server says is wrong with a resource."""
    answer = server.post_json("ServiceRequest/$validate", resource)
    issues = OperationOutcome(answer.json()).issue
    return [issue.code for issue in issues if issue.severity in {"fatal", "error"}]


def withdraws(server: Any, referral_id: str) -> None:
    """The referral is revoked by its sender; its Task is cancelled with it."""
    referral = ServiceRequest.read(referral_id, server)
    referral.status = "revoked"
    assert referral.update(server)["status"] == "revoked"
    assert task_of(server, referral_id).status == "cancelled"
    say("withdraws")


if __name__ == "__main__":
    main()
