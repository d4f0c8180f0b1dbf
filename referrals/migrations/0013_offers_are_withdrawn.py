from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0012_what_it_takes_to_judge_again'),
    ]

    operations = [
        migrations.AddField(
            model_name='offer',
            name='withdrawn_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RemoveConstraint(
            model_name='offer',
            name='offer_once_a_community',
        ),
        migrations.AddConstraint(
            model_name='offer',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('referral', 'community'), name='offer_once_a_community'),
        ),
    ]
