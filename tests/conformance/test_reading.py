"""R4, RESTful API: read, vread, history, conditional read, formats and capabilities."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from tests import cast
from tests.api.answers import issues
from tests.conformance.conftest import Get, Resource, body
from tests.integrations.fhir.cast import check

pytestmark = pytest.mark.django_db

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
# The resource types that R4 has and this service might be expected to hold.
EXPECTED = {
    "Patient", "Practitioner", "PractitionerRole", "Organization", "ServiceRequest", "Task", "Consent",
    "HealthcareService", "Location", "Endpoint", "CommunicationRequest", "Communication", "Questionnaire",
    "QuestionnaireResponse", "Observation", "Provenance", "AuditEvent", "Subscription", "Measure",
    "MeasureReport", "OperationDefinition",
}  # fmt: skip


def test_read_returns_the_resource_with_its_id_and_version(referral: Resource) -> None:
    """R4 http, Resource Metadata and Versioning: id, meta.versionId and meta.lastUpdated come with what is read."""
    assert referral["resourceType"] == "ServiceRequest"
    assert referral["meta"]["versionId"] == "3"
    assert datetime.fromisoformat(referral["meta"]["lastUpdated"]) <= datetime.now(UTC)


def test_read_returns_the_version_as_etag_and_the_date_as_last_modified(
    gp_system: cast.ClinicalSystem, referral: Resource
) -> None:
    """R4 http, read: ETag carries versionId, Last-Modified carries lastUpdated."""
    answer = gp_system.get(f"/fhir/R4/ServiceRequest/{referral['id']}")

    moment = datetime.fromisoformat(referral["meta"]["lastUpdated"]).replace(microsecond=0)
    assert answer["ETag"] == 'W/"3"'
    assert parsedate_to_datetime(answer["Last-Modified"]) == moment


@pytest.mark.parametrize(
    "name", ["0190a000-0000-4000-8000-000000000000", "no-id-of-ours", "A" * 64]
)
def test_read_of_an_unknown_id_is_404(gp_system: cast.ClinicalSystem, name: str) -> None:
    """R4 http, read: an unknown resource is 404."""
    assert issues(gp_system.get(f"/fhir/R4/Patient/{name}"), 404)


def test_read_answers_head_with_the_same_headers(
    gp_system: cast.ClinicalSystem, referral: Resource
) -> None:
    """R4 http, read: HEAD is served wherever GET is, without a body."""
    place = f"/fhir/R4/ServiceRequest/{referral['id']}"
    full = gp_system.get(place)

    head = gp_system.http.head(place, headers={"Authorization": f"Bearer {gp_system.token}"})

    assert (head.status_code, head.content) == (200, b"")
    assert (head["ETag"], head["Last-Modified"]) == (full["ETag"], full["Last-Modified"])


def test_vread_returns_an_earlier_version(referral: Resource, get: Get) -> None:
    """R4 http, vread: the content of a version, with that version's id and etag."""
    first = get(f"ServiceRequest/{referral['id']}/_history/1")

    assert (first["id"], first["meta"]["versionId"]) == (referral["id"], "1")
    assert first["meta"]["lastUpdated"] <= referral["meta"]["lastUpdated"]


def test_vread_of_the_current_version_is_what_read_returns(referral: Resource, get: Get) -> None:
    """R4 http, vread: the newest version is the current one."""
    assert get(f"ServiceRequest/{referral['id']}/_history/3") == referral


def test_vread_of_an_unknown_version_is_404(
    gp_system: cast.ClinicalSystem, referral: Resource
) -> None:
    """R4 http, vread: a version that never was is not found."""
    assert issues(gp_system.get(f"/fhir/R4/ServiceRequest/{referral['id']}/_history/4"), 404)


def test_what_is_created_at_location_can_be_read_there(
    gp_system: cast.ClinicalSystem, patient: Resource, get: Get
) -> None:
    """R4 http, Style Guide: a resource is at [base]/[type]/[id]."""
    assert get(f"Patient/{patient['id']}") == patient


