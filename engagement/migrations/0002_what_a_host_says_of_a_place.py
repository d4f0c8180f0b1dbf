from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('engagement', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='activity',
            name='activity_known_kind',
        ),
        migrations.AlterField(
            model_name='activity',
            name='kind',
            field=models.CharField(choices=[('visited', 'Visited'), ('read', 'Read'), ('reacted', 'Reacted'), ('posted', 'Posted'), ('replied', 'Replied'), ('session_attended', 'Session Attended'), ('left', 'Left'), ('accepted', 'Accepted'), ('waitlisted', 'Waitlisted'), ('declined', 'Declined')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='activity',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['visited', 'read', 'reacted', 'posted', 'replied', 'session_attended', 'left', 'accepted', 'waitlisted', 'declined'])), name='activity_known_kind'),
        ),
    ]
