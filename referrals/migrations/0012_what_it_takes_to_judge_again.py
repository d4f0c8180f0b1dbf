
import privacy.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0011_a_patient_who_has_died'),
    ]

    operations = [
        migrations.AddField(
            model_name='matchrun',
            name='asked',
            field=privacy.fields.EncryptedTextField(blank=True, db_default=''),
        ),
        migrations.AddField(
            model_name='matchrun',
            name='judged',
            field=models.JSONField(db_default=models.Value([], output_field=models.JSONField())),
        ),
        migrations.AddField(
            model_name='matchrun',
            name='weights',
            field=models.JSONField(db_default=models.Value({}, output_field=models.JSONField())),
        ),
        migrations.AddField(
            model_name='referral',
            name='preferences',
            field=privacy.fields.EncryptedSetField(db_default='', default=frozenset),
        ),
        migrations.RemoveField(
            model_name='matchrun',
            name='need',
        ),
    ]
