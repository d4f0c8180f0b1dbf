"""A table for what is searched by.

It is not filled from what is there: reading FHIR documents is not for this package, and before this release nobody
uses the service. A referral that came earlier is found by these parameters once its sender writes it again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0009_every_version_needs_its_document'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReferralTerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(choices=[('ServiceRequest', 'Service Request'), ('Task', 'Task')], max_length=20)),
                ('name', models.CharField(max_length=40)),
                ('system', models.CharField(blank=True, max_length=200)),
                ('value', models.CharField(blank=True, max_length=200)),
                ('starts_at', models.DateTimeField(null=True)),
                ('ends_at', models.DateTimeField(null=True)),
                ('referral', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='referrals.referral')),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'value', 'referral'], name='term_found')],
                'constraints': [models.CheckConstraint(condition=models.Q(('resource__in', ['ServiceRequest', 'Task'])), name='term_known_resource'), models.CheckConstraint(condition=models.Q(models.Q(('ends_at__isnull', True), ('starts_at__isnull', True)), models.Q(('ends_at__gt', models.F('starts_at')), ('ends_at__isnull', False), ('starts_at__isnull', False)), _connector='OR'), name='term_ends_after_it_begins')],
            },
        ),
    ]
