"""What does not start, what every statement is bounded by, and what stays up when the database is not fit to be used."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Organisation
from config import starting
from config.fictional import Person
from privacy.row_security import APPLICATION_ROLE
from tests import cast
from tests.api.answers import issues
from tests.architecture.tree import ROOT

LOGIN = "peer_test_login"


@pytest.fixture
def production(settings: Settings) -> Settings:
    """Settings that are fit for real people."""
    settings.DEBUG = settings.DEMO = False
    settings.SECRET_KEY = "k" * 50
    settings.PUBLIC_BASE_URL = "https://peer.example.nhs.uk"
    settings.ALLOWED_HOSTS = ["peer.example.nhs.uk"]
    return settings


def database_url(user: str = "") -> str:
    """The database of this test run."""
    told = connection.settings_dict
    name = quote(str(told["NAME"]))
    return f"postgres://{user or told['USER']}@{told['HOST']}:{told['PORT']}/{name}"


def start(**environment: str) -> "subprocess.CompletedProcess[str]":
    """Load the application as gunicorn does, then say what bounds its statements."""
    script = (
        "from config.wsgi import application\n"
        "from django.db import connection\n"
        "from django.test import Client\n"
        "print(Client().get('/health/live', headers={'Host': '127.0.0.1'}).status_code)\n"
        "print(Client().get('/health/ready', headers={'Host': '127.0.0.1'}).status_code)\n"
        "if connection.vendor == 'postgresql':\n"
        "    with connection.cursor() as cursor:\n"
        "        for name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',"
        " 'jit'):\n"
        "            cursor.execute(f'SHOW {name}')\n"
        "            print(*cursor.fetchone())\n"
    )
    return subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_that_are_fit_start(production: Settings) -> None:
    assert starting.faults_of_settings() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "k" * 49),
        ("PUBLIC_BASE_URL", "http://peer.example.nhs.uk"),
        ("ALLOWED_HOSTS", ["peer.example.nhs.uk", "*"]),
    ],
)
def test_an_unsafe_setting_is_named_in_a_sentence(
    production: Settings, name: str, value: object
) -> None:
    setattr(production, name, value)

    [sentence] = starting.faults_of_settings()

    assert sentence.startswith(name)
    assert sentence.endswith(".")
    production.DEMO = True
    assert starting.faults_of_settings() == []


def test_loopback_needs_no_https(production: Settings) -> None:
    production.PUBLIC_BASE_URL = "http://127.0.0.1:8000"

    assert starting.faults_of_settings() == []


def test_an_unsafe_start_ends_with_sentences_and_no_trace() -> None:
    done = start(SECRET_KEY="canary-3f9d", DATABASE_URL="sqlite:///:memory:")

    assert done.returncode == 1
    assert "SECRET_KEY must have at least 50 characters." in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary-3f9d" not in done.stderr


def test_without_a_database_it_starts_all_the_same() -> None:
    done = start(DATABASE_URL="postgres://nobody@127.0.0.1:9/none", DEMO="1")

    assert done.stdout.split()[:2] == ["200", "503"], done.stderr
    assert "looked at when it answers" in done.stderr


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="this limit is SQLite's")
def test_sqlite_is_refused_to_a_second_organisation(
    production: Settings, gp_system: cast.ClinicalSystem
) -> None:
    assert starting.faults_of_database(connection) == []
    cast.clinical_system(Organisation.objects.exclude(pk=gp_system.organisation.pk)[0])

    [sentence] = starting.faults_of_database(connection)

    assert sentence.startswith("SQLite serves one organisation.")
    production.DEMO = True
    assert starting.faults_of_database(connection) == []


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is its own")
def test_a_role_past_row_level_security_is_refused_even_for_a_demonstration() -> None:
    done = start(DATABASE_URL=database_url(), DEMO="1")

    assert done.returncode == 1
    assert f"can bypass row-level security, as {connection.settings_dict['USER']}." in done.stderr


@contextmanager
def login_role() -> Iterator[str]:
    """A role as a deployment makes one: it may log in, and is the application."""
    with psycopg.connect(database_url(), autocommit=True) as owner:
        owner.execute(f"DROP ROLE IF EXISTS {LOGIN}")
        owner.execute(f"CREATE ROLE {LOGIN} LOGIN IN ROLE {APPLICATION_ROLE}")
        try:
            yield LOGIN
        finally:
            owner.execute(f"DROP ROLE {LOGIN}")


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the limits are PostgreSQL's")
def test_the_application_s_own_role_starts_and_its_statements_are_bounded() -> None:
    with login_role() as user:
        done = start(DATABASE_URL=database_url(user), DEMO="1")

    assert done.stdout.split() == ["200", "200", "5s", "2s", "30s", "off"], done.stderr


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the lock is PostgreSQL's")
def test_a_sender_who_meets_a_lock_is_told_to_come_back(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.sign_in()
    gp_system.http.raise_request_exception = False
    starting.bound_statements(connection)
    try:
        with psycopg.connect(database_url()) as other:
            other.execute("LOCK TABLE referrals_referral IN ACCESS EXCLUSIVE MODE")
            locked = gp_system.refer(person)
    finally:
        connection.close()

    [issue] = issues(locked, 503)
    assert issue["code"] == "transient"
    assert locked["Retry-After"] == "5"
    assert gp_system.refer(person).status_code == 201
