from typing import Any
from uuid import UUID, uuid5

from django.db import migrations

AREAS = UUID("b7d1c5d4-6f0a-4b1e-8a55-0c9f6f3e2d71")
NATIONS = ("UK", "England", "Scotland", "Wales", "Northern Ireland")


def fill(apps: Any, _schema_editor: Any) -> None:
    """The areas that loading makes, for a database that was loaded before there were any."""
    Area, Community, LocalAuthority = (
        apps.get_model("communities", name) for name in ("Area", "Community", "LocalAuthority")
    )
    boards = apps.get_model("accounts", "Organisation").objects.filter(kind="icb")
    if not LocalAuthority.objects.exists():
        return
    facts = [
        *((f"nation:{name}", name, None) for name in NATIONS),
        *((f"icb:{board.ods_code}", board.name, board.valid_to) for board in boards),
        *((f"lad:{row.pk}", row.name, None) for row in LocalAuthority.objects.all()),
    ]
    Area.objects.bulk_create(
        Area(id=uuid5(AREAS, place), place=place, name=name, valid_to=valid_to)
        for place, name, valid_to in facts
    )
    for community in Community.objects.all():
        community.areas.set(Area.objects.filter(place__in=community.coverage.split("|")))


class Migration(migrations.Migration):

    dependencies = [
        ("communities", "0002_areas_and_when_facts_changed"),
        ("accounts", "0005_organisations_say_when_they_changed"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
