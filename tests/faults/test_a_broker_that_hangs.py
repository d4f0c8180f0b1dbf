"""The broker takes connections and says nothing: referrals are answered all the same and done when it is back."""

import socket
import time

import pytest

from scripts.journey import Journey
from scripts.processes import Processes
from scripts.stack import FILES, Stack

pytestmark = pytest.mark.journey


def test_referrals_are_answered_and_done_when_the_broker_is_back() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as hangs:
        broker = f"redis://127.0.0.1:{hangs.getsockname()[1]}/"
        with Stack(settings={"CELERY_BROKER_URL": broker}) as stack:
            journey = Journey(stack)
            journey._refer(journey._register_and_sign_in())  # fails unless it is answered with 201
            assert stack.messages() == []

            again = Processes(environment={**stack.environment, "CELERY_BROKER_URL": FILES})
            try:
                again.start_background()
                _wait_for_message(stack)
            finally:
                again.kill()


def _wait_for_message(stack: Stack) -> None:
    deadline = time.monotonic() + 20
    while not stack.messages() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(stack.messages()) == 1
