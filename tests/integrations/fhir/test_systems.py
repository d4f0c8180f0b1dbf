"""One system, many spellings."""

import pytest

from integrations.fhir import systems


@pytest.mark.parametrize(
    ("received", "canonical"),
    [
        ("https://fhir.nhs.uk/Id/nhs-number", systems.NHS_NUMBER),
        ("http://fhir.nhs.uk/Id/nhs-number", systems.NHS_NUMBER),
        ("http://fhir.nhs.net/Id/nhs-number", systems.NHS_NUMBER),
        ("https://fhir.nhs.uk/id/nhs-number", systems.NHS_NUMBER),
        ("https://fhir.nhs.uk/id/ods-organization-code", systems.ODS_ORGANIZATION_CODE),
        ("https://fhir.nhs.uk/Id/ods-organisation-code", systems.ODS_ORGANIZATION_CODE),
        ("http://fhir.nhs.uk/Id/dos-service-id", "https://fhir.nhs.uk/Id/dos-service-id"),
        ("http://fhir.nhs.uk/Id/product-id", "https://fhir.nhs.uk/id/product-id"),
        ("https://fhir.nhs.uk/id/product-id", "https://fhir.nhs.uk/id/product-id"),
        ("https://fhir.nhs.uk/Id/UBRN", "https://fhir.nhs.uk/Id/UBRN"),
        ("https://fhir.nhs.uk/Codesystem/http-error-codes", systems.HTTP_ERROR_CODES),
        ("http://fhir.hl7.org.uk/id/gmc-number", "https://fhir.hl7.org.uk/Id/gmc-number"),
        ("https://snomed.info/sct", systems.SNOMED),
        ("https://practice.example/Id/nhs-number", "https://practice.example/Id/nhs-number"),
        ("https://fhir.nhs.uk.evil.example/Id/nhs-number",) * 2,
        ("",) * 2,
    ],
)
def test_a_system_is_brought_to_one_spelling(received: str, canonical: str) -> None:
    assert systems.normalise(received) == canonical
    assert systems.normalise(canonical) == canonical


def test_own_systems_live_under_the_base_url() -> None:
    base = "https://referrals.example"

    assert systems.own(base, "referral-type") == f"{base}/fhir/R4/CodeSystem/referral-type"
    assert systems.own_identifier(base, "referral") == f"{base}/fhir/Id/referral"
