"""What Prometheus is told: numbers that are right, for those who may have them, made of nothing that anybody sent."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from config.fictional import Person
from jobs.models import Circuit, Destination, Job, JobKind
from tests import cast
from tests.architecture.tree import ROOT

pytestmark = pytest.mark.django_db


def told(**headers: str) -> dict[tuple[str, ...], float]:
    """Every sample: its name, then the values of its labels by their names' alphabet."""
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_waits_in_the_database_is_counted() -> None:
    now = timezone.now()
    Job.objects.create(
        kind=JobKind.MATCH, created_at=now, run_at=now - timedelta(seconds=90), tenant_id=uuid4()
    )
    Job.objects.create(kind=JobKind.INVITE, state="dead", created_at=now, run_at=now, ended_at=now)
    Circuit.objects.create(
        destination=Destination.MESSENGER, failures=5, open_until=now + timedelta(minutes=1)
    )

    found = told()

    assert found["peer_database_up",] == 1
    assert found["peer_jobs", "match", "queued"] == 1
    assert found["peer_jobs", "invite", "dead"] == 1
    assert 90 <= found["peer_jobs_oldest_due_seconds",] < 120
    assert found["peer_open_circuits", "messenger"] == 1


def test_referrals_of_every_practice_are_counted_by_status(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    for system in (gp_system, other_gp_system):
        assert system.refer(person).status_code == 201

    assert told()["peer_referrals", "received-by-service"] == 2


def test_an_answer_is_counted_under_the_name_of_its_address(
    gp_system: cast.ClinicalSystem,
) -> None:
    sample = ("peer_http_requests_total", "GET", "fhir-Patient-instance", "4xx")
    gp_system.get(f"/fhir/R4/Patient/{uuid4()}")
    before = told()
    for _ in range(3):
        gp_system.get(f"/fhir/R4/Patient/{uuid4()}")

    after = told()

    assert after[sample] - before[sample] == 3
    assert after["peer_http_request_seconds_count", "GET", "fhir-Patient-instance"] >= 4


def test_nothing_that_was_sent_becomes_a_label() -> None:
    browser = Client()
    for path in ("/r/canary3f9d", "/canary3f9d", "/fhir/R4/canary3f9d?x=canary3f9d"):
        browser.get(path)
    browser.generic("CANARY3F9D", "/")

    text = Client().get("/metrics").content.decode()

    assert "canary3f9d" not in text.lower()
    assert 'method="other"' in text


def test_without_a_database_the_requests_are_still_told() -> None:
    def refuse(*_statement: object) -> None:
        raise OperationalError("database is locked")

    Client().get("/health/live")
    with connection.execute_wrapper(refuse):
        found = told()

    assert found["peer_database_up",] == 0
    assert found["peer_http_requests_total", "GET", "health-live", "2xx"] >= 1


def test_a_token_is_asked_for_where_one_is_set(settings: Settings) -> None:
    settings.METRICS_TOKEN = "a long token"

    answers = [
        Client().get("/metrics", headers=headers).status_code
        for headers in (
            {},
            {"Authorization": "Bearer another"},
            {"Authorization": "a long token"},
            {"Authorization": "Bearer a long token"},
        )
    ]

    assert answers == [403, 403, 403, 200]


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.7", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"Authorization": "Bearer "}),
    ],
)
def test_without_a_token_only_this_machine_may_ask(address: str, headers: dict[str, str]) -> None:
    answer = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)

    is_local = address == "127.0.0.1" and "Authorization" in headers
    assert answer.status_code == (200 if is_local else 403)


def test_the_counts_of_several_processes_are_added_up(tmp_path: Path) -> None:
    """Two processes answer once each; a third one, which has answered nothing, tells of both."""
    script = (
        "import sys, django; django.setup()\n"
        "from django.test import Client\n"
        "print(Client().get(sys.argv[1], headers={'Host': '127.0.0.1'}).content.decode())"
    )
    shared = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    shared["DATABASE_URL"] = f"sqlite:///{tmp_path / 'none.sqlite3'}"
    printed = ""
    for path in ("/health/live", "/health/live", "/metrics"):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-W", "ignore", "-c", script, path],
            cwd=ROOT, env=shared, capture_output=True, text=True, check=True,
        )  # fmt: skip
        printed = done.stdout

    line = r'peer_http_requests_total\{method="GET",route="health-live",status="2xx"\} (\S+)'
    found = re.search(line, printed)
    assert found
    assert float(found[1]) == 2
