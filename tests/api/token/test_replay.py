"""An assertion is good for one token, whoever uses it, wherever and however often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from joserfc.jwk import ECKey, RSAKey

from accounts.models import AccessToken, UsedAssertion
from accounts.models import Client as RegisteredClient
from tests import cast
from tests.api.token.assertions import (
    NOON,
    ask,
    claims_of,
    error_of,
    signed,
)

pytestmark = pytest.mark.django_db


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
def test_of_a_hundred_simultaneous_uses_of_one_assertion_exactly_one_wins(
    client: RegisteredClient, ec_key: ECKey
) -> None:
    assertion = signed(ec_key, claims_of(client.pk), alg="ES384")
    at_once = 20  # as many as there are connections to spare
    together = Barrier(at_once)

    def use(_: int) -> list[int]:
        try:
            together.wait(timeout=30)
            return [int(ask(assertion).status_code) for _ in range(100 // at_once)]
        finally:
            connection.close()

    with ThreadPoolExecutor(at_once) as threads:
        answers = [status for statuses in threads.map(use, range(at_once)) for status in statuses]

    assert sorted(answers) == [200] + [401] * 99
    assert AccessToken.objects.filter(client=client).count() == 1


def test_what_has_run_out_is_swept_away_by_the_next_token(
    client: RegisteredClient, ec_key: ECKey
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(120):
            ask(signed(ec_key, claims_of(client.pk), alg="ES384"))
        clock.shift(timedelta(minutes=11))

        ask(signed(ec_key, claims_of(client.pk), alg="ES384"))

        # A hundred at a time, so that nobody waits long for a token.
        assert AccessToken.objects.filter(client=client).count() == 21
        assert UsedAssertion.objects.filter(client=client).count() == 21
        ask(signed(ec_key, claims_of(client.pk), alg="ES384"))
        assert AccessToken.objects.filter(client=client).count() == 2
        assert UsedAssertion.objects.filter(client=client).count() == 2
