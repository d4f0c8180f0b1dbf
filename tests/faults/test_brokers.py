"""The same with every broker: whatever becomes of it, of workers and of schedulers, each job is done, and done once."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.services import RABBITMQ, REDIS, Service
from scripts.stack import FILES
from tests.faults.harness import LONGEST, Harness, empty_database

pytestmark = pytest.mark.journey

MANY = 40  # of either kind: less than what the threads take on at one wake-up
WORKERS_THREADS = 2


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without a job."""
    return empty_database(tmp_path_factory.mktemp("empty"))


def _address(service: Service | None) -> str:
    if service is None:
        return FILES
    if not service.answers():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"{service.name} does not answer, and REQUIRE_SERVICES=1 asks for it")
        pytest.skip(f"{service.name} does not answer")
    return service.address


@pytest.fixture(
    params=[None, REDIS, RABBITMQ], ids=lambda broker: broker.name if broker else "files"
)
def harness(request: pytest.FixtureRequest, tmp_path: Path, database: Path) -> Iterator[Harness]:
    """Nothing runs in it yet."""
    with Harness(tmp_path, database=database, broker=_address(request.param)) as made:
        yield made


def _all(count: int) -> list[int]:
    return list(range(count))


def test_two_workers_and_two_schedulers_have_the_effects_of_one(harness: Harness) -> None:
    for name in ("first", "second"):
        harness.worker(name)
        harness.scheduler(f"scheduler-{name}")
    harness.write(MANY)

    harness.wait_until_done(2 * MANY)

    assert harness.effects() == harness.handed_over() == _all(MANY)


def test_nothing_is_lost_or_doubled_when_workers_are_told_to_end_or_killed(
    harness: Harness,
) -> None:
    harness.scheduler()
    told_to_end = harness.worker("told to end")
    harness.write(MANY)
    harness.wait_until(lambda: harness.states()["done"] >= MANY // 4)

    told_to_end.send_signal(signal.SIGTERM)

    assert told_to_end.wait(LONGEST) == 0
    left = harness.states()
    assert left["queued"] > MANY // 2
    assert left["running"] == 0
    assert len(harness.handed_over()) + len(harness.effects()) == left["done"]

    killed = harness.worker("killed")
    harness.wait_until(lambda: harness.states()["done"] >= left["done"] + MANY // 4)
    killed.kill()
    killed.wait()
    assert harness.states()["done"] < 2 * MANY
    harness.worker("last")
    harness.wait_until_done(2 * MANY)

    assert harness.effects() == _all(MANY)
    # A carrier knows a repeat by its reference; no more are repeated than the killed one had in hand.
    handed_over = harness.handed_over()
    assert sorted(set(handed_over)) == _all(MANY)
    assert len(handed_over) - MANY <= WORKERS_THREADS


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything, like a server that hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_what_was_written_down_while_the_broker_hung_or_forgot_is_done(
    harness: Harness, silent_port: int
) -> None:
    try:
        harness.write(5, **_away(harness, silent_port))
    except subprocess.TimeoutExpired:
        pytest.fail("whoever writes jobs down waits for the broker")
    harness.write(5)
    assert harness.wipe_queue() > 0
    assert harness.states() == {"queued": 20}

    harness.worker()
    harness.scheduler()
    harness.wait_until_done(20)

    assert harness.effects() == harness.handed_over() == sorted(_all(5) * 2)


def _away(harness: Harness, port: int) -> dict[str, str]:
    """Settings under which the broker cannot be reached."""
    scheme = harness.environment["CELERY_BROKER_URL"].partition(":")[0]
    if scheme == "filesystem":  # a folder that cannot be: there is a file
        return {"BROKER_FOLDER": harness.environment["DATABASE_URL"].removeprefix("sqlite:///")}
    return {"CELERY_BROKER_URL": f"{scheme}://127.0.0.1:{port}/"}
