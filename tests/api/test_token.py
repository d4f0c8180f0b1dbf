"""The token endpoint: who gets a token, who does not, and what a token opens for how long."""

import base64
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Barrier
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from accounts.models import AccessToken, UsedAssertion
from accounts.models import Client as RegisteredClient
from accounts.registering import register_client
from audit.models import Action, Entry
from config.fictional import Person
from scripts.signing import ASSERTION_TYPE
from tests import cast
from tests.api.answers import Answer, issues, row_counts, stored_text

FORM = "application/x-www-form-urlencoded"
SCOPE = "system/ServiceRequest.crs system/Task.rs system/Patient.cr"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AUDIENCE = f"{settings.PUBLIC_BASE_URL}/oauth2/token"

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)


@pytest.fixture(scope="module")
def ec_key() -> ECKey:
    return ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)


@pytest.fixture
def client(gp_system: cast.ClinicalSystem, rsa_key: RSAKey, ec_key: ECKey) -> RegisteredClient:
    """A client with a key of each kind."""
    return register_client(
        name="System with two keys",
        ods_code=gp_system.organisation.ods_code or "",
        jwks={"keys": [rsa_key.as_dict(private=False), ec_key.as_dict(private=False)]},
        scope=SCOPE,
        at=timezone.now(),
    )


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


def signed(key: Key, claims: object, *, alg: str, kid: str | None = "") -> str:
    """A compact JWS of anything, right or wrong. ``kid`` None leaves it out."""
    header = {"alg": alg, "typ": "JWT"}
    if kid is not None:
        header["kid"] = kid or str(key.kid)
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[alg])


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


@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_a_signed_assertion_is_exchanged_for_a_token_of_five_minutes(
    client: RegisteredClient, rsa_key: RSAKey, ec_key: ECKey, alg: str
) -> None:
    key = rsa_key if alg == "RS384" else ec_key

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
    RegisteredClient.objects.filter(pk=gp_system.client_id).update(is_active=False)

    answer = gp_system.get(f"/fhir/R4/ServiceRequest/{uuid4()}")

    issues(answer, 401)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nonsense", "bearer x y", "Basic YTpi", "Token x", "x"]
)
def test_what_is_no_token_opens_nothing(db: None, header: str) -> None:
    answer = Client().get(f"/fhir/R4/ServiceRequest/{uuid4()}", headers={"Authorization": header})

    issues(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


# Who is refused


def _other_key() -> ECKey:
    return ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)


def _unsigned(client: RegisteredClient) -> str:
    parts = ({"alg": "none", "kid": "ec-1"}, claims_of(client.pk))
    return b".".join((*(_base64(json.dumps(part).encode()) for part in parts), b"")).decode()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def test_an_unsigned_assertion_is_refused(client: RegisteredClient) -> None:
    assert error_of(ask(_unsigned(client)), 401) == "invalid_client"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_shared_secret(
    client: RegisteredClient, rsa_key: RSAKey, alg: str
) -> None:
    # By hand, because the library warns against such a key.
    parts = ({"alg": alg, "kid": "rsa-1"}, claims_of(client.pk))
    first_two = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    digest = hmac.new(rsa_key.as_pem(private=False), first_two, f"sha{alg[2:]}").digest()

    answer = ask(b".".join((first_two, _base64(digest))).decode())

    assert error_of(answer, 401) == "invalid_client"


@pytest.mark.parametrize(
    "alg", ["RS256", "RS512", "PS384", "ES256", "ES512"], ids=lambda alg: str(alg)
)
def test_other_algorithms_are_refused(rsa_key: RSAKey, gp_system: Any, alg: str) -> None:
    curves = {"ES256": "P-256", "ES512": "P-521"}
    key: Key = rsa_key
    if alg in curves:
        key = ECKey.generate_key(curves[alg], {"kid": "ec-9"}, private=True)
    client = register_client(
        name="Other algorithms",
        ods_code=gp_system.organisation.ods_code,
        jwks={"keys": [key.as_dict(private=False)]},
        scope=SCOPE,
        at=timezone.now(),
    )

    answer = ask(signed(key, claims_of(client.pk), alg=alg))

    assert error_of(answer, 401) == "invalid_client"


def test_a_key_that_is_not_registered_is_refused(client: RegisteredClient) -> None:
    answer = ask(signed(_other_key(), claims_of(client.pk), alg="ES384"))

    assert error_of(answer, 401) == "invalid_client"


