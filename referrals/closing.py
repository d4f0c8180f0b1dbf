"""Ending what was not taken up, so that every referral has a known end."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.actors import SYSTEM
from referrals.changing import move
from referrals.lifecycle import BusinessStatus
from referrals.models import Link, Referral


@transaction.atomic
def close_untaken(*, link_id: UUID, at: datetime) -> None:
    """Close a referral when its last link has ended and nobody answered. Does nothing otherwise."""
    link = Link.objects.get(pk=link_id)
    referral = Referral.objects.select_for_update().get(pk=link.referral_id)
    is_waiting = referral.business_status in (
        BusinessStatus.MATCHED,
        BusinessStatus.INVITATION_SENT,
    )
    if is_waiting and not referral.links.filter(expires_at__gt=at).exists():
        move(referral, BusinessStatus.NOT_TAKEN_UP, by=SYSTEM, at=at, reason="link-not-used")
