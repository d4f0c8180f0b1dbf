"""Whatever is sent: no fault of ours, every refusal under /fhir an OperationOutcome, nothing half written."""

from itertools import islice

import pytest
from django.test import Client
from pytest_django import Settings

from tests import cast
from tests.faults.from_openapi import fire_all
from tests.faults.fuzzing import Range, half_written

pytestmark = pytest.mark.django_db

SEED = 20261122


@pytest.fixture
def field(
    gp_system: cast.ClinicalSystem,
    community: cast.Community,
    commissioner: Client,
    settings: Settings,
) -> Range:
    """The whole product, with nobody told to slow down."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10**9)
    return Range(system=gp_system, community=community, browser=commissioner, seed=SEED)


def test_mutated_requests_are_answered_in_good_order(field: Range) -> None:
    for shot in islice(field.shots(), 500):
        field.fire(shot)

    assert field.score.faults == []
    assert half_written() == []
    assert field.score.statuses[201] > 10, "some must get through, or nothing deep is tried"
    assert len(field.score.statuses) > 8


def test_requests_made_from_openapi_are_answered_in_good_order(field: Range) -> None:
    fire_all(field.fire, each=4, number=SEED)

    assert field.score.faults == []
    assert half_written() == []
    assert field.score.requests > 60
