"""What we publish about ourselves is what we do: openapi.yaml. The CapabilityStatement: tests/api/test_metadata.py."""

import pytest
import yaml
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

from tests.architecture.tree import ROOT


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
