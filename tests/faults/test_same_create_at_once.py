"""One referral from fifty sides at the same moment, to four processes: one referral, and every side learns of it.

A short form; ``python -m scripts.same_create`` runs fifty rounds of each.
"""

import sys

import pytest

from scripts.same_create import SIDES, WAYS, race
from scripts.services import POSTGRES

ROUNDS = 3
# Beside the one 201: what a repeat is answered with.
AGAIN = {"identifier": 409, "Idempotency-Key": 201, "If-None-Exist": 200}

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("database", ["", POSTGRES.address], ids=["SQLite", "PostgreSQL"])
def test_the_same_create_from_fifty_sides_is_one_referral(database: str) -> None:
    if database and not POSTGRES.answers():
        pytest.skip(POSTGRES.without)

    results = list(race(database=database, rounds=ROUNDS))

    assert [result.way for result in results] == list(WAYS)
    for result in results:
        sys.stdout.write(f"{result.line}\n")
        assert result.referrals == [1] * ROUNDS, result.line
        assert result.rows == ROUNDS, result.line
        assert set(result.statuses) <= {201, AGAIN[result.way], 503}, result.line
        assert result.statuses.total() - result.statuses[503] == ROUNDS * SIDES
