from django.db import migrations, models

from privacy.fields import key_ids


def newest_key() -> str:
    """The first of FIELD_KEYS wrote what is there."""
    return key_ids()[0]


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_keys_by_address_and_answered_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='answeredrequest',
            name='key_id',
            field=models.CharField(default=newest_key, max_length=8),
            preserve_default=False,
        ),
    ]
