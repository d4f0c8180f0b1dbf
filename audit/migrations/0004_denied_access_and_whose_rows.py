from django.db import migrations, models


ACTIONS = [('referral-received', 'Referral Received'), ('referral-read', 'Referral Read'), ('referral-moved', 'Referral Moved'), ('patient-received', 'Patient Received'), ('patient-read', 'Patient Read'), ('token-issued', 'Token Issued'), ('link-opened', 'Link Opened'), ('link-check-failed', 'Link Check Failed'), ('link-locked', 'Link Locked'), ('link-renewed', 'Link Renewed'), ('message-handed-over', 'Message Handed Over'), ('offer-chosen', 'Offer Chosen'), ('sharing-chosen', 'Sharing Chosen'), ('community-joined', 'Community Joined'), ('community-left', 'Community Left'), ('events-received', 'Events Received'), ('figures-read', 'Figures Read'), ('client-registered', 'Client Registered'), ('access-denied', 'Access Denied')]


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0003_refusals_are_logged'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='entry',
            name='audit_known_action',
        ),
        migrations.AddField(
            model_name='entry',
            name='tenant_id',
            field=models.UUIDField(null=True),
        ),
        # "sharing-agreed" goes: nothing ever wrote it.
        migrations.AlterField(
            model_name='entry',
            name='action',
            field=models.CharField(choices=ACTIONS, max_length=40),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', [value for value, _label in ACTIONS])), name='audit_known_action'),
        ),
    ]
