"""What is refused before anything of it is read, at every address, and what every answer tells a browser."""

import gzip

import pytest
from django.test import Client
from pytest_django import Settings

from tests import cast
from tests.api.answers import issues
from tests.architecture.test_routes import ROUTES, _address

pytestmark = pytest.mark.django_db

ADDRESSES = sorted(
    {_address(name) for name in ROUTES} | {"/nowhere", "/accounts/login/", "/static/x"}
)
POSTED = ["/fhir/R4/ServiceRequest", "/fhir/R4", "/oauth2/token", "/r/check", "/accounts/login/"]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST", "TRACE"])
def test_every_answer_is_dressed(address: str, method: str, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000

    answer = Client().generic(method, address, secure=True)

    assert answer.status_code < 500
    assert {name: answer[name] for name in HEADERS} == HEADERS
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "geolocation=()" in answer["Permissions-Policy"]
    assert answer["Strict-Transport-Security"].startswith("max-age=31536000")
    if method == "TRACE":
        assert answer.status_code >= 400 or answer.status_code == 302


@pytest.mark.parametrize("address", POSTED)
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, 415),
        ({"HTTP_CONTENT_ENCODING": "br, gzip"}, 415),
        ({"CONTENT_LENGTH": "-1"}, 400),
        ({"CONTENT_LENGTH": "1e3"}, 400),
        ({"CONTENT_LENGTH": "\xb2"}, 400),
        ({"CONTENT_LENGTH": "1048577"}, 413),
        ({"QUERY_STRING": "a=%00"}, 400),
    ],
)
def test_what_must_not_be_read_is_refused(address: str, sent: dict[str, str], status: int) -> None:
    answer = Client().generic("POST", address, gzip.compress(b"{}"), **sent)  # type: ignore[arg-type]

    assert answer.status_code == status
    if address.startswith("/fhir"):
        assert issues(answer, status)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/R4/Patient/%00",
        "/fhir/R4/Task?focus=%00",
        "/r/%00",
        "/fhir/R4/%ff%fe",
        "/%c0%ae",
        "/r/%ff",
    ],
)
def test_a_broken_address_is_no_fault_of_ours(gp_system: cast.ClinicalSystem, path: str) -> None:
    assert gp_system.get(path).status_code in {302, 400, 404}


@pytest.mark.parametrize(
    "path", ["/fhir/R4/metadata", "/", "/r/start", "/api/conditions", "/help/now"]
)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1@evil.example", "testserver:x", ""])
def test_another_host_name_is_refused(path: str, host: str) -> None:
    answer = Client().get(path, headers={"Host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_header_does_not_change_the_method(gp_system: cast.ClinicalSystem) -> None:
    answer = gp_system.post(
        "/fhir/R4/ServiceRequest", {}, X_HTTP_Method_Override="GET", X_Method_Override="GET"
    )

    assert issues(answer, 400)


def test_a_form_of_very_many_fields_is_refused() -> None:
    form = "&".join(f"f{number}=1" for number in range(1001))
    kind = "application/x-www-form-urlencoded"

    answers = [
        Client().post(path, form, content_type=kind).status_code
        for path in ("/oauth2/token", "/accounts/login/")
    ]

    assert answers == [400, 400]
