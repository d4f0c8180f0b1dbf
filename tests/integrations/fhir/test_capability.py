"""The CapabilityStatement says what is served, and nothing else."""

from datetime import date

from integrations.fhir.capability import capability_statement
from tests.integrations.fhir.cast import BASE_URL, check


def test_the_statement_lists_what_is_served() -> None:
    statement = capability_statement(base_url=BASE_URL, version="0.1.0", date=date(2026, 11, 22))
    [rest] = statement["rest"]

    assert {
        resource["type"]: [interaction["code"] for interaction in resource["interaction"]]
        for resource in rest["resource"]
    } == {
        "Patient": ["create", "read"],
        "ServiceRequest": ["create", "read", "vread"],
        "Task": ["read", "vread", "search-type"],
        "AuditEvent": ["read", "search-type"],
    }
    assert [
        (resource["type"], parameter["name"])
        for resource in rest["resource"]
        for parameter in resource.get("searchParam", [])
    ] == [("Task", "focus"), ("AuditEvent", "entity")]
    assert rest["interaction"] == [{"code": "transaction"}]


def test_the_statement_is_sound_r4() -> None:
    statement = capability_statement(base_url=BASE_URL, version="0.1.0", date=date(2026, 11, 22))

    assert check(statement) == []
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == f"{BASE_URL}/fhir/R4"
    assert (statement["software"]["version"], statement["date"]) == ("0.1.0", "2026-11-22")
