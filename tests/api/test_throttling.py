"""Who asks too often is told when to come back, before anything of what they sent is read, and nobody else is."""

import io
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.throttling import Limit, seconds_to_wait, sender_of
from config import env
from tests.api.answers import Answer, errors, issues
from tests.api.token.assertions import FORM, NOON
from tests.cast import BATCH, FHIR_JSON, ClinicalSystem, Community

ABSENT = f"/fhir/R4/ServiceRequest/{uuid4()}"
REDIS = ("127.0.0.1", 6379)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Twenty seconds into a minute, and staying there."""
    with time_machine.travel(NOON + timedelta(seconds=20), tick=False) as travelling:
        yield travelling


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    """Three of everything."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 3)


class _Unreadable(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise AssertionError(f"{size} bytes of the body were asked for")

    readline = read  # type: ignore[assignment]


def unread(path: str, content_type: str, headers: dict[str, str] | None = None) -> Answer:
    """POST a body that must not be read."""
    more: dict[str, Any] = {"wsgi.input": _Unreadable()}
    return Client().generic("POST", path, b"{}", content_type, headers=headers, **more)


def test_a_system_that_asks_too_often_is_told_when_to_come_back(
    gp_system: ClinicalSystem, clock: time_machine.Traveller
) -> None:
    answers = [gp_system.get(ABSENT) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    [issue] = issues(answers[3], 429)
    assert issue["code"] == "throttled"
    assert issue["details"]["coding"][0]["code"] == "REC_TOO_MANY_REQUESTS"
    assert answers[3]["Retry-After"] == "40"
    clock.shift(timedelta(seconds=40))
    assert gp_system.get(ABSENT).status_code == 404


def test_systems_behind_one_address_do_not_use_up_each_others_share(
    gp_system: ClinicalSystem, other_gp_system: ClinicalSystem
) -> None:
    while gp_system.get(ABSENT).status_code != 429:
        pass

    assert other_gp_system.get(ABSENT).status_code == 404


def test_a_new_token_is_no_new_share(gp_system: ClinicalSystem) -> None:
    while gp_system.get(ABSENT).status_code != 429:
        pass
    gp_system.sign_in()

    assert gp_system.get(ABSENT).status_code == 429


def test_a_request_without_the_scope_counts_too(gp_system: ClinicalSystem) -> None:
    gp_system.scope = "system/Task.r"

    answers = [gp_system.get(ABSENT).status_code for _ in range(4)]

    assert answers == [403, 403, 403, 429]


def test_what_comes_too_often_is_not_read(gp_system: ClinicalSystem) -> None:
    token = {"Authorization": f"Bearer {gp_system.sign_in()}"}
    for _ in range(3):
        gp_system.get(ABSENT)

    issues(unread("/fhir/R4/ServiceRequest", FHIR_JSON, token), 429)
    issues(unread("/fhir/R4", FHIR_JSON, token), 429)


def test_wrong_tokens_are_counted_by_where_they_come_from_and_shut_out_nobody_else(
    gp_system: ClinicalSystem,
) -> None:
    gp_system.sign_in()
    guesses = [
        Client().get(ABSENT, headers={"Authorization": f"Bearer guess-{number}"})
        for number in range(4)
    ]

    assert [guess.status_code for guess in guesses] == [401, 401, 401, 429]
    issues(unread("/fhir/R4/ServiceRequest", FHIR_JSON, {"Authorization": "Bearer guess"}), 429)
    issues(unread("/fhir/R4/ServiceRequest", FHIR_JSON), 429)
    assert Client().get("/fhir/R4/metadata").status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").get("/fhir/R4/metadata").status_code == 200
    assert gp_system.get(ABSENT).status_code == 404  # from the same address, with a good token


def test_tokens_are_asked_for_only_so_often_from_one_network() -> None:
    for _ in range(3):
        assert Client().post("/oauth2/token", "", content_type=FORM).status_code == 400

    answer = unread("/oauth2/token", FORM)

    errors(answer, 429)
    assert answer["Retry-After"] == "40"
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post("/oauth2/token", "", content_type=FORM).status_code == 400


def test_webhooks_are_taken_only_so_often_from_one_network(community: Community) -> None:
    statuses = [community.send(b"[]").status_code for _ in range(3)]

    assert 429 not in statuses
    errors(unread(f"/api/events/{community.key.pk}", BATCH), 429)


def test_who_sends_x_forwarded_for_is_not_believed(settings: Settings) -> None:
    environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1, 198.51.100.2"}

    assert sender_of(environ) == "192.0.2.1"

    settings.BEHIND_PROXY = True
    assert sender_of(environ) == "198.51.100.2"  # what our proxy saw; the rest anybody can write
    assert sender_of({"REMOTE_ADDR": "192.0.2.1"}) == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),  # a server that listens on a socket in the file system
        ("unknown", "unknown"),
    ],
)
def test_all_the_addresses_of_one_line_are_one_sender(address: str, network: str) -> None:
    assert sender_of({"REMOTE_ADDR": address}) == network


def test_while_the_cache_is_away_nothing_is_counted_and_nothing_is_lost(
    gp_system: ClinicalSystem,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("redis")
    monkeypatch.setenv("CACHE_URL", "redis://127.0.0.1:9/0")
    settings.CACHES = {"default": env.cache("CACHE_URL")}

    answers = {gp_system.get(ABSENT).status_code for _ in range(5)}

    assert answers == {404}
    assert "requests are not counted" in caplog.messages


def _is_redis_there() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(REDIS) == 0


@pytest.mark.skipif(not _is_redis_there(), reason="needs Redis on 127.0.0.1:6379")
def test_processes_count_together_in_redis(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("redis")
    monkeypatch.setenv("CACHE_URL", "redis://{}:{}/15".format(*REDIS))
    settings.CACHES = {"default": env.cache("CACHE_URL")}
    who = uuid4().hex

    waits = [seconds_to_wait(limit=Limit.TOKEN, who=who, at=NOON) for _ in range(5)]

    assert waits == [0, 0, 0, 60, 60]
    cache.close()
