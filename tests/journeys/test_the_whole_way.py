"""The whole way with the real processes, on every pair of database and broker that the product is made for."""

import os

import pytest

from scripts.journey import Journey
from scripts.services import POSTGRES, RABBITMQ, REDIS, Service
from scripts.stack import FILES, Stack

pytestmark = pytest.mark.journey


def _need(*services: Service) -> None:
    for service in services:
        if service.answers():
            continue
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"{service.name} does not answer, and REQUIRE_SERVICES=1 asks for it")
        pytest.skip(f"{service.name} does not answer")


def test_from_referral_to_figures_with_nothing_but_files() -> None:
    with Stack(broker=FILES) as stack:
        Journey(stack).walk()


@pytest.mark.parametrize("broker", [RABBITMQ, REDIS], ids=lambda service: service.name)
def test_from_referral_to_figures_on_postgresql(broker: Service) -> None:
    _need(POSTGRES, broker)

    with Stack(database=POSTGRES.address, broker=broker.address) as stack:
        Journey(stack).walk()
