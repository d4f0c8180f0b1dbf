"""Opened links: a row for each browser in which the date of birth was given, so that signing out ends it for good."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from privacy.tenancy import Reach, acting_for, reaching
from referrals.models import PatientSession, Referral

IDLE = timedelta(minutes=20)
LONGEST = timedelta(hours=2)
# A page that is looked at writes at most this often.
NOTED_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=1)
_TOKEN_BYTES = 16


def begin_session(*, referral: Referral, at: datetime) -> str:
    """Open a session for the right person and return its token, of which the row holds a hash only."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with acting_for(referral.practice_id):
        PatientSession.objects.create(
            token_hash=_hash(token),
            referral=referral,
            practice_id=referral.practice_id,
            opened_at=at,
            last_used_at=at,
        )
    return token


def session_of(token: str, *, at: datetime) -> PatientSession | None:
    """The session of a token, if it is still open: 20 minutes without use or two hours end it.

    Nobody is known yet, so the token itself is what may be reached; the row that it finds names the practice.
    """
    token_hash = _hash(token)
    with reaching(Reach(link=token_hash)):
        return PatientSession.objects.filter(
            token_hash=token_hash,
            ended_at__isnull=True,
            opened_at__gt=at - LONGEST,
            last_used_at__gt=at - IDLE,
        ).first()


def keep_session(session: PatientSession, *, at: datetime) -> None:
    """It is used."""
    if at - session.last_used_at >= NOTED_EVERY:
        with acting_for(session.practice_id):
            PatientSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(
                last_used_at=at
            )


def end_session(token: str, *, at: datetime) -> None:
    """Sign out, wherever the token has been copied to."""
    session = session_of(token, at=at)
    if session:
        with acting_for(session.practice_id):
            PatientSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=at)


def end_sessions_of(referral: Referral, *, at: datetime) -> None:
    """Sign out every browser: the links that opened them have ended."""
    with acting_for(referral.practice_id):
        referral.sessions.filter(ended_at__isnull=True).update(ended_at=at)


def forget_sessions(*, at: datetime) -> None:
    """Sessions that are long over say when somebody opened their link: that is nobody's to keep.

    Of every practice: the caller says that it reaches everybody.
    """
    PatientSession.objects.filter(opened_at__lt=at - KEPT).delete()


def _hash(token: str) -> str:
    # Plain is enough: nobody can try 128 random bits.
    return sha256(token.encode()).hexdigest()
