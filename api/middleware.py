"""The gate before machines' addresses: sizes are checked before anything is read, and every error speaks their language."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from api.errors import body, finding
from integrations.fhir import wire

_MACHINE_PATHS = ("/fhir/", "/api/", "/oauth2/")
_ECHOED = ("X-Request-ID", "X-Correlation-ID")
_SENTENCES = {
    400: "The request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This method is not possible here.",
    411: "Send a Content-Length: bodies in chunks of unknown length are not read.",
    413: f"The body is larger than {settings.LARGEST_BODY} bytes.",
    500: "Something went wrong on our side. Nothing was stored. Please try again.",
    503: "The database is busy or away. Please send the same request again in a few seconds.",
}


class MachineGate:
    """Refuses what must not be read, echoes request ids, and turns error pages into machine-readable answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if not f"{request.path}/".startswith(_MACHINE_PATHS):
            return self.get_response(request)
        status = _refusal(request)
        response = _error(request, status) if status else self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if response.status_code >= 400 and is_page:
            page, response = response, _error(request, response.status_code)
            if "Retry-After" in page:
                response["Retry-After"] = page["Retry-After"]
        for name in _ECHOED:
            value = request.headers.get(name, "")
            if value and value.isascii() and value.isprintable() and len(value) <= 100:
                response[name] = value
        response.setdefault("Cache-Control", "no-store")
        if request.method == "HEAD":
            response.content = b""  # the server would drop it, with a warning
        return response


def _refusal(request: HttpRequest) -> int | None:
    if request.headers.get("Transfer-Encoding"):
        # WSGI servers hand such a body over as empty: better no referral than one lost in silence.
        return 411
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        return 400
    return 413 if int(length) > settings.LARGEST_BODY else None


def _error(request: HttpRequest, status: int) -> HttpResponse:
    is_fhir = request.path.startswith("/fhir")
    sentence = _SENTENCES.get(status, "The request was refused.")
    return HttpResponse(
        wire.dump(body([finding(status, sentence)], is_fhir=is_fhir)),
        status=status,
        content_type="application/fhir+json" if is_fhir else "application/json",
    )
