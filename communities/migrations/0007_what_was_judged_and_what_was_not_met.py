import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("communities", "0006_capacity_and_reservations")]

    operations = [
        migrations.CreateModel(
            name="JudgedFacts",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("facts", models.JSONField()),
                ("community", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="communities.community")),
            ],
        ),
        migrations.CreateModel(
            name="UnmetNeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("icb_ods", models.CharField(blank=True, max_length=10)),
                ("lad_code", models.CharField(blank=True, max_length=9)),
                ("language", models.CharField(blank=True, max_length=8)),
                ("month", models.DateField()),
                ("number", models.PositiveIntegerField(default=0)),
                ("condition", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="communities.condition")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("condition", "icb_ods", "lad_code", "language", "month"), name="unmet_need_once"),
                    models.CheckConstraint(condition=models.Q(("month__day", 1)), name="unmet_need_by_month"),
                ],
            },
        ),
    ]
