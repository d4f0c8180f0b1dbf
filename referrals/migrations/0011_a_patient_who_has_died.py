from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0010_what_referrals_are_searched_by'),
    ]

    operations = [
        migrations.AddField(
            model_name='patient',
            name='is_deceased',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
