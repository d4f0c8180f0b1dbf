"""SMART Backend Services: a signed assertion in, a short-lived token out (SMART App Launch 2.2, asymmetric clients)."""

import json
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from accounts import scopes
from accounts.actors import Actor, client_actor
from accounts.keys import ALGORITHMS, NoFittingKey, key_for
from accounts.models import AccessToken, Client, UsedAssertion
from audit.models import Action
from audit.recording import record

logger = logging.getLogger(__name__)

LIFETIME = timedelta(seconds=300)
LONGEST_ASSERTION = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=30)
SPENT_KEPT = timedelta(
    minutes=5
)  # an assertion that was sound a moment ago may still be waiting for its client's keys
_SWEPT_AT_ONCE = 100


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
    """Exchange a client's signed assertion for a token. ``audience`` is the token endpoint's own address.

    Not to be called inside a transaction: the client's keys may have to be read elsewhere first.
    """
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
        _sweep(client, at=at)
        _spend(client, claims)
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
    """The client that signed the assertion, and its claims once they have been checked."""
    header, unverified = _unverified(assertion)
    client = _claimed_client(unverified)
    if not client.organisation.is_open_on(localdate(at)):
        raise AssertionRefused("The organisation that this client acts for has closed.")
    _check_header(header, client=client)
    # Before the signature, so that nobody's keys are read elsewhere for an assertion that could not hold.
    _check_claims(unverified, client=client, audience=audience, at=at)
    try:
        key = key_for(client, header, at=at)
        jws.deserialize_compact(assertion, key, algorithms=[header["alg"]])
    except NoFittingKey as error:
        raise AssertionRefused(str(error)) from error
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise AssertionRefused(
            "The signature does not fit the registered key that 'kid' names."
        ) from error
    return client, unverified


def _unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they stand: nothing they say is trusted until the signature has been checked."""
    parts = assertion.split(".")
    try:
        header, claims = (_read(part) for part in parts[:2])
    except (ValueError, RecursionError) as error:
        raise AssertionRefused("The assertion is not a signed JWT.") from error
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
        raise AssertionRefused("The assertion is not a signed JWT.")
    return header, claims


def _read(part: str) -> Any:
    return json.loads(urlsafe_b64decode(part.encode()), object_pairs_hook=_without_repeats)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name each reader may take another: RFC 7515 and 7519 let us refuse both."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice")
    return members


def _claimed_client(claims: dict[str, Any]) -> Client:
    try:
        issuer = UUID(str(claims.get("iss")))
    except ValueError as error:
        raise AssertionRefused("'iss' must be the client_id.") from error
    client = Client.objects.select_related("organisation").filter(pk=issuer, is_active=True).first()
    if client is None:
        raise AssertionRefused("The client named in 'iss' is not registered here.")
    return client


def _check_header(header: dict[str, Any], *, client: Client) -> None:
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise AssertionRefused(f"'alg' must be one of: {', '.join(ALGORITHMS)}.")
    if header.get("typ") != "JWT":
        raise AssertionRefused("'typ' in the header must be JWT.")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise AssertionRefused("The header must name the signing key by 'kid'.")
    if "jku" in header and not (client.jwks_url and header["jku"] == client.jwks_url):
        raise AssertionRefused("'jku' must be the address that was registered for your keys.")
    if "crit" in header or "b64" in header:
        raise AssertionRefused("The header must not hold 'crit' or 'b64'.")


def _check_claims(claims: dict[str, Any], *, client: Client, audience: str, at: datetime) -> None:
    client_id = str(client.pk)
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise AssertionRefused("'iss' and 'sub' must both be the client_id.")
    if claims.get("aud") not in (audience, [audience]):
        raise AssertionRefused(f"'aud' must be {audience}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 255 or not jti.isprintable():
        raise AssertionRefused(
            "'jti' must be a text of 1 to 255 visible characters, new for each assertion."
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


def _spend(client: Client, claims: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(
                client=client,
                jti_hash=_hash(claims["jti"]),
                expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC),
            )
    except IntegrityError as error:
        raise AssertionRefused("This assertion has been used before ('jti').") from error


def _sweep(client: Client, *, at: datetime) -> None:
    """Remove what has run out. A client that asks for one token removes up to a hundred, so that no more gather."""
    for run_out in (
        UsedAssertion.objects.filter(client=client, expires_at__lt=at - SPENT_KEPT),
        AccessToken.objects.filter(client=client, expires_at__lt=at),
    ):
        _remove_some(run_out)


def _remove_some(rows: QuerySet[Any]) -> None:
    # Rows that another request is removing at this moment are left to it: nobody waits, nothing locks in a circle.
    can_skip = connection.features.has_select_for_update_skip_locked
    some = rows.select_for_update(skip_locked=can_skip).order_by("expires_at")[:_SWEPT_AT_ONCE]
    rows.filter(pk__in=[row.pk for row in some]).delete()
