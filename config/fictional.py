"""Fictional people and what a clinical system would send for them: for the demonstration, the journeys and the tests.

NHS numbers begin with 999, which is never given out; telephone numbers are those that Ofcom keeps for drama.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

DEPRESSION = "35489007"

_GIVEN = {
    "female": (
        "Amara",
        "Bethan",
        "Chipo",
        "Dilys",
        "Farah",
        "Grace",
        "Hina",
        "Ines",
        "Joan",
        "Keiko",
    ),
    "male": (
        "Arun",
        "Bashir",
        "Callum",
        "Dmitri",
        "Emeka",
        "Finn",
        "Gareth",
        "Haruto",
        "Idris",
        "Jakub",
    ),
}
_FAMILY = (
    "Example",
    "Sample",
    "Specimen",
    "Fictional",
    "Madeup",
    "Testcase",
    "Notreal",
    "Invented",
)
_YOUNGEST_BORN = date(2000, 12, 31)
_DAYS_OF_BIRTH = 50 * 365


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who does not exist."""

    given_name: str
    family_name: str
    gender: str
    birth_date: date
    nhs_number: str
    phone: str


def people(seed: int) -> Iterator[Person]:
    """Adults without end, each with an NHS number of their own; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311  (not a secret)
    used: set[str] = set()
    while True:
        nhs_number = _nhs_number(chance)
        if not nhs_number or nhs_number in used:
            continue
        used.add(nhs_number)
        gender = chance.choice(("female", "male"))
        yield Person(
            given_name=chance.choice(_GIVEN[gender]),
            family_name=chance.choice(_FAMILY),
            gender=gender,
            birth_date=_YOUNGEST_BORN - timedelta(days=chance.randrange(_DAYS_OF_BIRTH)),
            nhs_number=nhs_number,
            phone=f"07700 900{chance.randrange(1000):03}",
        )


def _nhs_number(chance: random.Random) -> str:
    """A number beginning 999 with its modulus 11 check digit, or "" where none exists."""
    first_nine = f"999{chance.randrange(1_000_000):06}"
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(first_nine))
    check_digit = (11 - total % 11) % 11
    return "" if check_digit == 10 else f"{first_nine}{check_digit}"


def patient_resource(person: Person) -> dict[str, Any]:
    """The person as a FHIR Patient."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": person.nhs_number}],
        "name": [{"use": "official", "family": person.family_name, "given": [person.given_name]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "mobile"}],
        "gender": person.gender,
        "birthDate": person.birth_date.isoformat(),
    }


def referral_resource(
    *,
    base_url: str,
    identifier: str,
    subject: dict[str, Any],
    snomed_code: str = DEPRESSION,
    contained: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A FHIR ServiceRequest for peer support. ``base_url`` is the service's, ``identifier`` the sender's own."""
    resource = {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "https://gp.example/referral", "value": identifier}],
        "status": "active",
        "intent": "order",
        "code": {
            "coding": [
                {"system": f"{base_url}/fhir/R4/CodeSystem/referral-type", "code": "peer-support"}
            ]
        },
        "subject": subject,
        "reasonCode": [{"coding": [{"system": "http://snomed.info/sct", "code": snomed_code}]}],
    }
    return {**resource, "contained": contained} if contained else resource


def referral_of(
    person: Person, *, base_url: str, identifier: str, snomed_code: str = DEPRESSION
) -> dict[str, Any]:
    """A ServiceRequest that carries the person inside itself."""
    return referral_resource(
        base_url=base_url,
        identifier=identifier,
        subject={"reference": "#patient"},
        snomed_code=snomed_code,
        contained=[{**patient_resource(person), "id": "patient"}],
    )
