"""Reading one referral as FHIR: the ServiceRequest and the Task are two renderings of the same row."""

from collections.abc import Callable
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from api.fhir.base import BASE_URL, actor_of, id_of, versioned
from referrals.reading import read_referral

Render = Callable[..., dict[str, Any]]


def seen(
    request: Request, resource_id: str, *, render: Render, version: int | None = None
) -> Response:
    """The referral at a version (default: the newest) as ``render`` shows it; foreign and absent are 404 alike."""
    found = read_referral(
        referral_id=id_of(resource_id), version=version, by=actor_of(request), at=timezone.now()
    )
    if found is None:
        raise Http404
    rendered = render(found.referral, found.change, base_url=BASE_URL)
    return Response(rendered, headers=versioned(found.change.version, found.change.at))
