import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0003_links_and_placements_know_the_practice'),
    ]

    operations = [
        migrations.AlterField(
            model_name=name,
            name='practice',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation'),
        )
        for name in ('link', 'placement')
    ]
