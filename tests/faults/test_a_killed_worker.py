"""One process of a running product is killed: patients are still answered, and the work goes on by itself."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.journey import Journey
from scripts.outsiders import Browser
from scripts.processes import ProcessEnded, Processes, Restarts
from scripts.stack import Stack

pytestmark = pytest.mark.journey


def _kill(stack: Stack, name: str) -> None:
    process = stack.processes._running[name]
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def _look_until(restarts: Restarts, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not is_so():
        restarts.look()
        time.sleep(0.1)
    assert is_so()


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_what_was_killed_is_started_again_and_the_whole_way_works(name: str) -> None:
    said: list[str] = []
    with Stack() as stack:
        restarts = Restarts(stack.processes, say=said.append)
        _kill(stack, name)
        restarts.look()

        assert said == [f"The {name} process ended with code -9. It starts again in 1 s."]
        assert Browser(stack.base_url).get("/help/now").status == 200

        _look_until(restarts, lambda: not stack.processes.ended())
        Journey(stack).walk()

    assert len(said) == 1


def test_the_end_of_web_is_the_end_of_all() -> None:
    with Stack() as stack:
        restarts = Restarts(stack.processes, say=lambda _line: None)
        _kill(stack, "web")

        with pytest.raises(ProcessEnded, match="The web process ended with code -9"):
            restarts.look()


def test_the_delay_grows_to_half_a_minute() -> None:
    said: list[str] = []
    restarts = Restarts(Processes(environment={}), say=said.append)
    for _ in range(7):
        restarts._plan("worker", 1, time.monotonic())
        restarts._started["worker"] = time.monotonic()

    assert [line.rpartition(" in ")[2] for line in said] == [
        f"{seconds} s." for seconds in (1, 2, 4, 8, 16, 30, 30)
    ]


def test_a_worker_has_no_children_to_lose() -> None:
    with Stack() as stack:
        worker = stack.processes._running["worker"].pid
        children = Path(f"/proc/{worker}/task/{worker}/children")
        if not children.exists():
            pytest.skip("this system has no /proc")

        assert children.read_text(encoding="utf-8") == ""
