"""The form that asks for a token: what is missing or odd is said in the words of OAuth."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from scripts.signing import ASSERTION_TYPE
from tests.api.token.assertions import (
    FORM,
    SCOPE,
    error_of,
    send,
)

pytestmark = pytest.mark.django_db


def _form(**changes: str | None) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": "e30.e30.e30",
        "scope": SCOPE,
        **changes,
    }
    return {name: value for name, value in form.items() if value is not None}


@pytest.mark.parametrize("grant_type", ["authorization_code", "password", "refresh_token", ""])
def test_another_grant_type_is_unsupported(db: None, grant_type: str) -> None:
    assert error_of(send(_form(grant_type=grant_type)), 400) == "unsupported_grant_type"


@pytest.mark.parametrize("name", ["client_assertion_type", "client_assertion", "scope"])
def test_a_missing_field_is_an_invalid_request(db: None, name: str) -> None:
    assert error_of(send(_form(**{name: None})), 400) == "invalid_request"


def test_a_missing_grant_type_is_an_invalid_request(db: None) -> None:
    """RFC 6749 section 5.2: unsupported is for a grant type that is there."""
    assert error_of(send(_form(grant_type=None)), 400) == "invalid_request"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_assertion_type", "jwt-bearer"),
        ("client_assertion", "x" * 8001),
        ("client_assertion", "e30.\x00.e30"),
        ("client_assertion", " "),
        ("scope", "x" * 501),
        ("scope", ""),
    ],
    ids=["assertion type", "long assertion", "NUL", "blank", "long scope", "no scope"],
)
def test_a_field_that_cannot_be_is_an_invalid_request(db: None, name: str, value: str) -> None:
    assert error_of(send(_form(**{name: value})), 400) == "invalid_request"


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_only_a_form_is_taken(db: None, content_type: str) -> None:
    answer = Client().generic("POST", "/oauth2/token", b"{}", content_type=content_type)

    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("charset", ["hex", "utf-16", "no-such-charset", "zlib", "idna"])
def test_an_odd_charset_is_no_fault_of_ours(db: None, charset: str) -> None:
    answer = Client().generic(
        "POST", "/oauth2/token", urlencode(_form()), content_type=f"{FORM}; charset={charset}"
    )

    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "FOO"])
def test_only_post_is_possible(db: None, method: str) -> None:
    answer = Client().generic(method, "/oauth2/token")

    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/json"
    assert "POST" in answer["Allow"]


def test_a_huge_body_is_not_read(db: None) -> None:
    answer = Client().post("/oauth2/token", "x" * 1_048_577, content_type=FORM)

    assert answer.status_code == 413


def test_thousands_of_fields_are_refused(db: None) -> None:
    answer = Client().post("/oauth2/token", "&".join(["a=1"] * 2000), content_type=FORM)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
