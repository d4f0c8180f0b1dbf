"""Every address, and who may use it. A new address without a line here fails."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Everybody; a clinical system's token; a signed-in person; a patient's opened link; a host's signature.
EVERYBODY = {
    "home", "help-now", "icon", "token", "fhir-metadata", "fhir-smart", "fhir-no-operation", "fhir-not-served", "api-conditions",
    "api-schema", "health-live", "health-ready", "metrics", "patient-code", "patient-link", "patient-start",
    "patient-check", "patient-close", "directory", "directory-community", "api-communities", "api-community",
    "oruk", "oruk-services", "oruk-service", "oruk-service-at-locations", "oruk-organizations", "oruk-organization",
    "oruk-taxonomies", "oruk-taxonomy", "oruk-taxonomy-terms", "oruk-taxonomy-term",
    *(
        f"fhir-{resource_type}-{place}"
        for resource_type in ("StructureDefinition", "CodeSystem", "ValueSet", "OperationDefinition")
        for place in ("collection", "search", "instance")
    ),
}  # fmt: skip
_FOUND = ("collection", "search", "instance", "validate", "instance-validate")
_VERSIONED = (*_FOUND, "type-history", "history", "version")
_TYPES = {
    "Patient": _VERSIONED,
    "ServiceRequest": (*_VERSIONED, "compartment"),
    "Task": (*_VERSIONED, "compartment"),
    "Subscription": _VERSIONED,
    "Provenance": (*_FOUND, "compartment"),
    "AuditEvent": _FOUND,
    "HealthcareService": _FOUND,
    "Location": _FOUND,
    "Organization": _FOUND,
    "Group": _FOUND,
    "Bundle": ("validate",),
}
CLINICAL_SYSTEM = {
    "fhir-transaction", "fhir-process-message", "fhir-match", "fhir-subscriptions-status", "fhir-subscription-status",
    "fhir-subscription-events", "fhir-everything", "fhir-events", "fhir-request-actions", "fhir-task-actions",
    "fhir-export", "fhir-patient-export", "fhir-group-export", "fhir-export-status", "fhir-export-file",
    *(f"fhir-{resource_type}-{place}" for resource_type, places in _TYPES.items() for place in places),
}  # fmt: skip
SIGNED_IN = {
    "api-funnel", "commissioner-funnel-csv", "commissioner-funnel", "commissioner-fairness", "api-fairness",
    "api-unmet-need",
}  # fmt: skip
COORDINATOR = {
    "host-communities", "host-add", "host-community", "host-edit", "host-places", "host-attest", "host-withdraw",
    "host-pause", "host-resume",
}  # fmt: skip
REVIEWER = {"reviews", "review", "review-suspend"}
PATIENT = {
    "patient-about", "patient-choose", "patient-share", "patient-done", "patient-manage",
    "patient-leave", "patient-decline",
}  # fmt: skip
HOST = {"api-events", "api-community-capacity"}

_ID = "0190a000-0000-4000-8000-000000000000"
_ARGUMENTS = {
    "resource_id": _ID,
    "patient_id": _ID,
    "revision_id": _ID,
    "version": "1",
    "number": "1",
    "key_id": _ID,
    "code": "x",
    "key": "f001",
    "path": "",
}


def _patterns(resolver: URLResolver) -> list[URLPattern]:
    found: list[URLPattern] = []
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            # Django's and allauth's own, each with tests of its own: test_access_matrix, tests/web/test_admin.
            if str(entry.pattern) not in ("accounts/", "admin/"):
                found += _patterns(entry)
        else:
            found.append(entry)
    return found


ROUTES = {str(pattern.name): pattern for pattern in _patterns(get_resolver())}


def _address(name: str) -> str:
    route = str(ROUTES[name].pattern).strip("^$").replace("/?", "").replace("(/.*)?", "")
    for kind in ("str", "int", "uuid", "slug"):
        for argument, value in _ARGUMENTS.items():
            route = route.replace(f"<{kind}:{argument}>", value)
    return f"/{route}"


def test_every_address_says_who_may_use_it() -> None:
    assert set(ROUTES) == (
        EVERYBODY | CLINICAL_SYSTEM | SIGNED_IN | COORDINATOR | REVIEWER | PATIENT | HOST
    )


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(CLINICAL_SYSTEM))
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_fhir_is_closed_without_a_token(name: str, method: str) -> None:
    response = getattr(Client(), method)(_address(name))

    assert response.status_code == 401
    assert response.json()["resourceType"] == "OperationOutcome"
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(SIGNED_IN))
def test_figures_are_closed_without_signing_in(name: str) -> None:
    response = Client().get(_address(name))

    assert response.status_code in {302, 401}
    assert "login" in response.get("Location", "login")


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(COORDINATOR | REVIEWER))
@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_pages_are_closed_without_signing_in(name: str, method: str) -> None:
    response = getattr(Client(), method)(_address(name))

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PATIENT))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_patients_pages_are_closed_without_the_opened_link(name: str, method: str) -> None:
    response = getattr(Client(), method)(_address(name))

    assert response.status_code == 302
    assert response["Location"] == "/r/"


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(HOST))
def test_what_hosts_say_is_closed_without_a_signature(name: str) -> None:
    method, media_type = {
        "api-events": ("post", "application/cloudevents-batch+json"),
        "api-community-capacity": ("put", "application/json"),
    }[name]

    response = getattr(Client(), method)(_address(name), b"[]", content_type=media_type)

    assert response.status_code == 401
