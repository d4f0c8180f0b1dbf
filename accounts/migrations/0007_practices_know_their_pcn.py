import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_clients_may_export'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='pcn',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='practices', to='accounts.organisation'),
        ),
    ]