def test_the_key_of_another_client_is_refused(
    client: RegisteredClient, gp_system: cast.ClinicalSystem
) -> None:
    answer = ask(signed(gp_system.key, claims_of(client.pk), alg="ES384"))

    assert error_of(answer, 401) == "invalid_client"


def test_a_payload_that_was_changed_after_signing_is_refused(
    client: RegisteredClient, ec_key: ECKey
) -> None:
    header, _, signature = signed(ec_key, claims_of(client.pk), alg="ES384").split(".")
    changed = json.dumps(claims_of(client.pk, jti="changed")).encode()

    answer = ask(f"{header}.{_base64(changed).decode()}.{signature}")

    assert error_of(answer, 401) == "invalid_client"


@pytest.mark.parametrize("kid", [None, "unknown", "rsa-1"], ids=["none", "unknown", "another's"])
def test_the_header_must_name_the_very_key(
    client: RegisteredClient, ec_key: ECKey, kid: str | None
) -> None:
    answer = ask(signed(ec_key, claims_of(client.pk), alg="ES384", kid=kid))

    assert error_of(answer, 401) == "invalid_client"


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
    "nbf is ahead": {"nbf": int(NOON.timestamp()) + 60},
    "nbf is text": {"nbf": "now"},
    "iat is ahead": {"iat": int(NOON.timestamp()) + 60},
    "iat is beyond all calendars": {"iat": 10**400},
}


