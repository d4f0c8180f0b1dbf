from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_marks_know_their_key'),
    ]

    operations = [
        migrations.AddField(
            model_name='client',
            name='is_strict',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
