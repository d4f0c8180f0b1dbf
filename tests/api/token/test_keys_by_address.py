"""Keys kept at the client's own address: read when they are needed, kept as long as it says, changed without us."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from joserfc.jwk import ECKey, Key, RSAKey
from pytest_django import Settings

from accounts.models import Client
from accounts.registering import register_client
from tests.api.token.assertions import NOON, SCOPE, ask, claims_of, error_of, signed
from tests.api.token.key_site import KeySite
from tests.cast import PRACTICE

URL = "https://keys.gp.example/jwks.json"
Clock = time_machine.Traveller

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings: Settings, ec_key: ECKey) -> type[KeySite]:
    """The client's address, with one key at it."""
    settings.KEY_FETCHER = "tests.api.token.key_site.KeySite"
    KeySite.asked = []
    KeySite.is_away = False
    KeySite.holds(ec_key)
    return KeySite


@pytest.fixture
def client(site: type[KeySite]) -> Client:
    """A client that registered nothing but the address."""
    del site
    return register_client(
        name="System", ods_code=PRACTICE, jwks_url=URL, scope=SCOPE, at=timezone.now()
    )


@pytest.fixture
def clock() -> Iterator[Clock]:
    with time_machine.travel(NOON, tick=False) as travelling:
        yield travelling


def status_of(client: Client, key: Key, *, alg: str = "ES384", **header: str) -> int:
    """Ask for a token with this key."""
    return ask(signed(key, claims_of(client.pk), alg=alg, **header)).status_code


def another_key(kid: str = "ec-2") -> ECKey:
    return ECKey.generate_key("P-384", {"kid": kid}, private=True)


def test_keys_are_read_when_they_are_first_needed_and_then_kept(
    client: Client, site: type[KeySite], ec_key: ECKey
) -> None:
    assert site.asked == []

    assert [status_of(client, ec_key) for _ in range(3)] == [200, 200, 200]

    assert site.asked == [URL]


def test_keys_are_not_read_for_an_assertion_that_could_not_hold(
    client: Client, site: type[KeySite], ec_key: ECKey
) -> None:
    for wrong in ({"aud": "https://elsewhere.example"}, {"exp": 1}, {"sub": "x"}, {"jti": None}):
        assertion = signed(ec_key, claims_of(client.pk, **wrong), alg="ES384")
        assert ask(assertion).status_code == 401

    assert site.asked == []


def test_keys_are_not_read_inside_a_transaction(
    client: Client, site: type[KeySite], ec_key: ECKey
) -> None:
    assert status_of(client, ec_key) == 200

    # The test itself is one; the product has begun none within it.
    assert site.savepoints == connection.savepoint_ids


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (timedelta(seconds=20), timedelta(seconds=20)),
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(days=300), timedelta(hours=24)),
        (None, timedelta(minutes=5)),
    ],
    ids=["short", "long", "at most a day", "nothing said"],
)
def test_keys_are_kept_for_no_longer_than_their_owner_says(
    client: Client,
    site: type[KeySite],
    ec_key: ECKey,
    clock: Clock,
    said: timedelta | None,
    kept: timedelta,
) -> None:
    site.holds(ec_key, good_for=said)
    status_of(client, ec_key)

    clock.shift(kept - timedelta(seconds=1))
    assert status_of(client, ec_key) == 200
    assert len(site.asked) == 1

    clock.shift(timedelta(seconds=1))
    assert status_of(client, ec_key) == 200
    assert len(site.asked) == 2


def test_keys_that_must_not_be_kept_are_read_again_after_some_seconds(
    client: Client, site: type[KeySite], ec_key: ECKey, clock: Clock
) -> None:
    site.holds(ec_key, good_for=timedelta())

    assert [status_of(client, ec_key) for _ in range(3)] == [200, 200, 200]
    assert len(site.asked) == 1
    clock.shift(11)
    assert status_of(client, ec_key) == 200
    assert len(site.asked) == 2


def test_a_new_key_works_at_once(client: Client, site: type[KeySite], ec_key: ECKey) -> None:
    status_of(client, ec_key)
    new = another_key()
    site.holds(ec_key, new)

    assert status_of(client, new) == 200
    assert status_of(client, ec_key) == 200


