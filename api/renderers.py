"""JSON out, by orjson."""

from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from integrations.fhir import wire


class JsonRenderer(BaseRenderer):
    """Plain JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Bytes; nothing for nothing."""
        del accepted_media_type, renderer_context
        return b"" if data is None else orjson.dumps(data)


class FhirRenderer(JsonRenderer):
    """FHIR's JSON: numbers leave as they came."""

    media_type = "application/fhir+json"
    format = "fhir"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Bytes; nothing for nothing. ``_pretty=true`` asks for lines that a person can read."""
        del accepted_media_type
        request = (renderer_context or {}).get("request")
        is_pretty = request is not None and request.query_params.get("_pretty") == "true"
        return b"" if data is None else wire.dump(data, is_pretty=is_pretty)


class FhirAsJsonRenderer(FhirRenderer):
    """The same for those who ask for plain ``application/json``."""

    media_type = "application/json"
    format = "json"
