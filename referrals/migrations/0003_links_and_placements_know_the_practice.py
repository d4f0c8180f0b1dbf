import django.db.models.deletion
from django.db import migrations, models
from typing import Any

from privacy.tenancy import EVERYBODY, reaching


def fill(apps: Any, schema_editor: Any) -> None:
    """The practice of each row's referral."""
    referral = apps.get_model('referrals', 'Referral')
    of_row = referral.objects.filter(pk=models.OuterRef('referral_id')).values('practice_id')
    with reaching(EVERYBODY):  # row-level security binds the owner of the tables, too
        for name in ('Link', 'Placement'):
            rows = apps.get_model('referrals', name).objects
            rows.filter(practice__isnull=True).update(practice_id=models.Subquery(of_row))


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_keys_by_address_and_answered_requests'),
        ('referrals', '0002_the_end_of_an_invitation'),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name='practice',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation'),
        )
        for name in ('link', 'placement')
    ] + [migrations.RunPython(fill, migrations.RunPython.noop)]
