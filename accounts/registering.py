"""Registering machine clients and hosts' keys."""

import base64
import secrets
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import localdate

from accounts import scopes
from accounts.actors import SYSTEM
from accounts.keys import KeysRefused, checked
from accounts.models import Client, HostKey, Organisation
from accounts.ports import KeysUnavailable, key_fetcher
from audit.models import Action
from audit.recording import record


class RegistrationRefused(Exception):
    """The registration cannot stand; the text says what to change."""


@transaction.atomic
def register_client(
    *,
    name: str,
    ods_code: str,
    scope: str,
    at: datetime,
    jwks: object = None,
    jwks_url: str = "",
    is_bars: bool = False,
    is_strict: bool = False,
    may_export: bool = False,
) -> Client:
    """Register a clinical system for one organisation, with its public keys or the address where it keeps them.

    Raises RegistrationRefused.
    """
    organisation = Organisation.objects.filter(ods_code=ods_code).first()
    if organisation is None:
        raise RegistrationRefused(
            f"No organisation has the ODS code {ods_code}. Load the reference data first."
        )
    _check_open(organisation, on=localdate(at))
    wrong = [word for word in scope.split() if not scopes.is_well_formed(word)]
    if wrong or not scope.split():
        raise RegistrationRefused(
            f"Scopes look like system/ServiceRequest.crs; not understood: {' '.join(wrong) or 'nothing'}."
        )
    client = Client(
        name=name,
        organisation=organisation,
        scope=scope,
        is_bars=is_bars,
        is_strict=is_strict,
        may_export=may_export,
        registered_at=at,
    )
    _give_keys(client, jwks=jwks, jwks_url=jwks_url)
    client.save(force_insert=True)
    record(Action.CLIENT_REGISTERED, by=SYSTEM, at=at, target=f"Client/{client.pk}")
    return client


def _check_open(organisation: Organisation, *, on: date) -> None:
    if organisation.is_open_on(on):
        return
    successors = Organisation.objects.filter(successions_from__predecessor=organisation)
    names = ", ".join(str(successor) for successor in successors.order_by("name", "pk"))
    raise RegistrationRefused(
        f"{organisation} closed on {organisation.valid_to:%d %B %Y}."
        + (f" Register with its successor: {names}." if names else "")
    )


@transaction.atomic
def replace_keys(
    *, client_id: UUID, at: datetime, jwks: object = None, jwks_url: str = ""
) -> Client:
    """Give a client other keys, or another address of them; the old ones sign no longer. Raises RegistrationRefused."""
    client = _registered(client_id)
    _give_keys(client, jwks=jwks, jwks_url=jwks_url)
    client.save(update_fields=["jwks", "jwks_url", "jwks_fresh_until"])
    _record_change(client, "keys-replaced", at=at)
    return client


@transaction.atomic
def set_strictness(*, client_id: UUID, is_strict: bool, at: datetime) -> Client:
    """Refuse a client's known deviations from now on, or tolerate them again. Raises RegistrationRefused."""
    client = _registered(client_id)
    client.is_strict = is_strict
    client.save(update_fields=["is_strict"])
    _record_change(client, "made-strict" if is_strict else "made-tolerant", at=at)
    return client


@transaction.atomic
def set_exporting(*, client_id: UUID, may_export: bool, at: datetime) -> Client:
    """Let a client export from now on, or no longer: then what it has exported opens no more. Raises RegistrationRefused."""
    client = _registered(client_id)
    client.may_export = may_export
    client.save(update_fields=["may_export"])
    _record_change(client, "may-export" if may_export else "may-not-export", at=at)
    return client


@transaction.atomic
def switch_off(*, client_id: UUID, at: datetime) -> Client:
    """End a client for good: its live tokens open nothing from now on. Raises RegistrationRefused."""
    client = _registered(client_id)
    client.is_active = False
    client.save(update_fields=["is_active"])
    _record_change(client, "switched-off", at=at)
    return client


@transaction.atomic
def make_host_key(*, host: Organisation, at: datetime) -> HostKey:
    """A new signing secret for a host (32 random bytes, Standard Webhooks form)."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    key = HostKey.objects.create(organisation=host, secret=secret, registered_at=at)
    record(Action.HOST_KEY_MADE, by=SYSTEM, at=at, target=f"HostKey/{key.pk}")
    return key


def _registered(client_id: UUID) -> Client:
    client = Client.objects.select_for_update().filter(pk=client_id, is_active=True).first()
    if client is None:
        raise RegistrationRefused(f"No client with the id {client_id} is registered and active.")
    return client


def _record_change(client: Client, change: str, *, at: datetime) -> None:
    record(
        Action.CLIENT_CHANGED,
        by=SYSTEM,
        at=at,
        target=f"Client/{client.pk}",
        detail={"change": change},
    )


def _give_keys(client: Client, *, jwks: object, jwks_url: str) -> None:
    try:
        if jwks_url:
            key_fetcher().check(jwks_url)
            client.jwks = {"keys": []}  # read there when the first assertion comes
        else:
            client.jwks = checked(jwks)
    except (KeysRefused, KeysUnavailable) as error:
        raise RegistrationRefused(str(error)) from error
    longest = Client._meta.get_field("jwks_url").max_length or 0
    if len(jwks_url) > longest:
        raise RegistrationRefused(f"The address must not have more than {longest} characters.")
    client.jwks_url, client.jwks_fresh_until = jwks_url, None
