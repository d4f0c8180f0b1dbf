"""fhirpy: writes as application/json, creates conditionally by POST with parameters, follows links, counts by _count=0."""

from functools import partial
from typing import Any

from fhirpy import SyncFHIRClient  # type: ignore[import-not-found]
from fhirpy.base.exceptions import (  # type: ignore[import-not-found]
    MultipleResourcesFound,
    OperationOutcome,
)

from tests.eyes.clients.errand import Errand, given, refused, say, wait_for


def main() -> None:
    """The whole errand. Raises at the first step that does not go as FHIR says."""
    errand = given()
    client = connected(errand)
    discovers(client)
    patients = creates_patients(client, errand)
    referrals = refers(client, errand, patients)
    follows_the_tasks(client, referrals)
    reads_and_searches(client, patients, referrals)
    counts(errand, patients[0])
    updates(client, errand, referrals[0])
    patches_in_vain(client, referrals[0])
    reads_history(client, referrals[0])
    validates(client, errand, patients[0])
    withdraws(client, referrals[0])


def connected(errand: Errand, **headers: str) -> Any:
    """A client with the token; ``headers`` go with each of its requests, underscores being hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SyncFHIRClient(
        errand.fhir, authorization=f"Bearer {errand.token}", extra_headers=named or None
    )


def discovers(client: Any) -> None:
    """What the server is, and where it gives tokens."""
    statement = client.execute("metadata", "get")
    assert statement.fhirVersion == "4.0.1"
    assert "ServiceRequest" in {resource.type for resource in statement.rest[0].resource}
    smart = client.execute(".well-known/smart-configuration", "get")
    assert "private_key_jwt" in smart.token_endpoint_auth_methods_supported
    say("discovers")


def creates_patients(client: Any, errand: Errand) -> list[Any]:
    """A Patient for each that is to be referred."""
    patients = [client.resource("Patient", **patient).save() for patient in errand.patients]
    assert all(patient.id and patient["meta"]["versionId"] == "1" for patient in patients)
    say("creates patients")
    return patients


def refers(client: Any, errand: Errand, patients: list[Any]) -> list[Any]:
    """Each once, although one is sent twice."""
    referrals = []
    for patient, content in zip(patients, errand.referrals, strict=True):
        resource = client.resource(
            "ServiceRequest", **{**content, "subject": patient.to_reference()}
        )
        named = client.resources("ServiceRequest").search(identifier=identifier_of(content))
        referral, is_new = named.get_or_create(resource)
        assert is_new
        again, is_new = named.get_or_create(resource)
        assert (again.id, is_new) == (referral.id, False)
        referrals.append(referral)
    say("refers, each once")
    return referrals


def identifier_of(content: dict[str, Any]) -> str:
    """The sender's own identifier as a token to search for."""
    identifier = content["identifier"][0]
    return f"{identifier['system']}|{identifier['value']}"


def reads_and_searches(client: Any, patients: list[Any], referrals: list[Any]) -> None:
    """By id, by version, by patient, page by page, and with what they refer to."""
    referral = referrals[0]
    read = client.reference("ServiceRequest", referral.id).to_resource()
    assert read["identifier"] == referral["identifier"]
    version = client.execute(f"{referral.reference}/_history/1", "get")
    assert version["meta"]["versionId"] == "1"
    every = client.resources("ServiceRequest")
    assert every.search(patient=patients[0].reference).get().id == referral.id
    both = every.search(identifier=",".join(identifier_of(each) for each in referrals))
    assert {each.id for each in both.limit(1).fetch_all()} == {each.id for each in referrals}
    found = every.search(_id=referral.id).include("ServiceRequest", "subject").fetch_raw()
    assert [entry.search.mode for entry in found.entry] == ["match", "include"]
    say("reads, searches and pages")


def counts(errand: Errand, patient: Any) -> None:
    """Only their number. It sends a parameter of its own for that, which a lenient search leaves out."""
    lenient = connected(errand, Prefer="handling=lenient")
    assert lenient.resources("ServiceRequest").search(patient=patient.reference).count() == 1
    say("counts")


def follows_the_tasks(client: Any, referrals: list[Any]) -> None:
    """Until the patients are invited; from then on nothing moves by itself while pages are turned."""
    for referral in referrals:
        wait_for("the invitation", partial(is_invited, client, referral))
    say("follows the tasks")


def is_invited(client: Any, referral: Any) -> bool:
    """Whether the referral's Task says so."""
    task = task_of(client, referral)
    return bool(task["businessStatus"]["coding"][0]["code"] == "invitation-sent")


def task_of(client: Any, referral: Any) -> Any:
    """The one Task that fulfils the referral."""
    return client.resources("Task").search(focus=referral.reference).get()


def updates(client: Any, errand: Errand, referral: Any) -> None:
    """With If-Match; a version that is no longer the newest is refused."""
    referral.refresh()
    seen = referral["meta"]["versionId"]
    careful = connected(errand, If_Match=f'W/"{seen}"')
    changed = {**referral.serialize(), "note": [{"text": "Please call in the morning."}]}
    updated = careful.resource("ServiceRequest", **changed).save()
    assert int(updated["meta"]["versionId"]) > int(seen)
    # What fhirpy calls every 412.
    refused(MultipleResourcesFound, careful.resource("ServiceRequest", **changed).save)
    say("updates, and is stopped from overwriting")


def patches_in_vain(client: Any, referral: Any) -> None:
    """It sends a part of the resource as application/json, which is no patch format of FHIR: refused, nothing changed."""
    before = client.reference("ServiceRequest", referral.id).to_resource()
    refusal = refused(
        OperationOutcome, lambda: client.patch("ServiceRequest", referral.id, priority="urgent")
    )
    assert refusal.resource["issue"]
    after = client.reference("ServiceRequest", referral.id).to_resource()
    assert after.get("priority") == before.get("priority")
    say("is told that its patch is none")


def reads_history(client: Any, referral: Any) -> None:
    """Newest first, one entry for each version."""
    history = client.execute(f"{referral.reference}/_history", "get")
    versions = [int(entry.resource["meta"]["versionId"]) for entry in history.entry]
    assert history.type == "history"
    assert versions == sorted(versions, reverse=True)
    assert versions[-1] == 1
    say("reads the history")


def validates(client: Any, errand: Errand, patient: Any) -> None:
    """A right referral has no fault, a wrong one has."""
    right = {**errand.referrals[0], "subject": patient.to_reference()}
    assert client.resource("ServiceRequest", **right).is_valid()
    assert not client.resource("ServiceRequest", **{**right, "status": "bogus"}).is_valid()
    say("validates")


def withdraws(client: Any, referral: Any) -> None:
    """The referral is revoked by its sender; its Task is cancelled with it."""
    referral.refresh()
    referral["status"] = "revoked"
    referral.save()
    assert referral["status"] == "revoked"
    assert task_of(client, referral)["status"] == "cancelled"
    say("withdraws")


if __name__ == "__main__":
    main()
