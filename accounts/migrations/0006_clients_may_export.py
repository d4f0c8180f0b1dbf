from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_organisations_say_when_they_changed'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='may_export',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
