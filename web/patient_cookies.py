"""What a patient's browser carries between pages: the code, then the referral's id; signed and short-lived."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

IDLE_SECONDS = 20 * 60
# The prefix makes browsers refuse the cookie from other hosts and over plain HTTP.
_PREFIX = "__Host-" if settings.IS_HTTPS else ""
_CODE = f"{_PREFIX}link"
_REFERRAL = f"{_PREFIX}patient"


def keep_code(response: HttpResponse, code: str) -> None:
    """Carry the code of a link out of the address bar, up to the date of birth."""
    _keep(response, _CODE, code)


def code_of(request: HttpRequest) -> str:
    """The code that :func:`keep_code` kept, or ""."""
    return _kept(request, _CODE)


def keep_referral(response: HttpResponse, referral_id: UUID) -> None:
    """The right person is here: remember which referral for another twenty minutes."""
    _keep(response, _REFERRAL, str(referral_id))


def referral_id_of(request: HttpRequest) -> UUID | None:
    """The referral that this browser has opened, or None."""
    kept = _kept(request, _REFERRAL)
    return UUID(kept) if kept else None


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
