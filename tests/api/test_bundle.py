"""Transactions: several patients and referrals together, or nothing at all."""

import json
from collections.abc import Callable
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from config.fictional import Person, patient_resource, people, referral_resource
from jobs.models import Job, JobKind
from referrals.models import Patient, Referral, ReferralIdentifier
from tests import cast
from tests.api.answers import issues, places, row_counts

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"

Resource = dict[str, Any]
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"

pytestmark = pytest.mark.django_db


@pytest.fixture
def persons() -> list[Person]:
    return list(islice(people(seed=11), 5))


def urn() -> str:
    """A fullUrl for what has no address yet."""
    return f"urn:uuid:{uuid4()}"


def entry(resource: Resource, full_url: str = "") -> Resource:
    """An entry that asks to create the resource."""
    name = resource["resourceType"]
    named = {"fullUrl": full_url} if full_url else {}
    return {**named, "resource": resource, "request": {"method": "POST", "url": name}}


def referral_to(reference: str, **more: Any) -> Resource:
    """A ServiceRequest whose patient is elsewhere in the Bundle."""
    made = referral_resource(
        base_url=settings.PUBLIC_BASE_URL,
        identifier=uuid4().hex,
        subject={"reference": reference},
    )
    return {**made, **more}


def pair(person: Person) -> list[Resource]:
    """A patient and the referral of that patient."""
    patient = urn()
    return [entry(patient_resource(person), patient), entry(referral_to(patient), urn())]


