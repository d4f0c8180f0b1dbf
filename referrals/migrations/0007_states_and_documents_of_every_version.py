import django.db.models.deletion
import privacy.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_marks_know_their_key'),
        ('communities', '0001_initial'),
        ('referrals', '0006_waiting_jobs_learn_whose_they_are'),
    ]

    operations = [
        migrations.CreateModel(
            name='PatientVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('document', privacy.fields.EncryptedTextField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ReferralDocument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', privacy.fields.EncryptedTextField()),
                ('received_at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='referral',
            name='referral_statuses_agree',
        ),
        migrations.RemoveConstraint(
            model_name='statuschange',
            name='change_statuses_agree',
        ),
        migrations.RemoveIndex(
            model_name='referral',
            name='referral_icb_received',
        ),
        migrations.AddField(
            model_name='referral',
            name='issued_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='referral',
            name='told_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='statuschange',
            name='sender_text',
            field=privacy.fields.EncryptedTextField(blank=True, default=''),
        ),
        migrations.AlterField(
            model_name='referral',
            name='business_status',
            field=models.CharField(choices=[('drafted', 'Drafted'), ('received-by-service', 'Received by the service'), ('matched', 'Matched with communities'), ('no-match', 'No suitable community'), ('invitation-sent', 'Invitation sent'), ('joined', 'Joined a community'), ('waitlist', "On the community's waiting list"), ('engaged', 'Taking part'), ('left-community', 'Left the community'), ('patient-declined', 'Patient declined'), ('not-taken-up', 'Not taken up'), ('invitation-ended', 'Invitation ended'), ('withdrawn', 'Withdrawn by the requester'), ('entered-in-error', 'Entered in error')], max_length=30),
        ),
        migrations.AlterField(
            model_name='referral',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('revoked', 'Revoked'), ('completed', 'Completed'), ('entered-in-error', 'Entered In Error')], max_length=20),
        ),
        migrations.AlterField(
            model_name='referral',
            name='task_status',
            field=models.CharField(choices=[('draft', 'Draft'), ('requested', 'Requested'), ('accepted', 'Accepted'), ('rejected', 'Rejected'), ('in-progress', 'In Progress'), ('cancelled', 'Cancelled'), ('failed', 'Failed'), ('completed', 'Completed'), ('entered-in-error', 'Entered In Error')], max_length=20),
        ),
        migrations.AlterField(
            model_name='statuschange',
            name='business_status',
            field=models.CharField(choices=[('drafted', 'Drafted'), ('received-by-service', 'Received by the service'), ('matched', 'Matched with communities'), ('no-match', 'No suitable community'), ('invitation-sent', 'Invitation sent'), ('joined', 'Joined a community'), ('waitlist', "On the community's waiting list"), ('engaged', 'Taking part'), ('left-community', 'Left the community'), ('patient-declined', 'Patient declined'), ('not-taken-up', 'Not taken up'), ('invitation-ended', 'Invitation ended'), ('withdrawn', 'Withdrawn by the requester'), ('entered-in-error', 'Entered in error')], max_length=30),
        ),
        migrations.AlterField(
            model_name='statuschange',
            name='status',
            field=models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('revoked', 'Revoked'), ('completed', 'Completed'), ('entered-in-error', 'Entered In Error')], max_length=20),
        ),
        migrations.AlterField(
            model_name='statuschange',
            name='task_status',
            field=models.CharField(choices=[('draft', 'Draft'), ('requested', 'Requested'), ('accepted', 'Accepted'), ('rejected', 'Rejected'), ('in-progress', 'In Progress'), ('cancelled', 'Cancelled'), ('failed', 'Failed'), ('completed', 'Completed'), ('entered-in-error', 'Entered In Error')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='patient',
            index=models.Index(fields=['practice', 'updated_at', 'id'], name='patient_updated'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(fields=['icb', 'issued_at'], name='referral_icb_issued'),
        ),
        migrations.AddIndex(
            model_name='referral',
            index=models.Index(fields=['practice', 'told_at', 'id'], name='referral_told'),
        ),
        migrations.AddConstraint(
            model_name='referral',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('business_status', 'drafted'), ('status', 'draft'), ('task_status', 'draft')), models.Q(('business_status', 'received-by-service'), ('status', 'active'), ('task_status', 'requested')), models.Q(('business_status', 'matched'), ('status', 'active'), ('task_status', 'accepted')), models.Q(('business_status', 'no-match'), ('status', 'active'), ('task_status', 'rejected')), models.Q(('business_status', 'invitation-sent'), ('status', 'active'), ('task_status', 'accepted')), models.Q(('business_status', 'joined'), ('status', 'active'), ('task_status', 'in-progress')), models.Q(('business_status', 'waitlist'), ('status', 'active'), ('task_status', 'accepted')), models.Q(('business_status', 'engaged'), ('status', 'active'), ('task_status', 'in-progress')), models.Q(('business_status', 'left-community'), ('status', 'active'), ('task_status', 'in-progress')), models.Q(('business_status', 'patient-declined'), ('status', 'revoked'), ('task_status', 'cancelled')), models.Q(('business_status', 'not-taken-up'), ('status', 'revoked'), ('task_status', 'failed')), models.Q(('business_status', 'invitation-ended'), ('status', 'completed'), ('task_status', 'completed')), models.Q(('business_status', 'withdrawn'), ('status', 'revoked'), ('task_status', 'cancelled')), models.Q(('business_status', 'entered-in-error'), ('status', 'entered-in-error'), ('task_status', 'entered-in-error')), _connector='OR'), name='referral_statuses_agree'),
        ),
        migrations.AddField(
            model_name='patientversion',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='referrals.patient'),
        ),
        migrations.AddField(
            model_name='referraldocument',
            name='referral',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='documents', to='referrals.referral'),
        ),
        migrations.AddField(
            model_name='statuschange',
            name='request_document',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='referrals.referraldocument'),
        ),
        migrations.AddField(
            model_name='statuschange',
            name='task_document',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='referrals.referraldocument'),
        ),
        migrations.AddConstraint(
            model_name='statuschange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('business_status', 'drafted'), ('status', 'draft'), ('task_status', 'draft')), models.Q(('business_status', 'received-by-service'), ('status', 'active'), ('task_status', 'requested')), models.Q(('business_status', 'matched'), ('status', 'active'), ('task_status', 'accepted')), models.Q(('business_status', 'no-match'), ('status', 'active'), ('task_status', 'rejected')), models.Q(('business_status', 'invitation-sent'), ('status', 'active'), ('task_status', 'accepted')), models.Q(('business_status', 'joined'), ('status', 'active'), ('task_status', 'in-progress')), models.Q(('business_status', 'waitlist'), ('status', 'active'), ('task_status', 'accepted')), models.Q(('business_status', 'engaged'), ('status', 'active'), ('task_status', 'in-progress')), models.Q(('business_status', 'left-community'), ('status', 'active'), ('task_status', 'in-progress')), models.Q(('business_status', 'patient-declined'), ('status', 'revoked'), ('task_status', 'cancelled')), models.Q(('business_status', 'not-taken-up'), ('status', 'revoked'), ('task_status', 'failed')), models.Q(('business_status', 'invitation-ended'), ('status', 'completed'), ('task_status', 'completed')), models.Q(('business_status', 'withdrawn'), ('status', 'revoked'), ('task_status', 'cancelled')), models.Q(('business_status', 'entered-in-error'), ('status', 'entered-in-error'), ('task_status', 'entered-in-error')), _connector='OR'), name='change_statuses_agree'),
        ),
        migrations.AddConstraint(
            model_name='patientversion',
            constraint=models.UniqueConstraint(fields=('patient', 'version'), name='patient_version_once'),
        ),
    ]
