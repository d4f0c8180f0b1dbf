"""A request body all the way in, as the endpoints take it."""

from collections.abc import Callable
from typing import Any

from integrations.fhir import bundle, checking, patient, service_request, subject, wire
from tests.integrations.fhir.cast import BASE_URL

TAKES = {"POST": ("Patient", "ServiceRequest", "Task")}
_READERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "Patient": patient.read,
    "ServiceRequest": lambda resource: service_request.read(
        resource, base_url=BASE_URL, resolve=subject.nothing_to_resolve
    ),
    "Bundle": lambda resource: bundle.read_transaction(resource, takes=TAKES, base_url=BASE_URL),
}


def take_in(body: bytes, resource_type: str) -> object:
    """What the domain would be handed; Refused otherwise."""
    accepted = checking.accept(
        wire.parse(body),
        resource_type=resource_type,
        read=_READERS[resource_type],
        base_url=BASE_URL,
    )
    return accepted.content


def read_unchecked(resource: dict[str, Any], resource_type: str) -> object:
    """The reading alone, of a resource that the checks have not seen."""
    return _READERS[resource_type](resource)
