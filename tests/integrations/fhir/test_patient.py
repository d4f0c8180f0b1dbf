"""What is read from a Patient, and what goes back."""

from datetime import date
from typing import Any

import pytest

from integrations.fhir import patient, wire
from tests.integrations.fhir import cast
from tests.integrations.fhir.cast import (
    BASE_URL,
    PATIENT_ID,
    a_patient,
    check,
    example,
    places,
    refusal,
)

NHS = "https://fhir.nhs.uk/Id/nhs-number"


def test_a_patient_is_read() -> None:
    new = patient.read(example("patient"))

    assert new.nhs_number == "9990000018"
    assert (new.given_name, new.family_name) == ("Rowan", "Testfield")
    assert (new.birth_date, new.gender) == (date(1984, 2, 29), "other")
    assert (new.phone, new.email) == ("07700 900001", "rowan@example.org")
    assert (new.postcode, new.language) == ("ZZ99 3WZ", "cy")
    assert new.is_deceased is False
    assert wire.parse(new.document.encode()) == example("patient")
    assert '"valueDecimal":0.40}' in new.document


def test_a_patient_of_whom_nothing_is_said_is_read() -> None:
    new = patient.read({"resourceType": "Patient"})

    assert new.birth_date is None
    assert (new.nhs_number, new.given_name, new.family_name, new.gender) == ("", "", "", "")
    assert (new.phone, new.email, new.postcode, new.language) == ("", "", "", "")


@pytest.mark.parametrize("partial", ["1984", "1984-02"])
def test_a_partial_birth_date_is_no_birth_date(partial: str) -> None:
    assert patient.read(a_patient(birthDate=partial)).birth_date is None


@pytest.mark.parametrize("elements", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026"}])
def test_a_deceased_patient_is_known_as_such(elements: dict[str, Any]) -> None:
    assert patient.read({"resourceType": "Patient"} | elements).is_deceased


# NHS numbers


@pytest.mark.parametrize(
    "system", [NHS, "http://fhir.nhs.uk/Id/nhs-number", "http://fhir.nhs.net/Id/nhs-number"]
)
def test_an_nhs_number_is_found_under_every_spelling_of_its_system(system: str) -> None:
    sent = a_patient(identifier=[{"value": "1"}, {"system": system, "value": "9990000018"}])

    assert patient.read(sent).nhs_number == "9990000018"


@pytest.mark.parametrize(
    "value",
    ["9990000019", "999 000 0018", "999-000-0018", " 9990000018", "9990000018\n", "999000001",
     "99900000180", "٩٩٩٠٠٠٠٠١٨", "ABCDEFGHIJ", "9991234560"],
)  # fmt: skip
def test_an_nhs_number_that_cannot_be_right_is_refused(value: str) -> None:
    sent = a_patient(identifier=[{"value": "1"}, {"system": NHS, "value": value}])

    refused = refusal(lambda: patient.read(sent))

    assert refused.status == 422
    assert places(refused.findings) == [("value", "Patient.identifier[1].value")]
    assert value.strip() not in str(refused)


def test_two_different_nhs_numbers_are_refused() -> None:
    numbers = [{"system": NHS, "value": v} for v in ("9990000018", "9990000018", "9990000026")]

    refused = refusal(lambda: patient.read(a_patient(identifier=numbers)))

    assert places(refused.findings) == [("business-rule", "Patient.identifier[2]")]


def test_an_old_nhs_number_and_one_without_a_value_are_passed_over() -> None:
    sent = a_patient(
        identifier=[
            {"system": NHS, "value": "9990000026", "use": "old"},
            {"system": NHS},
            {"system": NHS, "value": "9990000018"},
        ]
    )

    assert patient.read(sent).nhs_number == "9990000018"


def test_a_language_too_long_to_keep_is_refused_beside_other_faults() -> None:
    spoken = {"language": {"coding": [{"code": "x" * 21}]}, "preferred": True}
    sent = a_patient(identifier=[{"system": NHS, "value": "1"}], communication=[spoken])

    refused = refusal(lambda: patient.read(sent))

    assert places(refused.findings) == [
        ("too-long", "Patient.communication"),
        ("value", "Patient.identifier[0].value"),
    ]


# Which of several


@pytest.mark.parametrize(
    ("names", "family"),
    [
        ([{"use": "usual", "family": "U"}, {"use": "official", "family": "O"}], "O"),
        ([{"family": "N"}, {"use": "usual", "family": "U"}], "U"),
        ([{"use": "maiden", "family": "M"}, {"family": "N"}], "N"),
        ([{"use": "old", "family": "M"}], ""),
        ([{"use": "official", "text": "Only text"}, {"family": "N"}], "N"),
    ],
)
def test_the_official_name_comes_first_and_past_names_never(
    names: list[dict[str, Any]], family: str
) -> None:
    assert patient.read(a_patient(name=names)).family_name == family


@pytest.mark.parametrize(
    ("telecom", "phone"),
    [
        ([{"system": "phone", "value": "07700900001", "use": "old"}], ""),
        (
            [
                {"system": "phone", "value": "07700900001"},
                {"system": "phone", "value": "07700900002"},
            ],
            "07700900001",
        ),
        (
            [
                {"system": "phone", "value": "07700900001"},
                {"system": "phone", "value": "07700900002", "rank": 1},
            ],
            "07700900002",
        ),
        (
            [{"system": "fax", "value": "07700900001"}, {"system": "sms", "value": "07700900002"}],
            "07700900002",
        ),
        (
            [
                {"system": "phone", "value": "07700900001", "use": "work"},
                {"system": "phone", "value": "07700900002", "use": "home"},
                {"system": "phone", "value": "07700900003", "use": "mobile", "rank": 9},
            ],
            "07700900003",
        ),
    ],
)
def test_the_mobile_phone_comes_first_and_old_ones_never(
    telecom: list[dict[str, Any]], phone: str
) -> None:
    assert patient.read(a_patient(telecom=telecom)).phone == phone


def test_the_home_address_comes_first_and_old_ones_never() -> None:
    addresses = [
        {"use": "billing", "postalCode": "ZZ1 1AA"},
        {"use": "temp", "postalCode": "ZZ2 2BB"},
        {"use": "home", "postalCode": "ZZ3 3CC"},
    ]

    assert patient.read(a_patient(address=addresses)).postcode == "ZZ3 3CC"
    assert patient.read(a_patient(address=addresses[:2])).postcode == "ZZ2 2BB"
    assert patient.read(a_patient(address=addresses[:1])).postcode == ""


# Back


def test_a_patient_goes_back_as_received_under_our_id_and_version() -> None:
    row = cast.Patient(document=patient.read(example("patient")).document)

    rendered = patient.render(row, base_url=BASE_URL)

    assert rendered == example("patient") | {
        "id": str(PATIENT_ID),
        "meta": {
            "versionId": "2",
            "lastUpdated": "2026-11-22T09:30:00.120Z",
            "security": example("patient")["meta"]["security"],
        },
    }
    assert list(rendered)[:3] == ["resourceType", "id", "meta"]
    assert b'"valueDecimal":0.40}' in wire.dump(rendered)
    assert check(rendered) == []
