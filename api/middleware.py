"""The gate: what cannot be read safely is refused before anything is read, and machines' errors speak their language."""

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
    408: "The body did not arrive in time. Please send the same request again.",
    411: "Send a Content-Length: bodies in chunks of unknown length are not read.",
    413: f"The body is larger than {settings.LARGEST_BODY} bytes.",
    415: "Send the body as it is, without Content-Encoding: compressed bodies are not read.",
    500: "Something went wrong on our side. Nothing was stored. Please try again.",
    503: "The database is busy or away. Please send the same request again in a few seconds.",
}


class MachineGate:
    """Refuses what must not be read, echoes request ids, and turns error pages into machine-readable answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        status = _refusal(request)
        if not f"{request.path_info}/".startswith(_MACHINE_PATHS):
            return _plain_error(status) if status else self.get_response(request)
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
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        return 415
    length = request.META.get("CONTENT_LENGTH") or "0"
    address = f"{request.path}?{request.META.get('QUERY_STRING', '')}"
    # PostgreSQL takes no NUL, and nothing that is looked for has one.
    if not (length.isascii() and length.isdecimal()) or "\0" in address or "%00" in address:
        return 400
    return 413 if int(length) > settings.LARGEST_BODY else None


def _plain_error(status: int) -> HttpResponse:
    return HttpResponse(f"{_SENTENCES[status]}\n", status=status, content_type="text/plain")


def _error(request: HttpRequest, status: int) -> HttpResponse:
    is_fhir = request.path_info.startswith("/fhir")
    sentence = _SENTENCES.get(status, "The request was refused.")
    return HttpResponse(
        wire.dump(body([finding(status, sentence)], is_fhir=is_fhir)),
        status=status,
        content_type="application/fhir+json" if is_fhir else "application/json",
    )
