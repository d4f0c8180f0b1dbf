"""Parameters: of an operation by GET or in a Parameters resource, of a search by GET or in a form."""

from collections.abc import Iterator

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from api.fhir.sending import sound_resource_of
from integrations.fhir import fields
from integrations.fhir.outcome import Refused, malformed
from integrations.fhir.searching.query import DRESS

FORM = "application/x-www-form-urlencoded"


def refuse_unknown(request: Request, *known: str) -> None:
    """Refuse what an operation does not read in its address. Raises Refused."""
    if set(request.query_params) - DRESS - set(known):
        text = f"In its address this operation takes: {', '.join([*known, *sorted(DRESS)])}."
        raise Refused(400, [malformed("not-supported", text)])


def form_of(request: Request) -> list[tuple[str, str]]:
    """The parameters of a search by POST, in address and body. Raises UnsupportedMediaType."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise UnsupportedMediaType(media_type or "none", f"Send {FORM} as Content-Type.")
    both = (request.query_params, request._request.POST)  # noqa: SLF001  (DRF reads no forms here)
    return [(n, str(v)) for sent in both for n, values in sent.lists() for v in values]


def pairs_of(request: Request) -> list[tuple[str, str]]:
    """Each parameter with its value, as text. Raises Refused for a body that is no sound Parameters resource."""
    asked = [(n, v) for n, values in request.query_params.lists() for v in values]
    return asked + (list(_sent(request)) if request.method == "POST" else [])


def _sent(request: Request) -> Iterator[tuple[str, str]]:
    for parameter in fields.children(sound_resource_of(request, "Parameters"), "parameter"):
        given = [str(value) for name, value in parameter.items() if name.startswith("value")]
        yield fields.text(parameter, "name"), "".join(given)
