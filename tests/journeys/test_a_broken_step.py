"""The journey is worth something only if it fails when the product does: here it is made to."""

from collections.abc import Iterator

import pytest

from scripts.journey import Journey, JourneyFailed
from scripts.stack import Stack

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


def test_a_wrong_signing_secret_fails_the_community_s_step(stack: Stack) -> None:
    stack.logins["host_secret"] = "whsec_" + "A" * 43 + "="

    with pytest.raises(JourneyFailed) as failed:
        Journey(stack).walk()

    assert failed.value.step.startswith("The community reports a visit")
    assert failed.value.expected == "status 202"


def test_without_a_worker_no_message_arrives(stack: Stack) -> None:
    stack.processes.kill("worker")

    with pytest.raises(JourneyFailed) as failed:
        Journey(stack, patience=1.0).walk()

    assert failed.value.step.startswith("The patient is matched in the background")
