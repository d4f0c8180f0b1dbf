from typing import Any

from django.db import migrations

from privacy.tenancy import EVERYBODY, reaching

NAMES = {'referral_id': 'Referral', 'message_id': 'Message', 'link_id': 'Link'}


def fill(apps: Any, schema_editor: Any) -> None:
    """A job from before jobs had a tenant is for the practice of the row that it is about."""
    waiting = apps.get_model('jobs', 'Job').objects.filter(tenant_id__isnull=True, state__in=['queued', 'running'])
    with reaching(EVERYBODY):
        for name, model in NAMES.items():
            path = 'referral__practice_id' if model == 'Message' else 'practice_id'
            about = [job for job in waiting if name in job.payload]
            rows = apps.get_model('referrals', model).objects.filter(pk__in=[job.payload[name] for job in about])
            practices = {str(pk): practice_id for pk, practice_id in rows.values_list('pk', path)}
            for job in about:
                job.tenant_id = practices.get(job.payload[name])
                job.destination = 'messenger' if job.kind == 'hand-over' else ''
                job.save(update_fields=['tenant_id', 'destination'])


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0002_whose_work_where_to_and_circuits'),
        ('referrals', '0005_codes_for_paper_sessions_and_practice_tasks'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
