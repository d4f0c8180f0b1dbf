from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from audit import triggers


def install(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        triggers.install(cursor, schema_editor.connection.vendor)


def remove(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        triggers.remove(cursor, schema_editor.connection.vendor)


class Migration(migrations.Migration):
    """A later migration that changes these tables must install the triggers again: SQLite makes a new table."""

    dependencies = [
        ('audit', '0004_denied_access_and_whose_rows'),
    ]

    operations = [
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('position', models.BigIntegerField(primary_key=True, serialize=False)),
                ('entry', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='seal', to='audit.entry')),
                ('key_id', models.CharField(max_length=8)),
                ('mac', models.BinaryField(max_length=32)),
            ],
        ),
        migrations.RunPython(install, remove),
    ]
