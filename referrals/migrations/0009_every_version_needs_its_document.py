import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0008_every_version_gets_its_document'),
    ]

    operations = [
        migrations.AlterField(
            model_name='statuschange',
            name='request_document',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='referrals.referraldocument'),
        ),
        migrations.AlterField(
            model_name='referral',
            name='told_at',
            field=models.DateTimeField(),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('business_status__in', ('drafted', 'withdrawn', 'entered-in-error')), ('issued_at__isnull', True)), models.Q(('issued_at__isnull', False), models.Q(('business_status', 'drafted'), _negated=True)), _connector='OR'), name='referral_issued_unless_draft'),
        ),
        migrations.RemoveField(
            model_name='referral',
            name='document',
        ),
    ]
