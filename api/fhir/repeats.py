"""A request that comes again: carried out once, and answered as its sender's standard asks.

In this order: X-Request-ID (BaRS), Idempotency-Key, If-None-Exist, the identifiers of the referral itself. Why so:
docs/adr/0009-exactly-once.md.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Protocol

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.models import RepeatKind
from accounts.repeating import Made, Mark, RequestDone, claim, remember
from api.fhir.base import actor_of
from integrations.fhir.outcome import Refused, malformed

KEY = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,255}")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_BARS_IDS = ("X-Request-ID", "X-Correlation-ID")


class Show(Protocol):
    """Makes the answer from what was made: the first time, and whenever the request is repeated."""

    def __call__(self, made: Sequence[Made], *, is_repeat: bool) -> Response: ...


def once(request: Request, *, make: Callable[[], Sequence[Made]], show: Show) -> Response:
    """Carry out a request unless its marks say that it was, and answer alike either way.

    Runs in the transaction of the view, so that a refusal takes the marks back too: a corrected request may bear them.
    """
    actor, at = actor_of(request), timezone.now()
    made: Sequence[Made] = ()
    open_claims = []
    for mark in _marks(request, actor):
        is_bars = mark.kind is RepeatKind.BARS_REQUEST
        claimed = claim(mark, by=actor, at=at, may_wait=not is_bars)
        if claimed.made and is_bars:
            raise RequestDone(claimed.made)
        if not claimed.made:
            open_claims.append(claimed)
        made = claimed.made
    is_repeat = bool(made)
    made = made or make()
    for claimed in open_claims:
        remember(claimed, made)
    answer = show(made, is_repeat=is_repeat)
    if is_repeat:
        answer["Idempotency-Replayed"] = "true"
    return answer


def _marks(request: Request, actor: Actor) -> Iterator[Mark]:
    """The request's own marks, those that decide first before the others. Raises Refused for one that is none."""
    whole = _whole(request)
    if actor.is_bars:
        for name in _BARS_IDS:
            _check_guid(request, name)
        request_id = request.headers["X-Request-ID"].lower()
        yield Mark(kind=RepeatKind.BARS_REQUEST, text=request_id, request=whole)
    key = request.headers.get(KEY)
    if key is not None:
        if not _KEY.fullmatch(key):
            text = f"{KEY} must be 1 to 255 visible ASCII characters."
            raise Refused(400, [malformed("value", text)])
        yield Mark(kind=RepeatKind.IDEMPOTENCY_KEY, text=key, request=whole)


def _whole(request: Request) -> str:
    """All that makes two requests the same: what is asked of which address on which condition."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    condition = request.headers.get("If-None-Exist", "")
    place = f"{request.method} {request.path.rstrip('/')}"
    return "\n".join((place, media_type, condition, sha256(request.body).hexdigest()))


def _check_guid(request: Request, name: str) -> None:
    value = request.headers.get(name)
    if value is None:
        text = f"{name} is missing. Send a GUID; the same one only when the same request is sent again."
        raise Refused(400, [malformed("required", text)])
    if not _GUID.fullmatch(value):
        raise Refused(400, [malformed("invalid", f"{name} must be a GUID.")])
