"""A request body all the way in, as the endpoints take it."""

from collections.abc import Callable
from typing import Any

from integrations.fhir import bundle, checking, patient, service_request, subject, wire
from integrations.fhir.outcome import Refused
from tests.integrations.fhir.cast import BASE_URL

_READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "Patient": patient.read,
    "ServiceRequest": lambda resource: service_request.read(
        resource, base_url=BASE_URL, resolve=subject.nothing_to_resolve
    ),
    "Bundle": lambda resource: bundle.read_transaction(resource, base_url=BASE_URL),
}


def take_in(body: bytes, resource_type: str) -> object:
    """What the domain would be handed; Refused otherwise."""
    resource = wire.parse(body)
    if findings := checking.check(resource, resource_type=resource_type):
        raise Refused(400, findings)
    return _READERS[resource_type](resource)


def read_unchecked(resource: dict[str, Any], resource_type: str) -> object:
    """The reading alone, of a resource that the checks have not seen."""
    return _READERS[resource_type](resource)
