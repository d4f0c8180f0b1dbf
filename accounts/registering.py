"""Registering machine clients and hosts' keys."""

import base64
import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from accounts import scopes
from accounts.actors import SYSTEM
from accounts.models import Client, HostKey, Organisation
from audit.models import Action
from audit.recording import record


class RegistrationRefused(Exception):
    """The registration cannot stand; the text says what to change."""


@transaction.atomic
def register_client(
    *, name: str, ods_code: str, jwks: dict[str, Any], scope: str, at: datetime
) -> Client:
    """Register a clinical system for one organisation. ``jwks`` holds its public keys. Raises RegistrationRefused."""
    organisation = Organisation.objects.filter(ods_code=ods_code).first()
    if organisation is None:
        raise RegistrationRefused(
            f"No organisation has the ODS code {ods_code}. Load the reference data first."
        )
    _check_keys(jwks)
    wrong = [word for word in scope.split() if not scopes.is_well_formed(word)]
    if wrong or not scope.split():
        raise RegistrationRefused(
            f"Scopes look like system/ServiceRequest.crs; not understood: {' '.join(wrong) or 'nothing'}."
        )
    client = Client.objects.create(
        name=name, organisation=organisation, jwks=jwks, scope=scope, registered_at=at
    )
    record(Action.CLIENT_REGISTERED, by=SYSTEM, at=at, target=f"Client/{client.pk}")
    return client


@transaction.atomic
def make_host_key(*, host: Organisation, at: datetime) -> HostKey:
    """A new signing secret for a host (32 random bytes, Standard Webhooks form)."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return HostKey.objects.create(organisation=host, secret=secret, registered_at=at)


def _check_keys(jwks: dict[str, Any]) -> None:
    try:
        keys = list(KeySet.import_key_set(jwks))  # type: ignore[arg-type]  # checked here
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistrationRefused('The key set is not a JWK Set: {"keys": [...]}.') from error
    for key in keys:
        if not isinstance(key, (RSAKey, ECKey)) or not key.kid:
            raise RegistrationRefused("Each key must be RSA or EC and have a 'kid'.")
        if key.is_private:
            raise RegistrationRefused("The key set holds a private key. Send the public keys only.")
    if not keys:
        raise RegistrationRefused("The key set is empty.")
