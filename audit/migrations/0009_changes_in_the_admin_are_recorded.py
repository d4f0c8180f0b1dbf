from typing import Any

from django.db import migrations, models

from audit import triggers


ACTIONS = [('referral-received', 'Referral Received'), ('referral-read', 'Referral Read'), ('referral-moved', 'Referral Moved'), ('patient-received', 'Patient Received'), ('patient-read', 'Patient Read'), ('token-issued', 'Token Issued'), ('link-opened', 'Link Opened'), ('link-check-failed', 'Link Check Failed'), ('link-locked', 'Link Locked'), ('link-renewed', 'Link Renewed'), ('message-handed-over', 'Message Handed Over'), ('offer-chosen', 'Offer Chosen'), ('sharing-chosen', 'Sharing Chosen'), ('community-joined', 'Community Joined'), ('community-left', 'Community Left'), ('events-received', 'Events Received'), ('figures-read', 'Figures Read'), ('client-registered', 'Client Registered'), ('client-changed', 'Client Changed'), ('host-key-made', 'Host Key Made'), ('member-added', 'Member Added'), ('keys-rotated', 'Keys Rotated'), ('access-denied', 'Access Denied'), ('deviation-tolerated', 'Deviation Tolerated'), ('subscription-changed', 'Subscription Changed'), ('communities-sought', 'Communities Sought'), ('export-begun', 'Export Begun'), ('export-read', 'Export Read'), ('export-removed', 'Export Removed'), ('revision-proposed', 'Revision Proposed'), ('revision-signed', 'Revision Signed'), ('revision-rejected', 'Revision Rejected'), ('revision-withdrawn', 'Revision Withdrawn'), ('community-changed', 'Community Changed'), ('community-listed', 'Community Listed'), ('community-suspended', 'Community Suspended'), ('community-closed', 'Community Closed'), ('places-stated', 'Places Stated'), ('offer-withdrawn', 'Offer Withdrawn'), ('reference-changed', 'Reference Changed')]


def install(_apps: Any, schema_editor: Any) -> None:
    """SQLite makes a new table of what is altered, without the triggers of the old one."""
    with schema_editor.connection.cursor() as cursor:
        triggers.install(cursor, schema_editor.connection.vendor)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0008_changes_of_the_directory_are_recorded'),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, install),  # the last step of going back
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
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
