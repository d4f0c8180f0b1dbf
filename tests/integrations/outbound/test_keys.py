"""Key sets read at clients' addresses, from the registration to the token, through the guard."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Client
from accounts.ports import KeysUnavailable
from accounts.registering import RegistrationRefused, register_client
from integrations.outbound.keys import GuardedKeyFetcher, good_for
from scripts.signing import new_key, public_keys
from tests.api.token.assertions import SCOPE, ask, claims_of, signed
from tests.cast import PRACTICE
from tests.integrations.outbound.conftest import NAME, PUBLIC, Internet, says

URL = f"https://{NAME}/jwks.json"


@pytest.mark.django_db
def test_a_system_that_keeps_its_keys_at_its_own_address_signs_in(internet: Internet) -> None:
    key = new_key()
    call_command("register_client", "System", ods=PRACTICE, jwks_url=URL)
    client = Client.objects.get()
    assert internet.requests == []
    internet.reply = says(json.dumps(public_keys(key)).encode())

    answer = ask(signed(key, claims_of(client.pk), alg="ES384"))

    assert answer.status_code == 200, answer.content
    assert internet.connected_to == [PUBLIC]


@pytest.mark.django_db
def test_an_address_that_leads_inside_lets_nobody_in_and_says_nothing_of_the_inside(
    internet: Internet,
) -> None:
    client = register_client(
        name="System", ods_code=PRACTICE, jwks_url=URL, scope=SCOPE, at=timezone.now()
    )
    internet.names = [["10.0.0.7"]]

    answer = ask(signed(new_key(), claims_of(client.pk), alg="ES384"))

    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_client",
        "error_description": "Your key set cannot be read at the registered address.",
    }
    assert internet.connected_to == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["http://keys.gp.example/jwks.json", "https://10.0.0.1/jwks.json", "x"]
)
def test_an_address_that_would_never_be_asked_is_not_registered(url: str) -> None:
    with pytest.raises(RegistrationRefused, match="address"):
        register_client(
            name="System", ods_code=PRACTICE, jwks_url=url, scope=SCOPE, at=timezone.now()
        )


@pytest.mark.parametrize(
    "reply",
    [
        says(status="404 Not Found"),
        says(status="204 No Content"),
        says(status="302 Found", headers="Location: https://169.254.169.254/\r\n"),
        says(b" " * 70_000),
    ],
)
def test_what_is_no_good_answer_is_no_key_set(internet: Internet, reply: object) -> None:
    internet.reply = reply  # type: ignore[assignment]

    with pytest.raises(KeysUnavailable):
        GuardedKeyFetcher().fetch(URL)


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("", None),
        ("public", None),
        ("max-age=300", 300),
        ("public, MAX-AGE=300, must-revalidate", 300),
        ('max-age="300"', 300),
        ("s-maxage=10, max-age=20", 20),
        ("s-maxage=10", None),
        ("max-age=0", 0),
        ("max-age=abc", 0),
        ("max-age=99999999999999999999", 0),
        ("no-store", 0),
        ("no-cache, max-age=300", 0),
        ("private, no-cache", 0),
    ],
)
def test_how_long_a_set_may_be_kept_is_read_from_cache_control(
    cache_control: str, seconds: int | None
) -> None:
    assert good_for(cache_control) == (None if seconds is None else timedelta(seconds=seconds))
