"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Whether this is a demonstration: then every page says so."""
    del request
    return {"demo": settings.DEMO}
