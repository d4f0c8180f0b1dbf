"""A new link in place of one that was lost or locked, or the first one where the service must not make contact itself."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import Actor, ActorKind
from audit.models import Action
from audit.recording import record
from referrals.inviting import send_link
from referrals.lifecycle import TAKEN_BACK, BusinessStatus, is_over
from referrals.models import MessageState, Referral
from referrals.practice_tasks import finish_tasks
from referrals.selectors import newest_change, placement_of
from referrals.sessions import end_sessions_of


class NothingToRenew(Exception):
    """The referral has no link yet, or it has ended."""


@transaction.atomic
def renew_link(*, reference: str, by: Actor, at: datetime) -> None:
    """Send a new link; the old ones, what was opened with them and what still waits to be sent end.

    Raises Referral.DoesNotExist, or NothingToRenew. After the time to answer only somebody who joined has a link to
    renew, so a practice that asks then is never told whether there was one.
    """
    referral = (
        _of(by).select_for_update(of=("self",)).select_related("patient").get(reference=reference)
    )
    old = referral.links.order_by("-expires_at", "pk").first()
    if not _can_have_link(referral, has_one=old is not None, by=by):
        if by.kind is not ActorKind.SYSTEM and _is_time_over(referral):
            return
        raise NothingToRenew
    referral.links.filter(revoked_at__isnull=True).update(revoked_at=at)
    referral.messages.filter(state=MessageState.WAITING).update(state=MessageState.WITHDRAWN)
    end_sessions_of(referral, at=at)
    finish_tasks(referral, at=at)
    # Whoever has joined keeps the long way back.
    link = send_link(referral, expires_at=old.expires_at if old else None, at=at)
    record(Action.LINK_RENEWED, by=by, at=at, target=f"Link/{link.pk}")


def _of(by: Actor) -> QuerySet[Referral]:
    return (
        Referral.objects.all() if by.kind is ActorKind.SYSTEM else Referral.objects.visible_to(by)
    )


def _can_have_link(referral: Referral, *, has_one: bool, by: Actor) -> bool:
    status = BusinessStatus(referral.business_status)
    if status in TAKEN_BACK:
        # The way back to a place is the patient's. Their practice does not learn whether there is one.
        return by.kind is ActorKind.SYSTEM and placement_of(referral.pk) is not None
    if has_one:
        return not is_over(status)
    return referral.is_contact_prohibited and status == BusinessStatus.MATCHED


def _is_time_over(referral: Referral) -> bool:
    return newest_change(referral).business_status == BusinessStatus.INVITATION_ENDED
