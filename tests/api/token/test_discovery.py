"""What a SMART client finds before it signs in."""

from django.conf import settings
from django.test import Client


def test_the_discovery_document_says_how_to_sign_in() -> None:
    answer = Client().get("/fhir/R4/.well-known/smart-configuration")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    found = answer.json()
    assert {
        "system/ServiceRequest.crus",
        "system/Task.crus",
        "system/Patient.crus",
        "system/AuditEvent.rs",
    } <= set(found.pop("scopes_supported"))
    assert found == {
        "token_endpoint": f"{settings.PUBLIC_BASE_URL}/oauth2/token",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384", "RS512"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        "code_challenge_methods_supported": ["S256"],
    }


def test_the_document_is_there_for_whoever_sends_other_headers() -> None:
    """A client that asks for FHIR gets it all the same: SMART wants JSON whatever the Accept header says."""
    address = "/fhir/R4/.well-known/smart-configuration"

    for accept in ("application/fhir+json", "text/html", "*/*", "application/json"):
        answer = Client().get(address, headers={"Accept": accept})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json"), accept
