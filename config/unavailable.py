"""When the database is locked or away, 503 and when to come back; when a body stops arriving, 408: no fault of ours."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from web import errors

RETRY_AFTER = "5"  # seconds


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django takes a session that cannot be saved for a bad request."""
    return _busy(request) if _is_database_away(exception) else errors.bad_request(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the error is being handled, whether a view, a session or a sign-in met it."""
    error = sys.exception()
    if _is_database_away(error):
        return _busy(request)
    response = errors.server_error(request)
    if isinstance(error, UnreadablePostError):
        response.status_code = 408
    return response


def _busy(request: HttpRequest) -> HttpResponse:
    response = errors.server_error(request)
    response.status_code = 503
    response["Retry-After"] = RETRY_AFTER
    return response


def _is_database_away(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            return True
        error = error.__cause__ or error.__context__
    return False