def test_conditional_read_by_etag_is_304(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, conditional read: If-None-Match with the current ETag."""
    answer = gp_system.get(f"/fhir/R4/Patient/{patient['id']}", If_None_Match='W/"1"')

    assert (answer.status_code, answer.content) == (304, b"")


def test_conditional_read_by_date_is_304(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, conditional read: If-Modified-Since with the date of the last change."""
    place = f"/fhir/R4/Patient/{patient['id']}"
    modified = gp_system.get(place)["Last-Modified"]

    assert gp_system.get(place, If_Modified_Since=modified).status_code == 304


def test_conditional_read_of_another_version_returns_the_resource(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, conditional read: what has changed is sent."""
    answer = gp_system.get(f"/fhir/R4/Patient/{patient['id']}", If_None_Match='W/"0"')

    assert body(answer) == patient


# History


def test_history_of_an_instance_is_a_bundle_of_type_history(referral: Resource, get: Get) -> None:
    """R4 http, history: a Bundle of type history, sound R4."""
    bundle = get(f"ServiceRequest/{referral['id']}/_history")

    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "history", 3)
    assert check(bundle) == []


def test_history_is_sorted_with_the_newest_first(referral: Resource, get: Get) -> None:
    """R4 http, history: oldest versions last."""
    entries = get(f"ServiceRequest/{referral['id']}/_history")["entry"]

    assert [entry["resource"]["meta"]["versionId"] for entry in entries] == ["3", "2", "1"]


def test_history_entries_bear_request_and_response(referral: Resource, get: Get) -> None:
    """R4 Bundle, bdl-3 and bdl-4: each entry of a history has its request and response."""
    entries = get(f"ServiceRequest/{referral['id']}/_history")["entry"]

    for entry in entries:
        assert entry["fullUrl"] == f"{BASE}/ServiceRequest/{referral['id']}"
        assert entry["request"]["method"] in {"POST", "PUT"}
        assert entry["response"]["etag"] == f'W/"{entry["resource"]["meta"]["versionId"]}"'


def test_history_of_a_type_covers_all_its_resources(
    patient: Resource, referral: Resource, get: Get
) -> None:
    """R4 http, history: [type]/_history."""
    ids = {entry["resource"]["id"] for entry in get("ServiceRequest/_history")["entry"]}

    assert ids == {referral["id"]}


def test_history_since_a_moment_leaves_out_what_was_before(referral: Resource, get: Get) -> None:
    """R4 http, history: _since takes only versions made at or after the instant."""
    moment = referral["meta"]["lastUpdated"].replace("Z", "%2B00:00")

    entries = get(f"ServiceRequest/{referral['id']}/_history?_since={moment}")["entry"]

    assert "1" not in [entry["resource"]["meta"]["versionId"] for entry in entries]
    assert entries[0]["resource"] == referral


def test_history_count_bounds_the_page_and_links_to_the_next(referral: Resource, get: Get) -> None:
    """R4 http, history: _count, and paging as for searches."""
    page = get(f"ServiceRequest/{referral['id']}/_history?_count=1")

    assert len(page["entry"]) == 1
    assert "next" in [link["relation"] for link in page["link"]]


def test_history_of_an_unknown_resource_is_404(gp_system: cast.ClinicalSystem) -> None:
    """R4 http, history: of what never was."""
    assert issues(gp_system.get(f"/fhir/R4/Task/{uuid4()}/_history"), 404)


# Formats


def test_answers_are_fhir_json_in_utf8(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, Content Types and encodings: application/fhir+json, in UTF-8."""
    answer = gp_system.get(f"/fhir/R4/Patient/{patient['id']}")

    assert answer["Content-Type"] == "application/fhir+json"
    assert json.loads(answer.content.decode("utf-8")) == patient


def test_format_overrides_the_accept_header(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, General Parameters: _format goes before Accept."""
    place = f"/fhir/R4/Patient/{patient['id']}"

    assert body(gp_system.get(f"{place}?_format=json", Accept="text/html")) == patient
    assert issues(gp_system.get(f"{place}?_format=xml"), 406)


def test_accept_of_what_is_not_spoken_is_406(
    gp_system: cast.ClinicalSystem, patient: Resource
) -> None:
    """R4 http, Content Types and encodings: 406 where no acceptable format is served."""
    place = f"/fhir/R4/Patient/{patient['id']}"

    assert issues(gp_system.get(place, Accept="application/fhir+xml"), 406)


def test_pretty_asks_for_lines(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 http, General Parameters: _pretty changes the look and not the content."""
    answer = gp_system.get(f"/fhir/R4/Patient/{patient['id']}?_pretty=true")

    assert b"\n" in answer.content
    assert body(answer) == patient


@pytest.mark.parametrize("part", ["_summary=true", "_elements=name"])
def test_a_part_of_a_resource_is_marked_as_subsetted(
    patient: Resource, get: Get, part: str
) -> None:
    """R4 search, _summary and _elements: an incomplete resource bears the tag SUBSETTED."""
    read = get(f"Patient/{patient['id']}?{part}")

    assert "SUBSETTED" in [tag["code"] for tag in read["meta"]["tag"]]
    assert read["name"] == patient["name"]


def test_a_decimal_keeps_its_precision(gp_system: cast.ClinicalSystem, patient: Resource) -> None:
    """R4 datatypes, decimal: the precision of a decimal is kept."""
    text = json.dumps(
        patient | {"extension": [{"url": "https://gp.example/score", "valueDecimal": "@"}]}
    ).replace('"@"', "0.40")

    answer = gp_system.http.put(
        f"/fhir/R4/Patient/{patient['id']}",
        text,
        content_type=cast.FHIR_JSON,
        headers={"Authorization": f"Bearer {gp_system.token}"},
    )

    assert b'"valueDecimal":0.40}' in answer.content


# Capabilities


def _statement() -> Resource:
    return body(Client().get("/fhir/R4/metadata"))


def test_capabilities_are_read_without_a_token() -> None:
    """R4 http, capabilities: GET [base]/metadata returns the CapabilityStatement of the server."""
    statement = _statement()

    assert (statement["resourceType"], statement["kind"]) == ("CapabilityStatement", "instance")
    assert check(statement) == []


def test_capabilities_name_the_version_of_fhir_and_the_formats() -> None:
    """R4 CapabilityStatement: fhirVersion and format are required."""
    statement = _statement()

    assert statement["fhirVersion"] == "4.0.1"
    assert "application/fhir+json" in statement["format"]
    assert statement["patchFormat"] == ["application/json-patch+json"]


def test_capabilities_say_how_to_sign_in() -> None:
    """SMART App Launch 2.2, conformance: the service and its well-known configuration."""
    security = _statement()["rest"][0]["security"]
    smart = json.loads(Client().get("/fhir/R4/.well-known/smart-configuration").content)

    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert smart["token_endpoint"] == f"{settings.PUBLIC_BASE_URL}/oauth2/token"


def test_a_type_is_served_as_stated_or_answered_with_not_supported(
    gp_system: cast.ClinicalSystem,
) -> None:
    """R4 http, capabilities: what is stated is served; everything else is said not to be."""
    stated = {one["type"] for one in _statement()["rest"][0]["resource"]}

    for kind in EXPECTED:
        answers = [gp_system.get(f"/fhir/R4/{kind}"), gp_system.post(f"/fhir/R4/{kind}", {})]
        codes = {_first_code(answer) for answer in answers if answer.status_code == 404}
        assert codes == (set() if kind in stated else {"not-supported"}), kind


def _first_code(answer: Any) -> str:
    return str(issues(answer, 404)[0]["code"])


def test_an_interaction_that_is_not_stated_is_405(wide_system: cast.ClinicalSystem) -> None:
    """R4 http, HTTP Status Codes: a known address without the method."""
    answer = wide_system.post("/fhir/R4/Provenance", {"resourceType": "Provenance"})

    assert issues(answer, 405)
