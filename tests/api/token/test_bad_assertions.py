"""What is no good assertion gets nothing, and leaves no row."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from accounts.models import Client
from accounts.registering import register_client, switch_off
from tests import cast
from tests.api.answers import row_counts
from tests.api.token.assertions import (
    AUDIENCE,
    NOON,
    SCOPE,
    ask,
    claims_of,
    encoded,
    error_of,
    sealed,
    signed,
)

pytestmark = pytest.mark.django_db


Make = Callable[[Client], str]

RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)
EC = ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)
OTHER = ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)


@pytest.fixture
def rsa_key() -> RSAKey:
    return RSA


@pytest.fixture
def ec_key() -> ECKey:
    return EC


def _signed(alg: str = "ES384", **changes: Any) -> Make:
    """With the right key and right claims."""
    return lambda client: signed(
        EC if alg == "ES384" else RSA, claims_of(client.pk), alg=alg, **changes
    )


def _header(text: str) -> Make:
    """With a header that is signed, and written as it stands here."""
    return lambda client: sealed(EC, text, json.dumps(claims_of(client.pk)), alg="ES384")


def _payload(text: str) -> Make:
    """With a payload that is signed, and written as it stands here, ``ID`` being the client's."""
    header = json.dumps({"alg": "ES384", "typ": "JWT", "kid": "ec-1"})
    return lambda client: sealed(EC, header, text.replace("ID", str(client.pk)), alg="ES384")


def _by_another_key(kid: str) -> Make:
    key = ECKey.generate_key("P-384", {"kid": kid}, private=True)
    return lambda client: signed(key, claims_of(client.pk), alg="ES384")


def _by_public_key(alg: str) -> Make:
    """The public key taken for a shared secret: by hand, because the library warns against such a key."""

    def make(client: Client) -> str:
        parts = ({"alg": alg, "typ": "JWT", "kid": "rsa-1"}, claims_of(client.pk))
        content = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        secret = RSA.as_pem(private=False)
        return f"{content}.{encoded(hmac.digest(secret, content.encode(), f'sha{alg[2:]}'))}"

    return make


def _unsigned(client: Client) -> str:
    parts = ({"alg": "none", "typ": "JWT", "kid": "ec-1"}, claims_of(client.pk))
    return ".".join((*(encoded(json.dumps(part).encode()) for part in parts), ""))


def _changed_payload(client: Client) -> str:
    header, _, signature = _signed()(client).split(".")
    return (
        f"{header}.{encoded(json.dumps(claims_of(client.pk, jti='changed')).encode())}.{signature}"
    )


def _changed_header(client: Client) -> str:
    _, payload, signature = _signed()(client).split(".")
    header = json.dumps({"typ": "JWT", "alg": "ES384", "kid": "ec-1"})
    return f"{encoded(header.encode())}.{payload}.{signature}"


