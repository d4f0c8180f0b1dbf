from typing import Any

from django.db import migrations

from privacy.tenancy import EVERYBODY, reaching

# Encrypted texts are copied as they stand. Of a patient only the newest version was kept until now.
STATEMENTS = (
    'INSERT INTO referrals_referraldocument (referral_id, text, received_at)'
    ' SELECT id, document, received_at FROM referrals_referral',
    'UPDATE referrals_statuschange SET request_document_id = (SELECT d.id FROM referrals_referraldocument d'
    ' WHERE d.referral_id = referrals_statuschange.referral_id)',
    'UPDATE referrals_referral SET issued_at = received_at, told_at = (SELECT c."at" FROM referrals_statuschange c'
    ' WHERE c.referral_id = referrals_referral.id AND c.is_told AND c.version = referrals_referral.version)',
    'INSERT INTO referrals_patientversion (patient_id, version, document, "at")'
    ' SELECT id, version, document, updated_at FROM referrals_patient',
)


def fill(apps: Any, schema_editor: Any) -> None:
    """Each step shows the one document that its referral has; each patient has the version that is there."""
    with reaching(EVERYBODY):  # row-level security binds the owner of the tables, too
        for statement in STATEMENTS:
            schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0007_states_and_documents_of_every_version'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
