"""What we publish about ourselves is what we do: the CapabilityStatement and openapi.yaml."""

import pytest
import yaml
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

from integrations.fhir.served import RESOURCES
from tests.architecture.tree import ROOT
from tests.cast import Answer, ClinicalSystem, clinical_system

_ABSENT = "0190a000-0000-4000-8000-000000000000"
# How to ask for an interaction, and what a server that has it answers when there is nothing to find.
_ASKED = {
    "create": ("post", "/fhir/R4/{type}", {400, 422}),
    "read": ("get", "/fhir/R4/{type}/" + _ABSENT, {404}),
    "vread": ("get", "/fhir/R4/{type}/" + _ABSENT + "/_history/1", {404}),
    "search-type": ("get", "/fhir/R4/{type}?{parameter}=ServiceRequest/" + _ABSENT, {200}),
}
_EVERY = [
    (served.resource_type, code, code in served.interactions)
    for served in RESOURCES
    for code in _ASKED
]


def _asked(system: ClinicalSystem, method: str, address: str, resource_type: str) -> Answer:
    if method == "post":
        return system.post(address, {"resourceType": resource_type})
    return system.get(address)


@pytest.mark.django_db
@pytest.mark.parametrize(("resource_type", "interaction", "is_served"), _EVERY)
def test_the_capability_statement_tells_the_truth(
    gp_system: ClinicalSystem, resource_type: str, interaction: str, is_served: bool
) -> None:
    gp_system = clinical_system(gp_system.organisation, scope="system/*.crs")
    method, path, good = _ASKED[interaction]
    parameter = "entity" if resource_type == "AuditEvent" else "focus"
    address = path.format(type=resource_type, parameter=parameter)

    answer = _asked(gp_system, method, address, resource_type)

    body = answer.json()
    is_refused_as_such = answer.status_code == 405 or "not-supported" in str(body)
    assert (answer.status_code in good and not is_refused_as_such) == is_served, body


def test_the_published_openapi_is_the_one_of_the_code() -> None:
    made = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]

    published = yaml.safe_load((ROOT / "openapi.yaml").read_text())

    assert yaml.safe_load(yaml.safe_dump(made)) == published


def test_openapi_is_valid() -> None:
    validate(yaml.safe_load((ROOT / "openapi.yaml").read_text()))


@pytest.mark.django_db
def test_openapi_is_served_to_everybody() -> None:
    answer = Client().get("/api/schema/")

    assert answer.status_code == 200
