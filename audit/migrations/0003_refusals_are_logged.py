from typing import Any

from django.db import migrations, models


def forget_refusals(apps: Any, schema_editor: Any) -> None:
    """Rows that whoever had no key could write at will; since then a line in the log."""
    entries = apps.get_model('audit', 'Entry').objects.using(schema_editor.connection.alias)
    entries.filter(action__in=['token-refused', 'webhook-refused']).delete()


ACTIONS = [('referral-received', 'Referral Received'), ('referral-read', 'Referral Read'), ('referral-moved', 'Referral Moved'), ('patient-received', 'Patient Received'), ('patient-read', 'Patient Read'), ('token-issued', 'Token Issued'), ('link-opened', 'Link Opened'), ('link-check-failed', 'Link Check Failed'), ('link-locked', 'Link Locked'), ('link-renewed', 'Link Renewed'), ('message-handed-over', 'Message Handed Over'), ('offer-chosen', 'Offer Chosen'), ('sharing-agreed', 'Sharing Agreed'), ('community-joined', 'Community Joined'), ('community-left', 'Community Left'), ('events-received', 'Events Received'), ('figures-read', 'Figures Read'), ('client-registered', 'Client Registered')]


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_links_are_renewed'),
    ]

    operations = [
        migrations.RunPython(forget_refusals, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='entry',
            name='audit_known_action',
        ),
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
