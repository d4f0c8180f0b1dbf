"""R4, RESTful API: create, update, patch, conditions, return preferences, batch and transaction."""

import json
from uuid import uuid4

import pytest
from django.conf import settings

from config.fictional import Person
from tests import cast
from tests.api.answers import Answer, issues, row_counts
from tests.conformance.conftest import Get, Resource, body, new_patient
from tests.integrations.fhir.cast import check

pytestmark = pytest.mark.django_db

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
OURS = {"resourceType", "id", "meta"}


def _put(gp_system: cast.ClinicalSystem, patient: Resource, **headers: str) -> Answer:
    return gp_system.put(f"/fhir/R4/Patient/{patient['id']}", patient, **headers)


# Create


def test_create_returns_201_with_the_location_of_the_version(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, create: 201, Location with id and version, ETag and Last-Modified."""
    answer = gp_system.post("/fhir/R4/Patient", new_patient(person))

    created = body(answer, 201)
    assert answer["Location"] == f"{BASE}/Patient/{created['id']}/_history/1"
    assert answer["ETag"] == 'W/"1"'
    assert answer["Last-Modified"]


def test_create_ignores_the_id_that_was_sent(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, create: an id, versionId or lastUpdated that was sent is replaced by the server's."""
    sent = new_patient(person) | {"id": "mine", "meta": {"versionId": "7"}}

    created = body(gp_system.post("/fhir/R4/Patient", sent), 201)

    assert created["id"] != "mine"
    assert created["meta"]["versionId"] == "1"


def test_create_keeps_the_content_as_it_was_sent(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, create: what a server does not own it does not change."""
    sent = new_patient(person) | {
        "extension": [{"url": "https://gp.example/note", "valueString": "kept"}]
    }

    created = body(gp_system.post("/fhir/R4/Patient", sent), 201)

    assert {n: v for n, v in created.items() if n not in OURS} == {
        n: v for n, v in sent.items() if n != "resourceType"
    }


def test_create_of_another_type_than_the_address_says_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, create: the type of the resource is that of the address."""
    answer = gp_system.post("/fhir/R4/ServiceRequest", new_patient(person))

    assert issues(answer, 400)


def test_create_of_what_is_no_json_is_400(gp_system: cast.ClinicalSystem) -> None:
    """R4 http, create: 400 for what cannot be parsed."""
    assert issues(gp_system.post("/fhir/R4/Patient", "{"), 400)


def test_create_of_what_breaks_a_rule_is_422(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, create: 422 for a profile or a business rule."""
    sent = cast.referral_for(person) | {"intent": "proposal"}

    assert issues(gp_system.post("/fhir/R4/ServiceRequest", sent), 422)


def test_create_in_a_format_that_is_not_read_is_415(gp_system: cast.ClinicalSystem) -> None:
    """R4 http, Content Types and encodings: 415."""
    answer = gp_system.post("/fhir/R4/Patient", "<Patient/>", Content_Type="application/fhir+xml")

    assert issues(answer, 415)


def test_a_refused_create_leaves_nothing_behind(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, create: what is refused is not stored."""
    gp_system.sign_in()
    before = row_counts()

    issues(gp_system.post("/fhir/R4/ServiceRequest", cast.referral_for(person) | {"code": {}}), 400)

    assert row_counts() == before


@pytest.mark.parametrize(
    ("preference", "kind"),
    [
        ("return=minimal", None),
        ("return=representation", "Patient"),
        ("return=OperationOutcome", "OperationOutcome"),
    ],
)
def test_prefer_return_says_what_comes_back(
    gp_system: cast.ClinicalSystem, person: Person, preference: str, kind: str | None
) -> None:
    """R4 http, Managing Return Content."""
    answer = gp_system.post("/fhir/R4/Patient", new_patient(person), Prefer=preference)

    assert answer.status_code == 201
    assert (json.loads(answer.content)["resourceType"] if answer.content else None) == kind


# Conditional create


@pytest.fixture
def condition(person: Person) -> str:
    """A condition that names the patient."""
    return f"identifier=https://fhir.nhs.uk/Id/nhs-number|{person.nhs_number}"


def test_conditional_create_without_a_match_creates(
    gp_system: cast.ClinicalSystem, person: Person, condition: str
) -> None:
    """R4 http, conditional create: no match, as a create."""
    answer = gp_system.post("/fhir/R4/Patient", new_patient(person), If_None_Exist=condition)

    assert answer.status_code == 201


def test_conditional_create_with_one_match_leaves_it_as_it_is(
    gp_system: cast.ClinicalSystem, patient: Resource, person: Person, condition: str
) -> None:
    """R4 http, conditional create: one match, nothing is done, 200."""
    changed = new_patient(person) | {"gender": "other"}

    answer = gp_system.post("/fhir/R4/Patient", changed, If_None_Exist=condition)

    assert body(answer, 200) == patient


def test_a_condition_that_is_not_supported_is_refused(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, conditional create: a server that cannot heed the condition must not create."""
    answer = gp_system.post("/fhir/R4/Patient", new_patient(person), If_None_Exist="name=x")

    assert issues(answer, 400)


# Update


def test_update_makes_a_new_version(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, update: 200, a new version, its ETag, and the id as it was."""
    answer = _put(gp_system, patient | {"language": "en"})

    updated = body(answer)
    assert (updated["id"], updated["meta"]["versionId"]) == (patient["id"], "2")
    assert answer["ETag"] == 'W/"2"'


def test_update_with_the_current_version_is_taken(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, Managing Resource Contention: If-Match with the current ETag."""
    assert _put(gp_system, patient, If_Match='W/"1"').status_code == 200


def test_update_with_an_older_version_is_412(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, Managing Resource Contention: 412 when the version does not match."""
    _put(gp_system, patient | {"language": "en"})

    assert issues(_put(gp_system, patient, If_Match='W/"1"'), 412)


@pytest.mark.parametrize("change", [{"id": "another"}, {"id": None}])
def test_update_whose_id_differs_from_the_address_is_400(
    gp_system: cast.ClinicalSystem, patient: Resource, change: Resource
) -> None:
    """R4 http, update: the resource has the id of the address, otherwise 400."""
    sent = {name: value for name, value in (patient | change).items() if value is not None}

    assert issues(gp_system.put(f"/fhir/R4/Patient/{patient['id']}", sent), 400)


def test_update_of_what_is_not_there_creates_nothing(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, update: a server that lets no client choose ids refuses, as updateCreate says."""
    [rest] = body(gp_system.get("/fhir/R4/metadata"))["rest"]
    stated = next(one for one in rest["resource"] if one["type"] == "Patient")

    assert stated["updateCreate"] is False
    assert issues(_put(gp_system, patient | {"id": str(uuid4())}), 404)


def test_update_ignores_the_version_that_was_sent(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, update: meta.versionId and meta.lastUpdated are the server's."""
    meta = {"versionId": "99", "lastUpdated": "2001-01-01T00:00:00Z"}
    sent = patient | {"language": "en", "meta": meta}

    updated = body(_put(gp_system, sent))

    assert updated["meta"]["versionId"] == "2"
    assert updated["meta"]["lastUpdated"] > patient["meta"]["lastUpdated"]


def test_no_update_is_lost_in_the_history(
    gp_system: cast.ClinicalSystem, patient: Resource, get: Get
) -> None:
    """R4 http, vread: earlier versions stay as they were."""
    _put(gp_system, patient | {"language": "en"})

    assert get(f"Patient/{patient['id']}/_history/1") == patient


# Patch


def test_patch_changes_what_it_names_and_nothing_else(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, patch: JSON Patch, answered as an update."""
    changes = [{"op": "replace", "path": "/gender", "value": "other"}]

    patched = body(gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", changes))

    assert patched["meta"]["versionId"] == "2"
    assert {n: v for n, v in patched.items() if n != "meta"} == {
        n: v for n, v in (patient | {"gender": "other"}).items() if n != "meta"
    }


def test_patch_is_all_or_nothing(
    gp_system: cast.ClinicalSystem, patient: Resource, get: Get
) -> None:
    """R4 http, patch: a patch that cannot be applied as a whole changes nothing (RFC 6902, 5)."""
    changes = [
        {"op": "replace", "path": "/gender", "value": "other"},
        {"op": "remove", "path": "/nothing"},
    ]

    assert issues(gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", changes), 422)
    assert get(f"Patient/{patient['id']}") == patient


def test_patch_heeds_if_match(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, patch: version aware as an update is."""
    answer = gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", [], If_Match='W/"9"')

    assert issues(answer, 412)


def test_patch_result_must_be_valid(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, patch: the result is checked as an update is."""
    changes = [{"op": "replace", "path": "/gender", "value": "blue"}]

    assert issues(gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", changes), 422)


def test_patch_in_another_format_is_415(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, patch: the stated patchFormat and no other."""
    place = f"/fhir/R4/Patient/{patient['id']}"

    assert issues(gp_system.patch(place, [], Content_Type="application/fhir+json"), 415)


# Batch and transaction


def _bundle(kind: str, *entries: tuple[str, str, Resource | None]) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {"request": {"method": method, "url": url}} | ({"resource": sent} if sent else {})
            for method, url, sent in entries
        ],
    }


def test_transaction_answers_in_the_order_of_its_entries(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    """R4 http, transaction: a transaction-response with one entry for each, in the same order."""
    sent = _bundle(
        "transaction",
        ("POST", "ServiceRequest", cast.referral_for(person)),
        ("GET", "Organization?_count=1", None),
    )

    answered = body(gp_system.post("/fhir/R4", sent))

    assert answered["type"] == "transaction-response"
    assert check(answered) == []
    first, second = (entry["response"] for entry in answered["entry"])
    assert (first["status"], second["status"]) == ("201 Created", "200 OK")
    assert first["location"].startswith(f"{BASE}/ServiceRequest/")


def test_transaction_is_all_or_nothing(gp_system: cast.ClinicalSystem, person: Person) -> None:
    """R4 http, transaction: one failure, and nothing is done."""
    gp_system.sign_in()
    bad = cast.referral_for(person) | {"status": "completed"}
    sent = _bundle(
        "transaction",
        ("POST", "Patient", new_patient(person)),
        ("POST", "ServiceRequest", bad),
    )
    before = row_counts()

    assert issues(gp_system.post("/fhir/R4", sent), 422)
    assert row_counts() == before


def test_transaction_resolves_references_between_its_entries(
    gp_system: cast.ClinicalSystem, person: Person, get: Get
) -> None:
    """R4 http, Transaction Processing Rules: references to a fullUrl become those of what was created."""
    url = uuid4().urn
    referral = cast.referral_for(person) | {"subject": {"reference": url}}
    del referral["contained"]
    sent = _bundle(
        "transaction",
        ("POST", "Patient", new_patient(person)),
        ("POST", "ServiceRequest", referral),
    )
    sent["entry"][0]["fullUrl"] = url

    answered = body(gp_system.post("/fhir/R4", sent))["entry"]

    patient_id = answered[0]["response"]["location"].split("/")[-3]
    request_id = answered[1]["response"]["location"].split("/")[-3]
    subject = get(f"ServiceRequest/{request_id}")["subject"]
    assert subject["reference"] == f"Patient/{patient_id}"


def test_batch_entries_stand_each_by_itself(gp_system: cast.ClinicalSystem, person: Person) -> None:
    """R4 http, batch: a failed entry does not touch the others; its response says why."""
    sent = _bundle(
        "batch",
        ("POST", "Patient", new_patient(person)),
        ("GET", f"Patient/{uuid4()}", None),
    )

    answered = body(gp_system.post("/fhir/R4", sent))

    assert answered["type"] == "batch-response"
    made, missing = (entry["response"] for entry in answered["entry"])
    assert (made["status"], missing["status"]) == ("201 Created", "404 Not Found")
    assert missing["outcome"]["resourceType"] == "OperationOutcome"


def test_a_bundle_of_another_type_is_refused_at_the_base(gp_system: cast.ClinicalSystem) -> None:
    """R4 http, transaction: only batch and transaction are processed."""
    sent = {"resourceType": "Bundle", "type": "collection"}

    assert issues(gp_system.post("/fhir/R4", sent), 422)
