"""What the FHIR endpoint serves: the one list behind the routes and the CapabilityStatement."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SearchParameter:
    """A parameter by which a type can be searched, with its FHIR search type."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Served:
    """A resource type with its interactions, in FHIR's codes."""

    resource_type: str
    interactions: tuple[str, ...]
    search_parameters: tuple[SearchParameter, ...] = ()


RESOURCES = (
    Served(resource_type="Patient", interactions=("create", "read")),
    Served(resource_type="ServiceRequest", interactions=("create", "read", "vread")),
    Served(
        resource_type="Task",
        interactions=("read", "vread", "search-type"),
        search_parameters=(SearchParameter(name="focus", type="reference"),),
    ),
)
SYSTEM_INTERACTIONS = ("transaction",)
