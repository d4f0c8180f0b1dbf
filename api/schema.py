"""``GET /api/schema/``: the OpenAPI document, for whoever builds against this service."""

from drf_spectacular.views import SpectacularAPIView

from api.throttling import Counted


class Schema(Counted, SpectacularAPIView):
    """Made anew for each request, and so counted like everything that strangers may ask for."""
