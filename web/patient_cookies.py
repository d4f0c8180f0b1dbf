"""What a patient's browser carries between pages: the code, then the referral's id; signed and short-lived."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

IDLE_SECONDS = 20 * 60
LONGEST_SECONDS = 2 * 60 * 60
# The prefix makes browsers refuse the cookie from other hosts and over plain HTTP.
_PREFIX = "__Host-" if settings.IS_HTTPS else ""
_CODE = f"{_PREFIX}link"
_REFERRAL = f"{_PREFIX}patient"


@dataclass(frozen=True)
class Opened:
    """A referral whose link this browser has opened, and when (seconds since 1970)."""

    referral_id: UUID
    at: int


def keep_code(response: HttpResponse, code: str) -> None:
    """Carry the code of a link out of the address bar, up to the date of birth."""
    _keep(response, _CODE, code)


def code_of(request: HttpRequest) -> str:
    """The code that :func:`keep_code` kept, or ""."""
    return _kept(request, _CODE)


def keep_opened(response: HttpResponse, opened: Opened) -> None:
    """The right person is here: remember which referral for another twenty minutes."""
    _keep(response, _REFERRAL, f"{opened.referral_id} {opened.at}")


def opened_of(request: HttpRequest, *, now: int) -> Opened | None:
    """What this browser has opened, or None; two hours after the date of birth it is asked for again."""
    referral_id, _, at = _kept(request, _REFERRAL).partition(" ")
    if not at or now - int(at) > LONGEST_SECONDS:
        return None
    return Opened(UUID(referral_id), int(at))


def forget(response: HttpResponse) -> None:
    """Sign out."""
    for name in (_CODE, _REFERRAL):
        response.delete_cookie(name, path="/", samesite="Lax")


def _keep(response: HttpResponse, name: str, value: str) -> None:
    response.set_signed_cookie(
        name,
        value,
        salt=name,
        max_age=IDLE_SECONDS,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _kept(request: HttpRequest, name: str) -> str:
    return str(request.get_signed_cookie(name, default="", salt=name, max_age=IDLE_SECONDS))
