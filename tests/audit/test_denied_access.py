"""Denied access leaves a trace, and only of those who have a valid token."""

from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Organisation, User
from audit.models import Action, Entry
from config.fictional import Person
from tests import cast
from tests.api.answers import row_counts
from tests.referrals import steps

pytestmark = pytest.mark.django_db


def denied() -> list[Entry]:
    return list(Entry.objects.filter(action=Action.ACCESS_DENIED).order_by("pk"))


@pytest.mark.parametrize("name", ["ServiceRequest", "Task"])
def test_a_read_of_another_practices_referral_is_recorded_once(
    gp_system: cast.ClinicalSystem,
    other_gp_system: cast.ClinicalSystem,
    person: Person,
    name: str,
) -> None:
    referral = steps.referred(gp_system, person)

    answer = other_gp_system.get(f"/fhir/R4/{name}/{referral.pk}")

    assert answer.status_code == 404
    [entry] = denied()
    assert entry.actor == f"client/{other_gp_system.client_id}"
    assert entry.organisation_id == entry.tenant_id == other_gp_system.organisation.pk
    assert entry.target == f"{name}/{referral.pk}"
    assert entry.detail["status"] == 404


def test_what_is_foreign_and_what_is_absent_leave_the_same_trace(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient_id = steps.referred(gp_system, person).patient_id
    for asked in (patient_id, uuid4()):
        other_gp_system.get(f"/fhir/R4/Patient/{asked}")

    foreign, absent = denied()

    assert foreign.detail == absent.detail == {"status": 404, "address": "fhir-Patient-instance"}


@pytest.mark.parametrize("asked", ["Mrs-Jane-Doe", "9990000018", "x" * 500])
def test_what_is_no_id_is_not_written_down(gp_system: cast.ClinicalSystem, asked: str) -> None:
    gp_system.get(f"/fhir/R4/Patient/{asked}")

    [entry] = denied()
    assert entry.target == ""
    assert asked not in str(entry.detail)


def test_what_the_token_does_not_cover_is_recorded_and_nothing_else_is(person: Person) -> None:
    practice = Organisation.objects.get(ods_code=cast.PRACTICE)
    system = cast.clinical_system(practice, scope="system/Task.r")
    system.sign_in()
    before = row_counts()

    answer = system.refer(person)

    assert answer.status_code == 403
    assert row_counts() == {**before, "audit_entry": before["audit_entry"] + 1}
    [entry] = denied()
    assert entry.detail == {"status": 403, "address": "fhir-ServiceRequest-collection"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer unknown"}])
def test_whoever_has_no_valid_token_writes_nothing(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    before = row_counts()

    answer = Client().get(f"/fhir/R4/ServiceRequest/{uuid4()}", headers=headers)

    assert answer.status_code == 401
    assert row_counts() == before
    assert "Unauthorized" in caplog.text


def test_an_address_that_is_not_served_is_no_denial(gp_system: cast.ClinicalSystem) -> None:
    assert gp_system.get(f"/fhir/R4/Observation/{uuid4()}").status_code == 404
    assert denied() == []


def test_a_search_for_what_is_foreign_or_absent_is_recorded_alike(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    asked = [steps.referred(gp_system, person).pk, uuid4()]
    for referral_id in asked:
        answer = other_gp_system.get(f"/fhir/R4/Task?focus=ServiceRequest/{referral_id}")
        assert answer.json()["total"] == 0

    entries = denied()

    assert [entry.target for entry in entries] == [f"ServiceRequest/{pk}" for pk in asked]
    for entry in entries:
        assert entry.actor == f"client/{other_gp_system.client_id}"
        assert entry.organisation_id == entry.tenant_id == other_gp_system.organisation.pk
        assert entry.detail == {"status": 200, "address": "fhir-Task-collection"}


def test_a_search_of_the_audit_for_what_is_foreign_or_absent_is_recorded_alike(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    organisation = other_gp_system.organisation
    auditor = cast.clinical_system(organisation, scope="system/AuditEvent.rs")
    asked = [steps.referred(gp_system, person).patient_id, uuid4()]
    for patient_id in asked:
        answer = auditor.get(f"/fhir/R4/AuditEvent?entity=Patient/{patient_id}")
        assert answer.json()["total"] == 0

    entries = denied()

    assert [entry.target for entry in entries] == [f"Patient/{pk}" for pk in asked]
    for entry in entries:
        assert entry.actor == f"client/{auditor.client_id}"
        assert entry.organisation_id == entry.tenant_id == organisation.pk
        assert entry.detail == {"status": 200, "address": "fhir-AuditEvent-collection"}


def test_a_search_that_finds_something_is_no_denial(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    referral = steps.referred(gp_system, person)
    auditor = cast.clinical_system(gp_system.organisation, scope="system/AuditEvent.rs")

    gp_system.get(f"/fhir/R4/Task?focus=ServiceRequest/{referral.pk}")
    auditor.get(f"/fhir/R4/AuditEvent?entity=ServiceRequest/{referral.pk}")
    auditor.get(f"/fhir/R4/AuditEvent?entity=ServiceRequest/{referral.pk}&before=1")

    assert denied() == []


def test_a_search_for_what_is_no_id_asks_for_nobody(gp_system: cast.ClinicalSystem) -> None:
    gp_system.get("/fhir/R4/Task?focus=ServiceRequest/Mrs-Jane-Doe")

    assert list(denied()) == []


FIGURES = {
    "/commissioner/": "commissioner-funnel",
    "/api/measures/funnel": "api-funnel",
    "/api/measures/funnel.csv": "commissioner-funnel-csv",
}


@pytest.mark.parametrize("path", FIGURES)
def test_figures_of_a_foreign_and_of_an_absent_board_leave_the_same_trace(
    commissioner: Client, path: str
) -> None:
    user = User.objects.get(email__startswith=cast.ICB.lower())
    for asked in (cast.OTHER_ICB, "QQQ", "x" * 500):
        assert commissioner.get(path, {"icb": asked}).status_code == 404

    entries = denied()

    assert len(entries) == 3
    for entry in entries:
        assert entry.actor == f"commissioner/{user.pk}"
        assert entry.organisation_id == Organisation.objects.get(ods_code=cast.ICB).pk
        assert entry.target == ""
        assert entry.detail == {"status": 404, "address": FIGURES[path]}


@pytest.mark.parametrize("path", FIGURES)
def test_ones_own_figures_are_no_denial(commissioner: Client, path: str) -> None:
    for asked in ({}, {"icb": ""}, {"icb": cast.ICB}):
        assert commissioner.get(path, asked).status_code == 200

    assert denied() == []


@pytest.mark.parametrize("path", FIGURES)
def test_whoever_is_not_signed_in_writes_nothing(stranger: Client, path: str) -> None:
    before = row_counts()

    assert stranger.get(path, {"icb": cast.ICB}).status_code in {302, 401}

    assert row_counts() == before


def test_whoever_has_no_board_is_denied_the_figures_in_nobodys_name(stranger: Client) -> None:
    user = User.objects.create_user("nobody@example.org", "a long password")
    stranger.force_login(user)

    assert stranger.get("/api/measures/funnel", {"icb": cast.ICB}).status_code == 404

    [entry] = denied()
    assert (entry.actor, entry.organisation_id) == (f"commissioner/{user.pk}", None)
