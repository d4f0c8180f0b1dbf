"""Taking an invitation back: what waits is not sent, and what was sent opens nothing any more."""

from datetime import datetime

from communities import capacity
from referrals.models import MessageState, Referral
from referrals.selectors import placement_of
from referrals.sessions import end_sessions_of


def recall_unsent(referral: Referral, *, at: datetime) -> None:
    """Send nothing that still waits. The caller holds the referral."""
    waiting = referral.messages.filter(state=MessageState.WAITING)
    links = list(waiting.values_list("link", flat=True))
    waiting.update(state=MessageState.WITHDRAWN)
    if placement_of(referral.pk) is None:
        referral.links.filter(pk__in=links, revoked_at__isnull=True).update(revoked_at=at)


def recall_invitation(referral: Referral, *, at: datetime) -> None:
    """End every way in, too, unless the patient has a place: that, and the way back to it, are theirs."""
    recall_unsent(referral, at=at)
    if placement_of(referral.pk) is None:
        capacity.release_all(holder=referral.pk, at=at)
        end_every_way_in(referral, at=at)


def end_every_way_in(referral: Referral, *, at: datetime) -> None:
    """Links open nothing any more, and what they opened is closed. The caller holds the referral."""
    referral.links.filter(revoked_at__isnull=True).update(revoked_at=at)
    end_sessions_of(referral, at=at)