_GOOD_START = '{"alg": "ES384", "typ": "JWT", "kid": "ec-1"'
BAD: dict[str, Make] = {
    "alg none": _unsigned,
    **{f"{alg} by the public key": _by_public_key(alg) for alg in ("HS256", "HS384", "HS512")},
    **{f"alg {alg}": _signed(alg) for alg in ("RS256", "PS256", "PS384", "PS512")},
    "alg in small letters": _header(_GOOD_START.replace("ES384", "es384") + "}"),
    "alg is a number": _header(_GOOD_START.replace('"ES384"', "7") + "}"),
    "alg is a list": _header(_GOOD_START.replace('"ES384"', '["ES384"]') + "}"),
    "no alg": _header('{"typ": "JWT", "kid": "ec-1"}'),
    "alg says RSA, the key is EC": _header(_GOOD_START.replace("ES384", "RS384") + "}"),
    "alg is there twice": _header(_GOOD_START + ', "alg": "ES384"}'),
    "kid is there twice": _header('{"kid": "rsa-1", ' + _GOOD_START[1:] + "}"),
    "no typ": _signed(typ=None),
    "typ is another": _signed(typ="at+jwt"),
    "typ is a list": _signed(typ=["JWT"]),
    "no kid": _signed(kid=None),
    "kid is empty": _signed(kid=""),
    "kid is unknown": _signed(kid="unknown"),
    "kid is of the other key": _signed(kid="rsa-1"),
    "kid is a number": _signed(kid=5),
    "kid is a list": _signed(kid=["ec-1"]),
    "crit": _header(_GOOD_START + ', "crit": ["exp"], "exp": 1}'),
    "crit is empty": _header(_GOOD_START + ', "crit": []}'),
    "crit names what is known": _header(_GOOD_START + ', "crit": ["kid"]}'),
    "b64": _header(_GOOD_START + ', "b64": false, "crit": ["b64"]}'),
    "b64 without crit": _header(_GOOD_START + ', "b64": false}'),
    "jku where none is registered": _signed(jku="https://keys.gp.example/jwks.json"),
    "jku is empty": _signed(jku=""),
    "the key comes along": lambda client: signed(
        OTHER, claims_of(client.pk), alg="ES384", jwk=OTHER.as_dict(private=False)
    ),
    "a key that is not registered": _by_another_key("ec-2"),
    "a key that only has the name of one": _by_another_key("ec-1"),
    "a payload changed after signing": _changed_payload,
    "a header changed after signing": _changed_header,
    "no signature": lambda client: _signed()(client).rpartition(".")[0] + ".",
    "half a signature": lambda client: _signed()(client)[:-64],
    "a signature of zeros": lambda client: (
        _signed()(client).rpartition(".")[0] + "." + encoded(bytes(96))
    ),
    "a padded signature": lambda client: _signed()(client) + "=",
    "a line feed at the end of the payload": lambda client: _signed()(client).replace(
        ".", ".\n", 1
    ),
    "a fourth part": lambda client: _signed()(client) + ".e30",
    "iss is there twice": _payload(
        '{"iss": "x", "iss": "ID", "sub": "ID", "aud": "AUD", "exp": 1, "jti": "1"}'
    ),
    "claims are a list": _payload("[]"),
    "claims are a text": _payload('"x"'),
    "claims are a number": _payload("1"),
    "claims are null": _payload("null"),
    "claims are none": _payload("{}"),
    "claims are cut off": _payload('{"iss": "ID"'),
    "not a number": _payload('{"iss": "ID", "sub": "ID", "exp": NaN}'),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_what_is_not_signed_as_it_must_be_gets_nothing(client: Client, make: Make) -> None:
    before = row_counts()

    answer = ask(make(client))

    assert error_of(answer, 401) == "invalid_client"
    assert row_counts() == before


def test_the_key_of_another_client_is_refused(
    client: Client, gp_system: cast.ClinicalSystem
) -> None:
    answer = ask(signed(gp_system.key, claims_of(client.pk), alg="ES384"))

    assert error_of(answer, 401) == "invalid_client"


def test_a_key_that_is_meant_for_one_algorithm_signs_with_no_other(
    gp_system: cast.ClinicalSystem,
) -> None:
    client = register_client(
        name="Only RS384",
        ods_code=gp_system.organisation.ods_code or "",
        jwks={"keys": [{**RSA.as_dict(private=False), "alg": "RS384"}]},
        scope=SCOPE,
        at=timezone.now(),
    )

    assert error_of(ask(_signed("RS512")(client)), 401) == "invalid_client"
    assert ask(_signed("RS384")(client)).status_code == 200


def test_keys_that_were_registered_before_they_were_too_weak_sign_nothing(client: Client) -> None:
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "weak"}, private=True)
    short = ECKey.generate_key("P-256", {"kid": "short"}, private=True)
    twice = [EC.as_dict(private=False), EC.as_dict(private=False)]
    client.jwks = {"keys": [weak.as_dict(private=False), short.as_dict(private=False), *twice]}
    client.save(update_fields=["jwks"])

    for key, alg, says in (
        (weak, "RS384", "RS384"),
        (short, "ES256", "ES384"),
        (EC, "ES384", "ES384"),
    ):
        header = json.dumps({"alg": says, "typ": "JWT", "kid": key.kid})
        assertion = sealed(key, header, json.dumps(claims_of(client.pk)), alg=alg)
        assert error_of(ask(assertion), 401) == "invalid_client"


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "iss is not sub": {"sub": str(uuid4())},
    "no sub": {"sub": None},
    "iss is unknown": {"iss": str(uuid4())},
    "iss is no id": {"iss": "https://gp.example"},
    "iss is absent": {"iss": None},
    "iss is a list": {"iss": ["x"]},
    "iss is a number": {"iss": 7},
    "aud is the base address": {"aud": settings.PUBLIC_BASE_URL},
    "aud is another service": {"aud": "https://elsewhere.example/oauth2/token"},
    "aud has a slash too many": {"aud": f"{AUDIENCE}/"},
    "aud names another one too": {"aud": [AUDIENCE, "https://elsewhere.example"]},
    "aud is an empty list": {"aud": []},
    "aud is an object": {"aud": {"url": AUDIENCE}},
    "aud is absent": {"aud": None},
    "exp is absent": {"exp": None},
    "exp is text": {"exp": "in 240 seconds"},
    "exp is a number as text": {"exp": str(int(NOON.timestamp()) + 240)},
    "exp is a fraction": {"exp": NOON.timestamp() + 240.5},
    "exp is true": {"exp": True},
    "exp is a list": {"exp": [int(NOON.timestamp()) + 240]},
    "exp is past": {"exp": int(NOON.timestamp()) - 31},
    "exp is long past": {"exp": -(10**18)},
    "exp is more than five minutes ahead": {"exp": int(NOON.timestamp()) + 331},
    "exp is beyond all calendars": {"exp": 10**18},
    "jti is absent": {"jti": None},
    "jti is empty": {"jti": ""},
    "jti is a number": {"jti": 5},
    "jti is too long": {"jti": "x" * 256},
    "jti is half a character": {"jti": "\ud800"},
    "jti is a NUL": {"jti": "\x00"},
    "nbf is ahead": {"nbf": int(NOON.timestamp()) + 60},
    "nbf is text": {"nbf": "now"},
    "iat is ahead": {"iat": int(NOON.timestamp()) + 60},
    "iat is beyond all calendars": {"iat": 10**400},
}