def test_a_key_that_was_taken_away_ends_with_the_time_of_its_set(
    client: Client, site: type[KeySite], ec_key: ECKey, clock: Clock
) -> None:
    status_of(client, ec_key)
    site.holds(another_key())

    clock.shift(timedelta(minutes=5))

    assert status_of(client, ec_key) == 401


def test_a_stranger_who_names_unknown_keys_makes_us_ask_once_a_minute(
    client: Client, site: type[KeySite], ec_key: ECKey, clock: Clock
) -> None:
    status_of(client, ec_key)
    guesses = [another_key(f"guess-{number}") for number in range(5)]

    assert {status_of(client, guess) for guess in guesses} == {401}
    assert len(site.asked) == 2
    clock.shift(timedelta(minutes=1))
    assert {status_of(client, guess) for guess in guesses} == {401}
    assert len(site.asked) == 3

    assert status_of(client, ec_key) == 200


def test_while_the_address_is_away_the_keys_are_good_until_their_time_is_over(
    client: Client, site: type[KeySite], ec_key: ECKey, clock: Clock
) -> None:
    status_of(client, ec_key)
    site.is_away = True

    assert status_of(client, another_key()) == 401
    assert status_of(client, ec_key) == 200

    clock.shift(timedelta(minutes=5))
    assertion = signed(ec_key, claims_of(client.pk), alg="ES384")
    assert error_of(ask(assertion), 401) == "invalid_client"

    site.is_away = False
    assert ask(assertion).status_code == 200  # it was never used


def test_an_address_that_is_away_is_not_asked_without_end(
    client: Client, site: type[KeySite], ec_key: ECKey, clock: Clock, settings: Settings
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "key-set": 3}
    site.is_away = True

    assert {status_of(client, ec_key) for _ in range(6)} == {401}
    assert len(site.asked) == 3

    site.is_away = False
    clock.shift(timedelta(minutes=1))
    assert status_of(client, ec_key) == 200


NO_SETS = {
    "nothing": b"",
    "a page": b"<html>",
    "a list": b"[]",
    "no keys": b"{}",
    "keys that are none": b'{"keys": "x"}',
    "a list of words": b'{"keys": ["x"]}',
    "an empty set": b'{"keys": []}',
    "very deep": b"[" * 60_000,
    "not text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("document", NO_SETS.values(), ids=NO_SETS)
def test_what_is_no_key_set_lets_nobody_in(
    client: Client, site: type[KeySite], ec_key: ECKey, document: bytes
) -> None:
    site.document = document

    assert status_of(client, ec_key) == 401


def test_keys_for_other_purposes_do_no_harm_and_no_service(
    client: Client, site: type[KeySite], ec_key: ECKey
) -> None:
    encrypting = another_key("enc")
    leaked = another_key("leaked")
    site.holds(
        {"kty": "AKP", "kid": "of the future"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {**encrypting.as_dict(private=False), "use": "enc"},
        leaked.as_dict(private=True),
        ec_key,
    )

    assert status_of(client, encrypting) == 401
    assert status_of(client, leaked) == 401
    assert status_of(client, ec_key) == 200
    client.refresh_from_db()
    assert [key["kid"] for key in client.jwks["keys"]] == ["ec-1"]


def test_one_name_for_two_keys_is_no_name(
    client: Client, site: type[KeySite], ec_key: ECKey, rsa_key: RSAKey
) -> None:
    site.holds(ec_key, another_key("ec-1"))
    assert status_of(client, ec_key) == 401

    other_kind = {**rsa_key.as_dict(private=False), "kid": "ec-1"}
    site.holds(ec_key, other_kind)
    client.jwks_fresh_until = None
    client.save(update_fields=["jwks_fresh_until"])

    assert status_of(client, ec_key) == 200
    assert status_of(client, rsa_key, alg="RS512", kid="ec-1") == 200


def test_jku_may_repeat_the_registered_address_and_name_no_other(
    client: Client, site: type[KeySite], ec_key: ECKey
) -> None:
    assert status_of(client, ec_key, jku=URL) == 200
    assert status_of(client, ec_key, jku="https://elsewhere.example/jwks.json") == 401
    assert status_of(client, ec_key, jku=f"{URL}?") == 401
    assert site.asked == [URL]
