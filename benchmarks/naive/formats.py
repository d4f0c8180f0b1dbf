"""JSON under FHIR's name."""

from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer


class FhirParser(JSONParser):
    """In."""

    media_type = "application/fhir+json"


class FhirRenderer(JSONRenderer):
    """Out."""

    media_type = "application/fhir+json"
