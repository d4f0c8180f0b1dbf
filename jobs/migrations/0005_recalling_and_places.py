from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0004_exporting'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='job',
            name='jobs_known_kind',
        ),
        migrations.AlterField(
            model_name='job',
            name='kind',
            field=models.CharField(choices=[('match', 'Match'), ('invite', 'Invite'), ('hand-over', 'Hand Over'), ('end-link', 'End Link'), ('tell', 'Tell'), ('notify', 'Notify'), ('export', 'Export'), ('recall', 'Recall'), ('withdraw-offer', 'Withdraw Offer'), ('offer-place', 'Offer Place'), ('end-hold', 'End Hold')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['match', 'invite', 'hand-over', 'end-link', 'tell', 'notify', 'export', 'recall', 'withdraw-offer', 'offer-place', 'end-hold'])), name='jobs_known_kind'),
        ),
    ]