@pytest.mark.parametrize("changes", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_wrong_claims_are_refused_with_a_line_in_the_log_and_nothing_written(
    client: RegisteredClient,
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


@pytest.mark.parametrize("payload", [[], "x", 1, None, {"iss": None}, {"iss": {}}])
def test_a_payload_that_is_no_claims_is_refused(
    client: RegisteredClient, ec_key: ECKey, payload: object
) -> None:
    assert error_of(ask(signed(ec_key, payload, alg="ES384")), 401) == "invalid_client"


@pytest.mark.parametrize(
    "header",
    [
        {"kid": 5},
        {"kid": ["ec-1"]},
        {"kid": "ec-1", "crit": ["exp"]},
        {"kid": "ec-1", "b64": False, "crit": ["b64"]},
        {"kid": "ec-1", "jwk": {}, "alg": 7},
        {"kid": "ec-1", "alg": None},
    ],
    ids=["kid is a number", "kid is a list", "unknown crit", "b64", "alg is a number", "no alg"],
)
def test_a_header_of_the_wrong_shape_is_refused(
    client: RegisteredClient, ec_key: ECKey, header: dict[str, Any]
) -> None:
    _, payload, signature = signed(ec_key, claims_of(client.pk), alg="ES384").split(".")
    first = json.dumps({"alg": "ES384", **header}).encode()

    answer = ask(f"{_base64(first).decode()}.{payload}.{signature}")

    assert error_of(answer, 401) == "invalid_client"


def test_a_client_that_was_switched_off_is_refused(client: RegisteredClient, ec_key: ECKey) -> None:
    RegisteredClient.objects.filter(pk=client.pk).update(is_active=False)

    answer = ask(signed(ec_key, claims_of(client.pk), alg="ES384"))

    assert error_of(answer, 401) == "invalid_client"


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


# Replay


def test_an_assertion_is_spent_by_its_first_use(client: RegisteredClient, ec_key: ECKey) -> None:
    assertion = signed(ec_key, claims_of(client.pk), alg="ES384")

    assert ask(assertion).status_code == 200
    assert error_of(ask(assertion), 401) == "invalid_client"
    assert AccessToken.objects.filter(client=client).count() == 1


def test_a_jti_is_spent_even_under_another_signature(
    client: RegisteredClient, rsa_key: RSAKey, ec_key: ECKey
) -> None:
    claims = claims_of(client.pk)

    assert ask(signed(ec_key, claims, alg="ES384")).status_code == 200
    assert error_of(ask(signed(rsa_key, claims, alg="RS384")), 401) == "invalid_client"


def test_two_clients_may_use_the_same_jti(
    client: RegisteredClient, ec_key: ECKey, gp_system: cast.ClinicalSystem
) -> None:
    first = ask(signed(ec_key, claims_of(client.pk, jti="same"), alg="ES384"))
    second = ask(
        signed(gp_system.key, claims_of(gp_system.client_id, jti="same"), alg="ES384"),
        scope=gp_system.scope,
    )

    assert (first.status_code, second.status_code) == (200, 200)


def test_a_spent_assertion_stays_spent_for_as_long_as_it_would_be_taken(
    client: RegisteredClient, ec_key: ECKey
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assertion = signed(ec_key, claims_of(client.pk), alg="ES384")
        assert ask(assertion).status_code == 200

        for _ in range(28):  # past 'exp' and the leeway for clocks
            clock.shift(timedelta(seconds=10))
            ask(signed(ec_key, claims_of(client.pk), alg="ES384"))
            assert error_of(ask(assertion), 401) == "invalid_client"

    assert UsedAssertion.objects.filter(client=client).count() <= 29


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory has one connection: no race"
)
def test_of_simultaneous_uses_of_one_assertion_exactly_one_wins(
    client: RegisteredClient, ec_key: ECKey
) -> None:
    assertion = signed(ec_key, claims_of(client.pk), alg="ES384")
    together = Barrier(4)

    def use(_: int) -> int:
        try:
            together.wait(timeout=10)
            return int(ask(assertion).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(use, range(4)))

    assert answers == [200, 401, 401, 401]
    assert AccessToken.objects.filter(client=client).count() == 1


# Scopes


def test_only_registered_scopes_are_granted(client: RegisteredClient, ec_key: ECKey) -> None:
    asked = "system/ServiceRequest.r system/Task.crud system/Observation.rs launch"

    answer = ask(signed(ec_key, claims_of(client.pk), alg="ES384"), scope=asked)

    assert json.loads(answer.content)["scope"] == "system/ServiceRequest.r system/Task.r"


def test_a_scope_that_is_registered_in_part_is_narrowed(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    gp_system.scope = "system/Patient.crs system/Patient.cr system/ServiceRequest.cruds"
    gp_system.sign_in()

    token = AccessToken.objects.order_by("-pk")[0]

    assert token.scope == "system/Patient.cr system/ServiceRequest.crs"
    assert gp_system.refer(person).status_code == 201


@pytest.mark.parametrize(
    "scope",
    [
        "system/*.cruds",
        "system/Observation.rs",
        "system/ServiceRequest.d",
        "system/ServiceRequest.sr",
        "system/ServiceRequest.",
        "system/ServiceRequest.read",
        "user/ServiceRequest.r",
        "SYSTEM/ServiceRequest.r",
        "launch/patient",
    ],
)
def test_none_of_the_scopes_being_registered_is_an_invalid_scope(
    client: RegisteredClient, ec_key: ECKey, scope: str
) -> None:
    answer = ask(signed(ec_key, claims_of(client.pk), alg="ES384"), scope=scope)

    assert error_of(answer, 400) == "invalid_scope"


def test_a_narrow_token_can_do_no_more_than_it_says(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    made = gp_system.refer(person)
    referral_id = json.loads(made.content)["id"]
    gp_system.scope = "system/ServiceRequest.r"
    gp_system.sign_in()
    before = row_counts()

    assert gp_system.get(f"/fhir/R4/ServiceRequest/{referral_id}").status_code == 200
    refused = [
        gp_system.refer(person),
        gp_system.post("/fhir/R4/Patient", cast.referral_for(person)["contained"][0]),
        gp_system.post("/fhir/R4", {"resourceType": "Bundle", "type": "transaction"}),
        gp_system.get(f"/fhir/R4/Task/{referral_id}"),
        gp_system.get(f"/fhir/R4/Task?focus=ServiceRequest/{referral_id}"),
        gp_system.get(f"/fhir/R4/Patient/{referral_id}"),
    ]

    for answer in refused:
        [issue] = issues(answer, 403)
        assert issue["code"] == "forbidden"
        assert issue["diagnostics"].endswith("and it holds system/ServiceRequest.r.")
    needed = [
        issues(answer, 403)[0]["diagnostics"].partition(" is needed")[0] for answer in refused
    ]
    assert [sentence.removeprefix("The token does not cover this: ") for sentence in needed] == [
        "system/ServiceRequest.c",
        "system/Patient.c",
        "system/ServiceRequest.c system/Patient.c",
        "system/Task.r",
        "system/Task.s",
        "system/Patient.r",
    ]
    after = row_counts()
    assert after == {**before, "audit_entry": before["audit_entry"] + 1}  # the one read


@pytest.mark.parametrize("scope", ["system/ServiceRequest.cr", "system/Patient.cr"])
def test_a_transaction_needs_a_scope_for_each_type(
    gp_system: cast.ClinicalSystem, scope: str
) -> None:
    gp_system.scope = scope

    answer = gp_system.post("/fhir/R4", {"resourceType": "Bundle", "type": "transaction"})

    issues(answer, 403)


# The form


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
