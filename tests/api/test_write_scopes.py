"""Scopes of what is written: a token covers each type that a request writes, wherever in it that stands."""

import json
from typing import Any

import pytest

from config.fictional import Person
from referrals.models import Patient, Referral
from tests import cast
from tests.api.answers import issues
from tests.api.test_entries import fulfilling, may

pytestmark = pytest.mark.django_db

Resource = dict[str, Any]


def _task(person: Person) -> Resource:
    """A Task with the referral and its patient inside."""
    sent = cast.referral_for(person)
    contained = [{**sent, "id": "sr"}, *sent.pop("contained")]
    contained[0].pop("contained")
    task = fulfilling("#sr", "#p") | {"contained": contained}
    del task["for"]
    return task


@pytest.mark.parametrize(
    ("scope", "resource_type", "missing"),
    [
        ("system/ServiceRequest.c", "ServiceRequest", "system/Patient.c"),
        ("system/Task.c system/Patient.c", "Task", "system/ServiceRequest.c"),
        ("system/Task.c system/ServiceRequest.c", "Task", "system/Patient.c"),
    ],
)
def test_what_is_brought_along_needs_a_scope_of_its_own(
    gp_system: cast.ClinicalSystem, person: Person, scope: str, resource_type: str, missing: str
) -> None:
    may(gp_system, scope)
    sent = cast.referral_for(person) if resource_type == "ServiceRequest" else _task(person)

    [issue] = issues(gp_system.post(f"/fhir/R4/{resource_type}", sent), 403)

    assert f"{missing} is needed" in issue["diagnostics"]
    assert not Referral.objects.exists()
    assert not Patient.objects.exists()


@pytest.mark.parametrize("resource_type", ["ServiceRequest", "Task"])
def test_with_every_scope_it_is_written(
    gp_system: cast.ClinicalSystem, person: Person, resource_type: str
) -> None:
    may(gp_system, "system/Task.c system/ServiceRequest.c system/Patient.c")
    sent = cast.referral_for(person) if resource_type == "ServiceRequest" else _task(person)

    assert gp_system.post(f"/fhir/R4/{resource_type}", sent).status_code == 201


def test_a_referral_of_a_known_patient_needs_its_own_scope_alone(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.refer(person)
    may(gp_system, "system/ServiceRequest.c")
    gp_system.sign_in()
    sent = cast.referral_for(person)
    del sent["contained"]
    sent["subject"] = {"reference": f"Patient/{Patient.objects.get().pk}"}

    assert gp_system.post("/fhir/R4/ServiceRequest", sent).status_code == 201


@pytest.mark.parametrize(
    ("status", "change", "answered"),
    [
        ("active", {"gender": "other"}, 403),
        ("active", {}, 200),
        ("revoked", {"gender": "other"}, 200),
    ],
)
def test_a_correction_that_changes_the_patient_inside_needs_the_scope_of_an_update(
    gp_system: cast.ClinicalSystem, person: Person, status: str, change: Resource, answered: int
) -> None:
    created = json.loads(gp_system.refer(person).content)
    may(gp_system, "system/ServiceRequest.u")
    gp_system.sign_in()
    created["contained"][0] |= change

    answer = gp_system.put(f"/fhir/R4/ServiceRequest/{created['id']}", created | {"status": status})

    assert answer.status_code == answered, answer.content
    assert Patient.objects.get().version == 1
