"""What migrations do with a directory that was there before."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from communities.loading import DATA, rows
from communities.models import Area, Community

pytestmark = pytest.mark.django_db


def _serves() -> dict[str, set[str]]:
    rows = Community.objects.prefetch_related("areas")
    return {row.key: {area.place for area in row.areas.all()} for row in rows}


def test_what_was_listed_before_gets_the_areas_that_loading_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    demo = [row for name in ("communities", "fictional") for row in rows(DATA / f"demo/{name}.csv")]
    written = {row["id"]: row["coverage"] for row in demo}
    column = property(lambda community: written[community.key])
    monkeypatch.setattr(Community, "coverage", column, raising=False)  # as the table was then
    areas, serves = set(Area.objects.values_list("id", "place", "name", "valid_to")), _serves()
    for community in Community.objects.all():
        community.areas.clear()
    Area.objects.all().delete()

    import_module("communities.migrations.0003_what_is_listed_gets_its_areas").fill(
        apps, connection
    )

    assert set(Area.objects.values_list("id", "place", "name", "valid_to")) == areas
    assert _serves() == serves
    assert serves["c001"] == {"nation:UK"}
