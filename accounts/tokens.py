"""SMART Backend Services: a signed assertion in, a short-lived token out (SMART App Launch 2.2, asymmetric clients)."""

import json
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from accounts import scopes
from accounts.actors import Actor, client_actor
from accounts.models import AccessToken, Client, UsedAssertion
from audit.models import Action
from audit.recording import record

logger = logging.getLogger(__name__)

ALGORITHMS = ["RS384", "ES384"]
LIFETIME = timedelta(seconds=300)
LONGEST_ASSERTION = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=30)


class AssertionRefused(Exception):
    """The client is not who it says: OAuth ``invalid_client``. The text says why, without a secret."""


class ScopeRefused(Exception):
    """None of the scopes asked for may be granted: OAuth ``invalid_scope``."""


@dataclass(frozen=True)
class IssuedToken:
    """A bearer token in clear (shown once) with the scope it carries and its life in seconds."""

    token: str
    scope: str
    expires_in: int


def issue_token(*, assertion: str, scope: str, audience: str, at: datetime) -> IssuedToken:
    """Exchange a client's signed assertion for a token. ``audience`` is the token endpoint's own address."""
    try:
        client, claims = _verified(assertion, audience=audience, at=at)
    except AssertionRefused:
        # A line, not a row: whoever has no key must not be able to fill the database.
        logger.warning("token refused: the assertion does not hold")
        raise
    granted = scopes.grantable(scope.split(), registered=frozenset(client.scope.split()))
    if not granted:
        raise ScopeRefused(
            f"None of the scopes asked for is registered for this client. It may ask for: {client.scope}"
        )
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _spend(client, claims, at=at)
        AccessToken.objects.create(
            token_hash=_hash(token),
            client=client,
            scope=" ".join(granted),
            expires_at=at + LIFETIME,
        )
        record(Action.TOKEN_ISSUED, by=client_actor(client, scope=""), at=at)
    return IssuedToken(token, " ".join(granted), int(LIFETIME.total_seconds()))


def actor_of_token(token: str, *, at: datetime) -> Actor | None:
    """Whoever holds a live token, or None."""
    row = AccessToken.objects.live(at).filter(token_hash=_hash(token)).first()
    return client_actor(row.client, scope=row.scope) if row else None


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _verified(assertion: str, *, audience: str, at: datetime) -> tuple[Client, dict[str, Any]]:
    client = _claimed_client(assertion)
    try:
        keys = KeySet.import_key_set(client.jwks)
        token = jwt.decode(assertion, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise AssertionRefused(
            "The signature does not fit any registered key. Sign with RS384 or ES384 and name the key by 'kid'."
        ) from error
    _check_claims(token.claims, client=client, audience=audience, at=at)
    return client, token.claims


def _claimed_client(assertion: str) -> Client:
    """The client that an assertion names; nothing it says is trusted until the signature has been checked."""
    try:
        unverified = jws.extract_compact(assertion.encode())
        issuer = UUID(str(json.loads(unverified.payload)["iss"]))
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AssertionRefused(
            "The assertion is not a signed JWT whose 'iss' is a client_id."
        ) from error
    if not unverified.headers().get("kid"):
        raise AssertionRefused("The header must name the signing key by 'kid'.")
    client = Client.objects.select_related("organisation").filter(pk=issuer, is_active=True).first()
    if client is None:
        raise AssertionRefused("The client named in 'iss' is not registered here.")
    return client


def _check_claims(claims: dict[str, Any], *, client: Client, audience: str, at: datetime) -> None:
    client_id = str(client.pk)
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise AssertionRefused("'iss' and 'sub' must both be the client_id.")
    if claims.get("aud") not in (audience, [audience]):
        raise AssertionRefused(f"'aud' must be {audience}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 255:
        raise AssertionRefused(
            "'jti' must be a text of 1 to 255 characters, new for each assertion."
        )
    _check_times(claims, at=at)


def _check_times(claims: dict[str, Any], *, at: datetime) -> None:
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int):
        raise AssertionRefused("'exp' must be a whole number of seconds since 1970.")
    if expires <= (at - CLOCK_SKEW).timestamp():
        raise AssertionRefused("The assertion has expired ('exp').")
    if expires > (at + LONGEST_ASSERTION + CLOCK_SKEW).timestamp():
        raise AssertionRefused("'exp' must be at most 5 minutes ahead.")
    for name in ("nbf", "iat"):
        moment = claims.get(name, 0)
        if (
            isinstance(moment, bool)
            or not isinstance(moment, int)
            or moment > (at + CLOCK_SKEW).timestamp()
        ):
            raise AssertionRefused(f"'{name}' must be a past moment in whole seconds.")


def _spend(client: Client, claims: dict[str, Any], *, at: datetime) -> None:
    UsedAssertion.objects.filter(client=client, expires_at__lt=at - CLOCK_SKEW).delete()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(
                client=client,
                jti_hash=_hash(claims["jti"]),
                expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC),
            )
    except IntegrityError as error:
        raise AssertionRefused("This assertion has been used before ('jti').") from error