def bundle(*entries: Resource, kind: str = "transaction") -> Resource:
    """A Bundle."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def test_a_patient_and_a_referral_are_created_together(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    answer = gp_system.post("/fhir/R4", bundle(*pair(persons[0])))

    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == cast.FHIR_JSON
    made = json.loads(answer.content)
    assert (made["resourceType"], made["type"]) == ("Bundle", "transaction-response")
    patient, referral = Patient.objects.get(), Referral.objects.get()
    assert referral.patient == patient
    assert [one["response"]["status"] for one in made["entry"]] == ["201 Created"] * 2
    assert [one["response"]["location"] for one in made["entry"]] == [
        f"{BASE}/Patient/{patient.pk}/_history/1",
        f"{BASE}/ServiceRequest/{referral.pk}/_history/1",
    ]
    for one in made["entry"]:
        path = one["response"]["location"].removeprefix(settings.PUBLIC_BASE_URL)
        assert gp_system.get(path).status_code == 200
    assert [one["response"]["etag"] for one in made["entry"]] == ['W/"1"'] * 2
    assert Job.objects.get(kind=JobKind.MATCH).payload == {"referral_id": str(referral.pk)}
    read = json.loads(gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}").content)
    assert read["subject"] == {"reference": f"Patient/{patient.pk}"}


def test_the_base_address_may_end_in_a_slash(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    assert gp_system.post("/fhir/R4/", bundle(*pair(persons[0]))).status_code == 200


def test_the_answer_is_in_the_order_sent_even_when_patients_come_last(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    pairs = [pair(person) for person in persons]
    referrals = [of_referral for _, of_referral in pairs]
    patients = [of_patient for of_patient, _ in reversed(pairs)]

    answer = gp_system.post("/fhir/R4", bundle(*referrals, *patients))

    assert answer.status_code == 200, answer.content
    places_made = [
        one["response"]["location"].removeprefix(f"{BASE}/").split("/")
        for one in json.loads(answer.content)["entry"]
    ]
    assert [place[0] for place in places_made] == ["ServiceRequest"] * 5 + ["Patient"] * 5
    for place, person in zip(places_made[:5], persons, strict=True):
        assert Referral.objects.get(pk=place[1]).patient.nhs_number == person.nhs_number
    for place, person in zip(places_made[5:], reversed(persons), strict=True):
        assert Patient.objects.get(pk=place[1]).nhs_number == person.nhs_number


def test_two_referrals_may_be_of_one_patient(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    of_patient, of_referral = pair(persons[0])
    second = entry(referral_to(of_patient["fullUrl"]), urn())

    answer = gp_system.post("/fhir/R4", bundle(of_referral, of_patient, second))

    assert answer.status_code == 200, answer.content
    assert Patient.objects.count() == 1
    assert Referral.objects.count() == 2


def test_an_entry_may_be_known_by_an_absolute_address(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    patient = entry(patient_resource(persons[0]), "https://gp.example/fhir/Patient/7")
    referral = entry(referral_to("Patient/7"), "https://gp.example/fhir/ServiceRequest/8")

    answer = gp_system.post("/fhir/R4", bundle(patient, referral))

    assert answer.status_code == 200, answer.content
    assert Referral.objects.get().patient.nhs_number == persons[0].nhs_number


def test_a_transaction_may_hold_only_patients_or_a_referral_of_a_known_one(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    made = gp_system.post("/fhir/R4", bundle(entry(patient_resource(persons[0]))))
    patient = Patient.objects.get()

    answer = gp_system.post("/fhir/R4", bundle(entry(referral_to(f"Patient/{patient.pk}"))))

    assert (made.status_code, answer.status_code) == (200, 200)
    assert Referral.objects.get().patient == patient


def test_a_patient_already_known_is_brought_up_to_date(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    gp_system.post("/fhir/R4", bundle(*pair(persons[0])))

    changed = pair(persons[0])
    changed[0]["resource"]["maritalStatus"] = {"text": "Not said"}
    answer = gp_system.post("/fhir/R4", bundle(*changed))

    [of_patient, _] = json.loads(answer.content)["entry"]
    assert of_patient["response"]["etag"] == 'W/"2"'
    assert Patient.objects.count() == 1


def test_the_number_of_queries_grows_with_the_entries_only(
    gp_system: cast.ClinicalSystem,
    persons: list[Person],
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    entries = [one for person in persons for one in pair(person)]
    gp_system.sign_in()

    with django_assert_max_num_queries(10 + 40 * len(persons)):
        assert gp_system.post("/fhir/R4", bundle(*entries)).status_code == 200


# All or nothing

Spoil = Callable[[Resource, Resource], object]

# What is wrong with the last pair → status, code, place within that pair ("0" patient, "1" referral).
SPOILT: dict[str, tuple[Spoil, int, str, int, str]] = {
    "an unknown element": (
        lambda patient, _: patient["resource"].update(colour="red"),
        400,
        "structure",
        0,
        "resource.colour",
    ),
    "a wrong check digit": (
        lambda patient, _: patient["resource"]["identifier"][0].update(value="9990000001"),
        422,
        "value",
        0,
        "resource.identifier[0].value",
    ),
    "no date of birth": (
        lambda patient, _: patient["resource"].pop("birthDate"),
        422,
        "required",
        0,
        "resource.birthDate",
    ),
    "deceased": (
        lambda patient, _: patient["resource"].update(deceasedBoolean=True),
        422,
        "business-rule",
        0,
        "resource.deceased",
    ),
    "an ended referral": (
        lambda _, referral: referral["resource"].update(status="completed"),
        422,
        "business-rule",
        1,
        "resource.status",
    ),
    "an unknown condition": (
        lambda _, referral: referral["resource"]["reasonCode"][0]["coding"][0].update(
            code="271737000"
        ),
        422,
        "not-supported",
        1,
        "resource.reasonCode",
    ),
    "a patient of nowhere": (
        lambda _, referral: referral["resource"].update(subject={"reference": urn()}),
        422,
        "not-found",
        1,
        "resource.subject.reference",
    ),
    "an unknown patient": (
        lambda _, referral: referral["resource"].update(
            subject={"reference": f"Patient/{uuid4()}"}
        ),
        422,
        "not-found",
        1,
        "resource.subject",
    ),
    "another requester": (
        lambda _, referral: referral["resource"].update(
            requester={
                "identifier": {
                    "system": "https://fhir.nhs.uk/Id/ods-organization-code",
                    "value": "A81001",
                }
            }
        ),
        422,
        "business-rule",
        1,
        "resource.requester",
    ),
    "another method": (
        lambda _, referral: referral["request"].update(method="PUT"),
        422,
        "not-supported",
        1,
        "request",
    ),
    "another address": (
        lambda _, referral: referral["request"].update(url="Patient"),
        422,
        "not-supported",
        1,
        "request",
    ),
    "a condition of creating": (
        lambda _, referral: referral["request"].update(ifNoneExist="identifier=x"),
        422,
        "not-supported",
        1,
        "request.ifNoneExist",
    ),
    "a condition on the patient's number": (
        lambda _, referral: referral["request"].update(
            ifNoneExist=f"identifier={NHS_NUMBER}|9990000018"
        ),
        422,
        "not-supported",
        1,
        "request.ifNoneExist",
    ),
    "the patient's number as the referral's": (
        lambda patient, referral: referral["resource"].update(
            identifier=patient["resource"]["identifier"]
        ),
        422,
        "business-rule",
        1,
        "resource.identifier[0]",
    ),
    "a type that is not taken": (
        lambda _, referral: referral.update(
            resource={"resourceType": "Basic", "code": {"text": "x"}}
        ),
        422,
        "not-supported",
        1,
        "resource",
    ),
    "a reference into nowhere": (
        lambda _, referral: referral["resource"].update(encounter={"reference": urn()}),
        422,
        "not-found",
        1,
        "resource.encounter.reference",
    ),
    "a deceased patient inside": (
        lambda _, referral: referral["resource"].update(
            subject={"reference": "#p"},
            contained=[{"resourceType": "Patient", "id": "p", "deceasedBoolean": True}],
        ),
        422,
        "business-rule",
        1,
        "resource.subject.resolve().deceased",
    ),
}


@pytest.mark.parametrize(
    ("spoil", "status", "code", "offset", "place"), SPOILT.values(), ids=SPOILT
)
def test_one_bad_entry_stops_them_all_and_is_named(
    gp_system: cast.ClinicalSystem,
    persons: list[Person],
    spoil: Spoil,
    status: int,
    code: str,
    offset: int,
    place: str,
) -> None:
    entries = [one for person in persons[:3] for one in pair(person)]
    spoil(*entries[-2:])
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4", bundle(*entries))

    found = issues(answer, status)
    assert (code, f"Bundle.entry[{4 + offset}].{place}") in places(found)
    assert {issue["expression"][0].split(".")[1] for issue in found} == {f"entry[{4 + offset}]"}
    assert row_counts() == before
    for person in persons:
        assert person.nhs_number not in answer.content.decode()


def test_a_referral_that_is_known_already_stops_them_all_and_is_named(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    known = entry(cast.referral_for(persons[0]))
    gp_system.post("/fhir/R4", bundle(known))
    before = row_counts()

    answer = gp_system.post("/fhir/R4", bundle(*pair(persons[1]), known))

    # The sender of a 409 duplicate may take all as done, and here it is not.
    assert answer.status_code in (409, 422), answer.content
    [issue] = issues(answer, answer.status_code)
    assert issue["code"] != "duplicate"
    assert issue["expression"] == ["Bundle.entry[2].resource.identifier"]
    assert row_counts() == before


def test_a_transaction_sent_again_is_a_duplicate(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    sent = bundle(*pair(persons[0]))
    gp_system.post("/fhir/R4", sent)
    before = row_counts()

    answer = gp_system.post("/fhir/R4", sent)

    [issue] = issues(answer, 409)
    assert issue["code"] == "duplicate"
    assert issue["expression"] == ["Bundle.entry[1].resource.identifier"]
    assert answer["Location"] == f"{BASE}/ServiceRequest/{Referral.objects.get().pk}"
    assert row_counts() == before


def test_an_identifier_given_twice_in_one_transaction_is_no_duplicate_of_what_was_not_written(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    referral = cast.referral_for(persons[0])
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4", bundle(entry(referral), entry(referral)))

    [issue] = issues(answer, 422)
    assert issue["expression"] == ["Bundle.entry[1].resource.identifier"]
    assert not answer.has_header("Location")
    assert row_counts() == before
    assert not ReferralIdentifier.objects.exists()


# The Bundle itself


@pytest.mark.parametrize(
    "kind", ["collection", "document", "message", "searchset", "history", "batch-response"]
)
def test_only_transactions_and_batches_are_taken(
    gp_system: cast.ClinicalSystem, persons: list[Person], kind: str
) -> None:
    gp_system.sign_in()
    before = row_counts()

    answer = gp_system.post("/fhir/R4", bundle(*pair(persons[0]), kind=kind))

    assert ("not-supported", "Bundle.type") in places(issues(answer, 422))
    assert row_counts() == before


def test_a_fullurl_given_twice_is_refused(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    first, second = pair(persons[0]), pair(persons[1])
    second[0]["fullUrl"] = first[0]["fullUrl"]

    answer = gp_system.post("/fhir/R4", bundle(*first, *second))

    assert ("invariant", "Bundle.entry[2].fullUrl") in places(issues(answer, 422))
    assert not Patient.objects.exists()


def test_an_empty_transaction_is_refused(gp_system: cast.ClinicalSystem) -> None:
    nothing = {"resourceType": "Bundle", "type": "transaction"}

    assert places(issues(gp_system.post("/fhir/R4", nothing), 422)) == {
        ("required", "Bundle.entry")
    }
    issues(gp_system.post("/fhir/R4", {**nothing, "entry": []}), 400)


def test_more_than_a_hundred_entries_are_too_many(gp_system: cast.ClinicalSystem) -> None:
    patients = [entry(patient_resource(person)) for person in islice(people(seed=5), 101)]

    answer = gp_system.post("/fhir/R4", bundle(*patients))

    assert places(issues(answer, 422)) == {("too-costly", "Bundle.entry")}
    assert not Patient.objects.exists()


def test_the_subject_of_one_entry_may_not_be_another_referral(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    first, second = urn(), urn()
    entries = [entry(referral_to(second), first), entry(referral_to(first), second)]

    answer = gp_system.post("/fhir/R4", bundle(*entries))

    issues(answer, 422)
    assert not Referral.objects.exists()
    assert persons


def test_a_resource_that_is_no_bundle_is_refused(
    gp_system: cast.ClinicalSystem, persons: list[Person]
) -> None:
    answer = gp_system.post("/fhir/R4", patient_resource(persons[0]))

    assert places(issues(answer, 400)) == {("invalid", "Bundle")}
