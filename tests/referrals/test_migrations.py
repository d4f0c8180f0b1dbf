"""What migrations do with rows that were there before."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from config.fictional import Person
from jobs.models import Job, JobState
from referrals.models import PatientVersion, Referral, StatusChange
from tests import application_role, cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


def test_jobs_that_wait_learn_whose_they_are(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    Job.objects.filter(kind="tell").delete()  # which came later than the migration
    waiting = Job.objects.filter(state=JobState.QUEUED)
    kinds = set(Job.objects.values_list("kind", flat=True))
    Job.objects.update(
        tenant_id=None, destination="", state=JobState.QUEUED, ended_at=None, lease=None
    )

    import_module("referrals.migrations.0006_waiting_jobs_learn_whose_they_are").fill(
        apps, connection
    )

    assert kinds == {"match", "invite", "hand-over", "end-link"}
    assert set(waiting.values_list("tenant_id", flat=True)) == {referral.practice_id}
    outward = waiting.exclude(destination="").values_list("kind", "destination")
    assert list(outward) == [("hand-over", "messenger")]


def test_every_version_that_was_there_gets_the_document_of_its_referral(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
    steps.joined(referral, tells_practice=False)
    was = (referral.told_at, referral.issued_at, referral.documents.get().text)
    patient = referral.patient.document
    _go_back_before_documents()

    import_module("referrals.migrations.0008_every_version_gets_its_document").fill(
        apps, connection.schema_editor()
    )

    referral.refresh_from_db()
    document = referral.documents.get()
    assert (referral.told_at, referral.issued_at, document.text) == was
    assert document.received_at == referral.received_at
    shown = StatusChange.objects.filter(task_document__isnull=True).values_list("request_document")
    assert list(shown) == [(document.pk,)] * 4
    version = PatientVersion.objects.get()
    assert (version.patient, version.version, version.document) == (referral.patient, 1, patient)
    assert version.at == referral.patient.updated_at


def _go_back_before_documents() -> None:
    """As it was: the document in the referral's own row, nothing of versions. The test's transaction ends that."""
    connection.check_constraints()  # PostgreSQL alters no table while some are still to be checked
    application_role.take_off()
    with connection.cursor() as cursor:
        for statement in (
            "ALTER TABLE referrals_referral ADD COLUMN document text NOT NULL DEFAULT ''",
            """UPDATE referrals_referral SET document = (SELECT text FROM referrals_referraldocument d
               WHERE d.referral_id = referrals_referral.id)""",
            "DELETE FROM referrals_referraldocument",
            "DELETE FROM referrals_patientversion",
        ):
            cursor.execute(statement)
    Referral.objects.update(told_at="2000-01-01T00:00Z", issued_at="2000-01-01T00:00Z")
    application_role.put_on()
