"""What the FHIR endpoint serves: the one list behind the routes and the CapabilityStatement."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SearchParameter:
    """A parameter by which a type can be searched, with its FHIR search type."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Served:
    """A resource type with its interactions, in FHIR's codes; ``takes_condition``: creates heed If-None-Exist."""

    resource_type: str
    interactions: tuple[str, ...]
    search_parameters: tuple[SearchParameter, ...] = ()
    takes_condition: bool = False
    versioning: str = "versioned"


RESOURCES = (
    Served(resource_type="Patient", interactions=("create", "read"), takes_condition=True),
    Served(
        resource_type="ServiceRequest",
        interactions=("create", "read", "vread"),
        takes_condition=True,
    ),
    Served(
        resource_type="Task",
        interactions=("read", "vread", "search-type"),
        search_parameters=(SearchParameter(name="focus", type="reference"),),
    ),
    Served(
        resource_type="AuditEvent",
        interactions=("read", "search-type"),
        search_parameters=(SearchParameter(name="entity", type="reference"),),
        versioning="no-version",
    ),
)
SYSTEM_INTERACTIONS = ("transaction",)
