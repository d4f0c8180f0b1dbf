"""What the rules are tried on: a patient, a referral and its Task, each as the server answers with it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from config.fictional import Person
from tests import cast
from tests.api.answers import Answer
from tests.referrals import steps

Resource = dict[str, Any]
Get = Callable[..., Resource]


def body(answer: Answer, status: int = 200) -> Resource:
    """The resource in an answer."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == cast.FHIR_JSON
    read: Resource = json.loads(answer.content)
    return read


def new_patient(person: Person) -> Resource:
    """A Patient as a system would create it."""
    sent: Resource = cast.referral_for(person)["contained"][0]
    del sent["id"]
    return sent


@pytest.fixture
def get(gp_system: cast.ClinicalSystem) -> Get:
    """What stands at an address under /fhir/R4."""
    return lambda place, **headers: body(gp_system.get(f"/fhir/R4/{place}", **headers))


@pytest.fixture
def wide_system(gp_system: cast.ClinicalSystem) -> cast.ClinicalSystem:
    """Another system of the same practice, which may ask for everything."""
    return cast.clinical_system(gp_system.organisation, scope="system/*.cruds")


@pytest.fixture
def patient(gp_system: cast.ClinicalSystem, person: Person) -> Resource:
    """A patient just created."""
    return body(gp_system.post("/fhir/R4/Patient", new_patient(person)), 201)


@pytest.fixture
def referral(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, get: Get
) -> Resource:
    """The ServiceRequest of somebody who has been invited, at version 3."""
    return get(f"ServiceRequest/{steps.invited(gp_system, person, run_jobs).pk}")


@pytest.fixture
def task(referral: Resource, get: Get) -> Resource:
    """Its Task."""
    return get(f"Task/{referral['id']}")
