"""Views that count whoever asks before they read anything of what was sent."""

from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.actors import Actor
from accounts.throttling import Limit, seconds_to_wait, sender_of


class Counted(APIView):
    """A clinical system is counted as itself, wherever it asks from; everybody else by the network they come from.

    So practices that share one way out do not use up each other's share, and a stranger's guesses only their own.
    """

    limit = Limit.NOBODY

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, then count them."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            _count(Limit.NOBODY, sender_of(request.META))
            raise
        actor = request.user
        if isinstance(actor, Actor):
            _count(Limit.CLIENT, actor.id)
        else:
            _count(self.limit, sender_of(request.META))


def _count(limit: Limit, who: str) -> None:
    seconds = seconds_to_wait(limit=limit, who=who, at=timezone.now())
    if seconds:
        error = Throttled(wait=seconds)
        error.detail = f"Too many requests. Come back in {seconds} seconds."  # type: ignore[assignment]
        raise error
