"""Fixtures that every test may ask for: the reference data, the cast, the background jobs and the messages."""

import gc
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django.utils.timezone import localdate
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import Organisation
from accounts.registering import make_host_key
from communities.loading import DATA, load_directory, load_reference
from communities.models import Community as Listing
from communities.models import Condition
from config.fictional import Person, people
from jobs import queue
from tests import application_role, cast, facts, standing


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end: the garbage collector need not look through it again."""
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The reference facts and the demonstration's directory, loaded once and seen by every test."""
    with django_db_blocker.unblock():
        _load()
        facts.keep()
        application_role.take()


def _load() -> None:
    load_reference(at=timezone.now())
    for table, is_fictional in (("communities.csv", False), ("fictional.csv", True)):
        load_directory(
            DATA / "demo" / table,
            is_fictional=is_fictional,
            # Long before and after: tests that move the clock still find the communities listed.
            reviewed_on=date(2020, 1, 1),
            review_due=localdate() + timedelta(days=3650),
            reviewed_by="The tests",
            at=timezone.now(),
        )


@pytest.fixture(autouse=True)
def _own_surroundings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written into the project, and nothing waits on a strong password hash."""
    # A broker that an earlier test could not reach is asked again.
    monkeypatch.setattr(queue, "_quiet_until", 0.0)
    for name, value in standing.surroundings(tmp_path).items():
        setattr(settings, name, value)
    cache.clear()  # what other tests asked for is not counted


@pytest.fixture(autouse=True)
def _database_is_ready(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that needs the database meets it as the product does: under the application's role, with the facts there.

    A test with real transactions empties every table when it ends: then the facts are put back for the next one.
    """
    mark = request.node.get_closest_marker("django_db")
    is_transactional = bool(mark and mark.kwargs.get("transaction"))
    if not mark and "db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db" if is_transactional else "db")
    if is_transactional and not Condition.objects.exists():
        application_role.take_off()
        facts.put_back()
    application_role.put_on()
    yield
    if is_transactional:
        application_role.take_off()


@pytest.fixture
def gp_system(db: None) -> cast.ClinicalSystem:
    """The clinical system of a practice in North East London."""
    return cast.clinical_system(Organisation.objects.get(ods_code=cast.PRACTICE))


@pytest.fixture
def other_gp_system(db: None) -> cast.ClinicalSystem:
    """The clinical system of a practice elsewhere, which must never see what is not its own."""
    practices = Organisation.objects.filter(kind="practice", icb__ods_code=cast.OTHER_ICB)
    return cast.clinical_system(practices.order_by("ods_code")[0])


@pytest.fixture
def community(db: None) -> cast.Community:
    """The software of the fictional host whose communities fit most referrals here."""
    host = Listing.objects.select_related("host").get(key="f001").host
    return cast.Community(make_host_key(host=host, at=timezone.now()))


@pytest.fixture
def commissioner(db: None) -> Client:
    """A browser in which a commissioner of the practice's ICB is signed in."""
    return cast.commissioner_of(cast.ICB)


@pytest.fixture
def other_icb(db: None) -> Client:
    """A browser in which a commissioner of another ICB is signed in."""
    return cast.commissioner_of(cast.OTHER_ICB)


@pytest.fixture
def patient_browser() -> Client:
    """The browser of a patient, with nothing in it yet."""
    return Client()


@pytest.fixture
def stranger() -> Client:
    """A browser that has no business here."""
    return Client()


@pytest.fixture
def person() -> Person:
    """Somebody fictional to refer."""
    return next(people(seed=1))


@pytest.fixture
def run_jobs(db: None) -> cast.RunJobs:
    """Works through the due jobs, and those that follow from them, in this process. Says how many."""
    return cast.run_jobs


@pytest.fixture
def messages(_own_surroundings: None, settings: Settings) -> cast.Messages:
    """The messages handed over so far, oldest first."""

    def read() -> list[dict[str, Any]]:
        files = Path(settings.MESSAGES_FOLDER).glob("*.json")
        oldest_first = sorted(files, key=lambda file: file.stat().st_mtime_ns)
        return [json.loads(file.read_text(encoding="utf-8")) for file in oldest_first]

    return read
