"""Letting a clinical system in: for a known organisation, with public keys, for scopes that exist."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from accounts import scopes
from accounts.actors import client_actor
from accounts.models import Client, HostKey, Organisation
from accounts.registering import RegistrationRefused, make_host_key, register_client
from audit.models import Action, Entry
from scripts.signing import new_key, public_keys
from tests.api.answers import stored_text
from tests.cast import PRACTICE

pytestmark = pytest.mark.django_db


def register(**changes: Any) -> Client:
    given = {
        "name": "System",
        "ods_code": PRACTICE,
        "jwks": public_keys(new_key()),
        "scope": scopes.DEFAULT,
        "at": timezone.now(),
    }
    return register_client(**{**given, **changes})


def test_a_client_acts_for_one_organisation() -> None:
    client = register()

    assert client.organisation.ods_code == PRACTICE
    assert client.is_active
    entry = Entry.objects.get(action=Action.CLIENT_REGISTERED)
    assert entry.target == f"Client/{client.pk}"


def _secret_key() -> dict[str, Any]:
    return {"keys": [OctKey.generate_key(256, {"kid": "1"}).as_dict(private=True)]}


def _private_key() -> dict[str, Any]:
    return {"keys": [new_key().as_dict(private=True)]}


def _key_without_id() -> dict[str, Any]:
    return {"keys": [ECKey.generate_key("P-384").as_dict(private=False, kid=None)]}


def _key_of_another_kind() -> dict[str, Any]:
    return {"keys": [OKPKey.generate_key("Ed25519", {"kid": "1"}).as_dict(private=False)]}


def _weak_key() -> dict[str, Any]:
    with pytest.warns(SecurityWarning):
        key = RSAKey.generate_key(1024, {"kid": "1"})
    return {"keys": [key.as_dict(private=False)]}


def _key_on(curve: str) -> dict[str, Any]:
    return {"keys": [ECKey.generate_key(curve, {"kid": "1"}).as_dict(private=False)]}


def _key_with(**more: Any) -> dict[str, Any]:
    return {"keys": [{**public_keys(new_key())["keys"][0], **more}]}


BAD_KEYS: dict[str, Any] = {
    "a key that is too short": _weak_key(),
    "a key that is too long": {
        "keys": [{"kty": "RSA", "kid": "1", "e": "AQAB", "n": "_" + "w" * 2000}]
    },
    "a smaller curve": _key_on("P-256"),
    "a larger curve": _key_on("P-521"),
    "a key for encryption": _key_with(use="enc"),
    "a key for signing only": _key_with(key_ops=["sign"]),
    "a key for another algorithm": _key_with(alg="ES256"),
    "a key for an algorithm of the other kind": _key_with(alg="RS384"),
    "one good, one bad": {"keys": [*public_keys(new_key())["keys"], *_key_on("P-256")["keys"]]},
    "one name for two": {"keys": [*_key_with(kid="1")["keys"], *_key_with(kid="1")["keys"]]},
    "a point that is not on the curve": _key_with(x="A" * 64),
    "a key whose id is a number": _key_with(kid=5),
    "no set": {},
    "an empty set": {"keys": []},
    "a key alone": public_keys(new_key())["keys"][0],
    "no keys in it": {"keys": ["x"]},
    "a key that is none": {"keys": [{"kty": "EC"}]},
    "a private key": _private_key(),
    "a secret": _secret_key(),
    "a key without an id": _key_without_id(),
    "a key of another kind": _key_of_another_kind(),
    "a list": [],
    "nothing": None,
}


@pytest.mark.parametrize("jwks", BAD_KEYS.values(), ids=BAD_KEYS)
def test_keys_that_cannot_be_used_are_refused(jwks: Any) -> None:
    with pytest.raises(RegistrationRefused):
        register(jwks=jwks)

    assert not Client.objects.exists()


def test_a_system_that_speaks_bars_is_known_as_one(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(public_keys(new_key())), encoding="utf-8")

    call_command("register_client", "X", ods=PRACTICE, jwks_file=keys, stdout=io.StringIO())
    call_command(
        "register_client", "Y", "--bars", ods=PRACTICE, jwks_file=keys, stdout=io.StringIO()
    )

    assert dict(Client.objects.values_list("name", "is_bars")) == {"X": False, "Y": True}


def test_keys_come_in_a_file_or_from_an_address_never_both(tmp_path: Path) -> None:
    keys, address = tmp_path / "jwks.json", "https://keys.gp.example/jwks.json"

    for given in ({}, {"jwks_file": keys, "jwks_url": address}):
        with pytest.raises(CommandError):
            call_command("register_client", "X", ods=PRACTICE, **given)
    with pytest.raises(RegistrationRefused, match="characters"):
        register(jwks=None, jwks_url=f"{address}/{'x' * 200}")

    assert not Client.objects.exists()


def test_keys_are_replaced_and_may_move_to_an_address(tmp_path: Path) -> None:
    client, keys, said = register(), tmp_path / "jwks.json", io.StringIO()
    other = public_keys(new_key())
    keys.write_text(json.dumps(other), encoding="utf-8")

    call_command("change_client", str(client.pk), jwks_file=keys, stdout=said)
    client.refresh_from_db()
    assert (client.jwks, client.jwks_url) == (other, "")

    address = "https://keys.gp.example/jwks.json"
    call_command("change_client", str(client.pk), jwks_url=address, stdout=said)
    client.refresh_from_db()
    assert (client.jwks, client.jwks_url) == ({"keys": []}, address)

    call_command("change_client", str(client.pk), jwks_file=keys, stdout=said)
    client.refresh_from_db()
    assert (client.jwks, client.jwks_url) == (other, "")
    changes = Entry.objects.filter(target=f"Client/{client.pk}").order_by("pk")
    assert [(entry.action, entry.detail) for entry in changes] == [
        (Action.CLIENT_REGISTERED, {}),
        *[(Action.CLIENT_CHANGED, {"change": "keys-replaced"})] * 3,
    ]


def test_keys_that_cannot_be_used_replace_nothing(tmp_path: Path) -> None:
    client, keys = register(), tmp_path / "jwks.json"
    before = client.jwks
    keys.write_text(json.dumps(_private_key()), encoding="utf-8")

    with pytest.raises(CommandError, match="private"):
        call_command("change_client", str(client.pk), jwks_file=keys)

    client.refresh_from_db()
    assert client.jwks == before


def test_a_client_is_switched_off_once_and_for_all() -> None:
    client = register()

    call_command("change_client", str(client.pk), "--switch-off", stdout=io.StringIO())

    client.refresh_from_db()
    assert not client.is_active
    entry = Entry.objects.get(action=Action.CLIENT_CHANGED)
    assert (entry.actor, entry.target) == ("system", f"Client/{client.pk}")
    assert entry.detail == {"change": "switched-off"}
    for again in (["--switch-off"], ["--jwks-url", "https://keys.gp.example/"]):
        with pytest.raises(CommandError, match="registered and active"):
            call_command("change_client", str(client.pk), *again)


def test_a_client_is_tolerated_unless_it_asks_for_strictness(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(public_keys(new_key())), encoding="utf-8")
    call_command("register_client", "X", ods=PRACTICE, jwks_file=keys, stdout=io.StringIO())
    call_command(
        "register_client", "Y", "--strict", ods=PRACTICE, jwks_file=keys, stdout=io.StringIO()
    )

    clients = Client.objects.order_by("name")

    assert [client_actor(client, scope="").is_strict for client in clients] == [False, True]


def test_a_client_is_made_strict_and_tolerant_again() -> None:
    client = register()
    strictness = []

    for option in ("--strict", "--tolerant"):
        call_command("change_client", str(client.pk), option, stdout=io.StringIO())
        client.refresh_from_db()
        strictness.append(client.is_strict)

    assert strictness == [True, False]
    changes = Entry.objects.filter(action=Action.CLIENT_CHANGED).order_by("pk")
    assert [entry.detail["change"] for entry in changes] == ["made-strict", "made-tolerant"]


@pytest.mark.parametrize(
    "scope",
    [
        "",
        " ",
        "system/ServiceRequest",
        "system/ServiceRequest.x",
        "user/Patient.r",
        "system/Task.rs x",
    ],
)
def test_scopes_that_are_none_are_refused(scope: str) -> None:
    with pytest.raises(RegistrationRefused, match="Scopes look like"):
        register(scope=scope)


def test_an_organisation_that_has_closed_is_refused_and_its_successors_are_named() -> None:
    closed = Organisation.objects.filter(valid_to__isnull=False, successions_to__isnull=False)
    organisation = closed.order_by("ods_code")[0]
    successor = organisation.successions_to.order_by("pk")[0].successor

    with pytest.raises(RegistrationRefused, match="closed on") as refused:
        register(ods_code=organisation.ods_code or "")

    assert str(successor) in str(refused.value)
    assert not Client.objects.filter(organisation=organisation).exists()


def test_an_organisation_that_is_not_known_is_refused() -> None:
    with pytest.raises(RegistrationRefused, match="ZZZ"):
        register(ods_code="ZZZ")


def test_the_command_prints_what_the_operator_passes_on(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [_rsa()]}), encoding="utf-8")
    out = io.StringIO()

    call_command("register_client", "The System", ods=PRACTICE, jwks_file=keys, stdout=out)

    client = Client.objects.get()
    assert json.loads(out.getvalue()) == {
        "client_id": str(client.pk),
        "name": "The System",
        "ods": PRACTICE,
        "scope": scopes.DEFAULT,
    }


def _rsa() -> dict[str, Any]:
    return dict(RSAKey.generate_key(2048, {"kid": "1"}).as_dict(private=False))


@pytest.mark.parametrize("content", [None, "no JSON", "{}"])
def test_the_command_says_what_is_wrong(tmp_path: Path, content: str | None) -> None:
    keys = tmp_path / "jwks.json"
    if content:
        keys.write_text(content, encoding="utf-8")

    with pytest.raises(CommandError):
        call_command("register_client", "X", ods=PRACTICE, jwks_file=keys)

    assert not Client.objects.exists()


def test_each_host_key_has_a_secret_of_its_own_kept_encrypted() -> None:
    host = Organisation.objects.filter(kind="host")[0]

    keys = [make_host_key(host=host, at=timezone.now()) for _ in range(2)]

    assert keys[0].secret != keys[1].secret
    text = stored_text()
    for key in keys:
        assert key.secret.startswith("whsec_")
        assert key.secret.removeprefix("whsec_") not in text
        assert HostKey.objects.get(pk=key.pk).secret == key.secret
