"""Making assertions, right and wrong, and asking for a token with them."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.test import Client
from django.utils import timezone
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from scripts.signing import ASSERTION_TYPE
from tests.api.answers import Answer

FORM = "application/x-www-form-urlencoded"
SCOPE = "system/ServiceRequest.crs system/Task.rs system/Patient.cr"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AUDIENCE = f"{settings.PUBLIC_BASE_URL}/oauth2/token"


def claims_of(client_id: object, **changes: Any) -> dict[str, Any]:
    """Claims that are right, with changes; a change to None leaves the claim out."""
    claims = {
        "iss": str(client_id),
        "sub": str(client_id),
        "aud": AUDIENCE,
        "exp": int(timezone.now().timestamp()) + 240,
        "jti": uuid4().hex,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(key: Key, claims: object, *, alg: str, **changes: Any) -> str:
    """A compact JWS of anything, right or wrong. ``changes`` are of the header; None leaves a member out."""
    header = {"alg": alg, "typ": "JWT", "kid": key.kid, **changes}
    header = {name: value for name, value in header.items() if value is not None}
    return sealed(key, json.dumps(header), json.dumps(claims), alg=alg)


def sealed(key: Key, header: str, payload: str, *, alg: str) -> str:
    """Two texts, whatever they say, with a signature that fits them."""
    content = f"{encoded(header.encode())}.{encoded(payload.encode())}"
    signature = JWSRegistry.algorithms[alg].sign(content.encode(), key)
    return f"{content}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    """A part of a compact JWS."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def ask(assertion: str, *, scope: str = SCOPE, http: Client | None = None) -> Answer:
    """Ask for a token."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": scope,
    }
    return send(form, http=http)


def send(form: dict[str, str], *, http: Client | None = None) -> Answer:
    """POST a form to the token endpoint."""
    return (http or Client()).post("/oauth2/token", urlencode(form), content_type=FORM)


def error_of(answer: Answer, status: int) -> str:
    """The OAuth error of a refusal, after making sure that it says something and gives nothing."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    assert "no-store" in answer["Cache-Control"]
    refusal = json.loads(answer.content)
    assert refusal["error_description"]
    assert "access_token" not in refusal
    return str(refusal["error"])
