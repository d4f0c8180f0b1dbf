"""What follows when a practice reports that its patient has died: nothing of any referral goes on, or goes out."""

from datetime import datetime

from accounts.actors import SYSTEM, Actor
from referrals.changing import move
from referrals.lifecycle import PATIENT_DECEASED, BusinessStatus, allowed
from referrals.models import Patient
from referrals.placing import leave
from referrals.practice_tasks import finish_tasks
from referrals.recalling import end_every_way_in, recall_unsent
from referrals.selectors import newest_change


def stop_referrals(patient: Patient, *, by: Actor, at: datetime) -> None:
    """Withdraw what is open for the eyes of its practice, and end every way in and the place of each referral.

    The caller holds the patient. A place ends here, other than when a referral is withdrawn, because it was the
    patient's; that there was one is told to nobody. Nothing is opened again when the report turns out to be wrong.
    """
    for referral in patient.referrals.select_for_update().order_by("pk"):
        told = BusinessStatus(newest_change(referral).business_status)
        if BusinessStatus.WITHDRAWN in allowed(told, by.kind):
            move(referral, BusinessStatus.WITHDRAWN, by=by, at=at, reason=PATIENT_DECEASED)
        finish_tasks(referral, at=at)
        recall_unsent(referral, at=at)
        end_every_way_in(referral, at=at)
        leave(referral_id=referral.pk, reason=PATIENT_DECEASED, by=SYSTEM, at=at)