@pytest.mark.parametrize("changes", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_wrong_claims_are_refused_with_a_line_in_the_log_and_nothing_written(
    client: Client,
    ec_key: ECKey,
    changes: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with time_machine.travel(NOON, tick=False):
        before = row_counts()

        answer = ask(signed(ec_key, claims_of(client.pk, **changes), alg="ES384"))

        assert error_of(answer, 401) == "invalid_client"
        assert row_counts() == before
    [line] = [record for record in caplog.records if record.name == "accounts.tokens"]
    assert line.getMessage() == "token refused: the assertion does not hold"


NOT_ASSERTIONS = {
    "a word": "nonsense",
    "two parts": "e30.e30",
    "three empty parts": "..",
    "five parts": "e30.e30.e30.e30.e30",
    "not base64": "é.é.é",
    "no JSON": "bm9uZQ.bm9uZQ.bm9uZQ",
    "a list": "W10.W10.W10",
    "a deep header": f"{base64.urlsafe_b64encode(b'[' * 4500).decode()}.e30.e30",
    "a deep payload": f"e30.{base64.urlsafe_b64encode(b'[' * 4500).decode()}.e30",
}


@pytest.mark.parametrize("assertion", NOT_ASSERTIONS.values(), ids=NOT_ASSERTIONS)
def test_what_is_no_assertion_is_refused(db: None, assertion: str) -> None:
    assert error_of(ask(assertion), 401) == "invalid_client"


def test_a_client_that_was_switched_off_is_refused(client: Client) -> None:
    switch_off(client_id=client.pk, at=timezone.now())

    assert error_of(ask(_signed()(client)), 401) == "invalid_client"
