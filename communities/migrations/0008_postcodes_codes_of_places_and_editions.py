import django.db.models.deletion
from django.db import migrations, models

import communities.models.places


class Migration(migrations.Migration):

    dependencies = [
        ('communities', '0007_what_was_judged_and_what_was_not_met'),
    ]

    operations = [
        migrations.AddField(
            model_name='outcode',
            name='imd_decile_median',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='outcode',
            name='rural_urban',
            field=models.CharField(blank=True, db_default='', max_length=4),
        ),
        migrations.CreateModel(
            name='Postcode',
            fields=[
                ('postcode', communities.models.places.ExactTextField(max_length=7, primary_key=True, serialize=False)),
                ('lad_code', models.CharField(blank=True, max_length=9)),
                ('icb_ods', models.CharField(blank=True, max_length=10)),
                ('lsoa21_code', models.CharField(blank=True, max_length=9)),
                ('imd_rank', models.PositiveIntegerField(null=True)),
                ('imd_decile', models.PositiveSmallIntegerField(null=True)),
                ('rural_urban', models.CharField(blank=True, max_length=4)),
                ('latitude', models.FloatField(null=True)),
                ('longitude', models.FloatField(null=True)),
                ('country_code', models.CharField(max_length=9)),
                ('terminated_on', models.DateField(null=True)),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('imd_decile__isnull', True), ('imd_decile__range', (1, 10)), _connector='OR'), name='postcode_imd_decile_is_one'),
                    models.CheckConstraint(condition=models.Q(models.Q(('latitude__isnull', True), ('longitude__isnull', True)), models.Q(('latitude__isnull', False), ('longitude__isnull', False)), _connector='OR'), name='postcode_position_is_whole'),
                ],
            },
        ),
        migrations.CreateModel(
            name='PlaceCode',
            fields=[
                ('code', models.CharField(max_length=9, primary_key=True, serialize=False)),
                ('area', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='codes', to='communities.area')),
            ],
        ),
        migrations.CreateModel(
            name='Edition',
            fields=[
                ('table', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('rows', models.PositiveIntegerField()),
                ('imported_at', models.DateTimeField()),
            ],
        ),
    ]
