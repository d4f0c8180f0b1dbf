"""What a patient's browser carries between pages: the code, signed and for 20 minutes; then the token of its session."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from referrals.sessions import LONGEST

_CODE_KEPT = timedelta(minutes=20)
# The prefix makes browsers refuse the cookie from other hosts and over plain HTTP.
_PREFIX = "__Host-" if settings.IS_HTTPS else ""
_CODE = f"{_PREFIX}link"
_SESSION = f"{_PREFIX}patient"


def keep_code(response: HttpResponse, code: str) -> None:
    """Carry the code of a link out of the address bar, up to the date of birth."""
    response.set_signed_cookie(
        _CODE,
        # No code has other signs, and a header cannot carry them.
        "".join(sign for sign in code if sign.isascii() and sign.isprintable()),
        salt=_CODE,
        max_age=_CODE_KEPT,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def code_of(request: HttpRequest) -> str:
    """The code that :func:`keep_code` kept, or ""."""
    return str(request.get_signed_cookie(_CODE, default="", salt=_CODE, max_age=_CODE_KEPT))


def keep_session(response: HttpResponse, token: str) -> None:
    """The right person is here. How long that holds is for the session's row to say."""
    response.set_cookie(
        _SESSION,
        token,
        max_age=LONGEST,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def token_of(request: HttpRequest) -> str:
    """The token that :func:`keep_session` kept, or ""."""
    return request.COOKIES.get(_SESSION, "")


def forget(response: HttpResponse) -> None:
    """Nothing is carried any more."""
    for name in (_CODE, _SESSION):
        response.delete_cookie(name, path="/", samesite="Lax")
