"""Who gets a token, and what a token opens for how long."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from joserfc.jwk import ECKey, RSAKey

from accounts.models import AccessToken
from accounts.models import Client as RegisteredClient
from accounts.registering import switch_off
from audit.models import Action, Entry
from tests import cast
from tests.api.answers import issues, stored_text
from tests.api.token.assertions import (
    AUDIENCE,
    NOON,
    SCOPE,
    ask,
    claims_of,
    signed,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("alg", ["RS384", "ES384", "RS512"])
def test_a_signed_assertion_is_exchanged_for_a_token_of_five_minutes(
    client: RegisteredClient, rsa_key: RSAKey, ec_key: ECKey, alg: str
) -> None:
    key = ec_key if alg == "ES384" else rsa_key

    answer = ask(signed(key, claims_of(client.pk), alg=alg))

    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    assert answer["Pragma"] == "no-cache"
    body = json.loads(answer.content)
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 300
    assert body["scope"] == SCOPE
    assert (
        Entry.objects.filter(action=Action.TOKEN_ISSUED, actor=f"client/{client.pk}").count() == 1
    )


def test_a_token_is_kept_only_as_its_hash(client: RegisteredClient, ec_key: ECKey) -> None:
    assertion = signed(ec_key, claims_of(client.pk, jti="canary-jti-7c1f"), alg="ES384")

    token = json.loads(ask(assertion).content)["access_token"]

    kept = AccessToken.objects.get(client=client)
    assert kept.token_hash == sha256(token.encode()).hexdigest()
    text = stored_text()
    assert token not in text
    assert "canary-jti-7c1f" not in text


def test_two_tokens_are_never_alike(client: RegisteredClient, ec_key: ECKey) -> None:
    tokens = {
        json.loads(ask(signed(ec_key, claims_of(client.pk), alg="ES384")).content)["access_token"]
        for _ in range(5)
    }

    assert len(tokens) == 5
    assert all(len(token) >= 43 for token in tokens)  # 256 bits


def test_a_token_opens_nothing_once_its_five_minutes_are_over(
    gp_system: cast.ClinicalSystem,
) -> None:
    absent = f"/fhir/R4/ServiceRequest/{uuid4()}"
    with time_machine.travel(NOON, tick=False) as clock:
        gp_system.sign_in()

        clock.shift(timedelta(seconds=299))
        issues(gp_system.get(absent), 404)

        clock.shift(timedelta(seconds=1))
        [issue] = issues(gp_system.get(absent), 401)

    assert issue["code"] == "login"


def test_a_token_opens_nothing_once_its_client_is_switched_off(
    gp_system: cast.ClinicalSystem,
) -> None:
    gp_system.sign_in()
    switch_off(client_id=UUID(gp_system.client_id), at=timezone.now())

    answer = gp_system.get(f"/fhir/R4/ServiceRequest/{uuid4()}")

    issues(answer, 401)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nonsense", "bearer x y", "Basic YTpi", "Token x", "x"]
)
def test_what_is_no_token_opens_nothing(db: None, header: str) -> None:
    answer = Client().get(f"/fhir/R4/ServiceRequest/{uuid4()}", headers={"Authorization": header})

    issues(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [AUDIENCE]},
        {"exp": int(NOON.timestamp()) + 300},
        {"jti": "x" * 255},
        {"nbf": int(NOON.timestamp()), "iat": int(NOON.timestamp())},
    ],
    ids=["aud as a list", "five minutes", "longest jti", "from now"],
)
def test_the_limits_themselves_are_fine(
    client: RegisteredClient, ec_key: ECKey, changes: dict[str, Any]
) -> None:
    with time_machine.travel(NOON, tick=False):
        answer = ask(signed(ec_key, claims_of(client.pk, **changes), alg="ES384"))

    assert answer.status_code == 200, answer.content
