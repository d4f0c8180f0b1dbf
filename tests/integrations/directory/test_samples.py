"""The sample feeds of Open Referral UK import with the outcome that is written down in samples.csv."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

from communities.models import FeedRow
from tests.integrations.directory.feeds import counts, run

pytestmark = pytest.mark.django_db

SAMPLES = Path(settings.BASE_DIR).parent / "shared" / "data" / "samples" / "openreferral-uk"
with (Path(__file__).parent / "samples.csv").open(encoding="utf-8", newline="") as file:
    TABLE = list(csv.DictReader(file))


def expected(feed: str, kind: str) -> dict[str, int]:
    """Line of the report, or path of problems → how many."""
    rows = [row for row in TABLE if (row["feed"], row["kind"]) == (feed, kind)]
    return {row["name"]: int(row["number"]) for row in rows}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the sample feeds are not here")
@pytest.mark.parametrize("feed", sorted({row["feed"] for row in TABLE}))
def test_a_sample_feed_imports_with_a_clear_report(feed: str) -> None:
    said, ends = run(SAMPLES / feed)

    paths = [line.split("  ")[2] for line in said.splitlines() if "  $." in line]
    assert counts(said) == expected(feed, "count")
    assert Counter(re.sub(r"\d+", "", path) for path in paths) == expected(feed, "problem")
    assert bool(ends) == bool(paths)
    assert not FeedRow.objects.exists()
