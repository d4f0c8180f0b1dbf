import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('communities', '0005_terminology'),
    ]

    operations = [
        migrations.CreateModel(
            name='Capacity',
            fields=[
                ('community', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='capacity', serialize=False, to='communities.community')),
                ('total', models.PositiveIntegerField(null=True)),
                ('used', models.PositiveIntegerField(default=0)),
                ('has_waiting_list', models.BooleanField(default=False)),
                ('needs_assessment', models.BooleanField(default=False)),
                ('stated_on', models.DateField()),
                ('fresh_until', models.DateField()),
                ('stated_by', models.CharField(max_length=80)),
            ],
            options={
                'verbose_name_plural': 'capacities',
                'constraints': [models.CheckConstraint(condition=models.Q(('fresh_until__gte', models.F('stated_on'))), name='capacity_is_fresh_when_stated')],
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('holder', models.UUIDField()),
                ('tenant_id', models.UUIDField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('offered', 'Offered'), ('taken', 'Taken'), ('released', 'Released')], max_length=10)),
                ('asked_at', models.DateTimeField()),
                ('held_until', models.DateTimeField(null=True)),
                ('community', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reservations', to='communities.community')),
            ],
            options={
                'indexes': [models.Index(fields=['holder'], name='reservation_holder'), models.Index(condition=models.Q(('state', 'waiting')), fields=['community', 'id'], name='reservation_line')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'offered', 'taken', 'released'])), name='reservation_known_state'), models.CheckConstraint(condition=models.Q(models.Q(('held_until__isnull', False), ('state', 'offered')), models.Q(models.Q(('state', 'offered'), _negated=True), ('held_until__isnull', True)), _connector='OR'), name='reservation_held_until_when_offered'), models.UniqueConstraint(condition=models.Q(('state', 'released'), _negated=True), fields=('community', 'holder'), name='reservation_once_a_holder')],
            },
        ),
    ]
