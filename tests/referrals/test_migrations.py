"""What migrations do with rows that were there before."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from config.fictional import Person
from jobs.models import Job, JobState
from tests import cast
from tests.referrals import steps

pytestmark = pytest.mark.django_db


def test_jobs_that_wait_learn_whose_they_are(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs
) -> None:
    referral = steps.invited(gp_system, person, run_jobs)
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
