"""Clients' public keys: which may be used, which one fits an assertion, and reading the set anew at its address."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

from accounts.models import Client
from accounts.ports import KeysUnavailable, key_fetcher
from accounts.throttling import Limit, seconds_to_wait

logger = logging.getLogger(__name__)

# The signatures that are taken, each with the kind of key it is made with. RS512 is the NHS's own.
ALGORITHMS = {"RS384": "RSA", "ES384": "EC", "RS512": "RSA"}
# Also where the owner says "no-store": else a stranger who names this client uses up its readings.
KEPT_AT_LEAST = timedelta(seconds=10)
KEPT_AT_MOST = timedelta(hours=24)
KEPT_WHEN_SILENT = timedelta(minutes=5)

_RSA_BITS = range(2048, 8193)  # longer ones would only keep us busy
_CURVE = "P-384"

Entry = dict[str, Any]


class KeysRefused(Exception):
    """A key set cannot be used; the text says what to change."""


class NoFittingKey(Exception):
    """There is not exactly one key for a signature; the text says why, without a secret."""


def checked(document: object) -> dict[str, list[Entry]]:
    """The key set, when each of its keys may sign here. Raises KeysRefused."""
    entries = _entries(document)
    for entry in entries:
        if fault := _fault_of(entry):
            raise KeysRefused(fault)
    names = [(entry["kid"], entry["kty"], entry.get("alg")) for entry in entries]
    if len(set(names)) < len(names):
        raise KeysRefused("Two keys have the same 'kid'. Give each its own.")
    if not entries:
        raise KeysRefused("The key set is empty.")
    return {"keys": entries}


def key_for(client: Client, header: Mapping[str, Any], *, at: datetime) -> RSAKey | ECKey:
    """The one key of the client that fits an assertion's header. Raises NoFittingKey.

    A set at an address is read again when its time is over, and when a key is named that it did not hold: that is how
    new keys come in. Not inside a transaction, because the other side may take seconds to answer.
    """
    if not client.jwks_url:
        return _the_one(client.jwks, header)
    is_fresh = client.jwks_fresh_until is not None and at < client.jwks_fresh_until
    if is_fresh:
        try:
            return _the_one(client.jwks, header)
        except NoFittingKey:
            # Anybody can name a key that is not there. Once a minute is enough to find a new one.
            if seconds_to_wait(limit=Limit.UNKNOWN_KEY, who=str(client.pk), at=at):
                raise
    elif seconds_to_wait(limit=Limit.KEY_SET, who=str(client.pk), at=at):
        raise NoFittingKey("Your key set was asked for too often. Try again in a minute.")
    return _the_one(_read(client, at=at), header)


def _read(client: Client, *, at: datetime) -> dict[str, list[Entry]]:
    """The set as it stands at its address now, kept for no longer than its owner says."""
    try:
        fetched = key_fetcher().fetch(client.jwks_url)
        # A set may hold keys for other purposes and other services: those are not for us.
        usable = [entry for entry in _entries(_parsed(fetched.document)) if not _fault_of(entry)]
    except (KeysUnavailable, KeysRefused) as error:
        logger.warning("the keys of client %s cannot be read: %s", client.pk, error)
        raise NoFittingKey("Your key set cannot be read at the registered address.") from error
    jwks = {"keys": usable}
    good_for = KEPT_WHEN_SILENT if fetched.good_for is None else fetched.good_for
    Client.objects.filter(pk=client.pk, jwks_url=client.jwks_url).update(
        jwks=jwks, jwks_fresh_until=at + max(KEPT_AT_LEAST, min(good_for, KEPT_AT_MOST))
    )
    return jwks


def _parsed(document: bytes) -> object:
    try:
        return json.loads(document)
    except (ValueError, RecursionError) as error:
        raise KeysRefused("It is not JSON.") from error


def _entries(document: object) -> list[Entry]:
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeysRefused('The key set is not a JWK Set: {"keys": [...]}.')
    return entries


def _fault_of(entry: Entry) -> str:
    """What stands against a key, or nothing."""
    if entry.get("kty") not in ALGORITHMS.values():
        return "Each key must be RSA or EC."
    if not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return "Each key must have a 'kid'."
    try:
        # Before anything is computed with it, and before the library warns.
        if entry["kty"] == "RSA" and base64_to_int(entry["n"]).bit_length() not in _RSA_BITS:
            return "RSA keys must have 2048 to 8192 bits."
        key = _imported(entry)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return "One of the keys is no JWK."
    if key.is_private:
        return "The key set holds a private key. Send the public keys only."
    if isinstance(key, ECKey) and entry["crv"] != _CURVE:
        return f"EC keys must be on the curve {_CURVE}."
    return _misuse_of(entry)


def _misuse_of(entry: Entry) -> str:
    is_for_signatures = entry.get("use", "sig") == "sig" and "verify" in entry.get(
        "key_ops", ["verify"]
    )
    kinds = [kty for alg, kty in ALGORITHMS.items() if entry.get("alg", alg) == alg]
    if is_for_signatures and entry["kty"] in kinds:
        return ""
    return f"Each key must be for signatures with one of: {', '.join(ALGORITHMS)}."


def _imported(entry: Entry) -> RSAKey | ECKey:
    return RSAKey.import_key(entry) if entry["kty"] == "RSA" else ECKey.import_key(entry)


def _the_one(jwks: Mapping[str, Any], header: Mapping[str, Any]) -> RSAKey | ECKey:
    """SMART App Launch 2.2: kid and kty give a single key, or the verification fails."""
    alg, kid = header.get("alg"), header.get("kid")
    fitting = [
        entry
        for entry in jwks.get("keys", [])
        if entry.get("kid") == kid
        and entry.get("kty") == ALGORITHMS[str(alg)]
        and entry.get("alg", alg) == alg
        and not _fault_of(entry)
    ]
    if len(fitting) != 1:
        raise NoFittingKey(
            "Not exactly one of your registered keys has this 'kid' and fits this 'alg'."
        )
    return _imported(fitting[0])
