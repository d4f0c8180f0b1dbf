"""A setting that cannot be right stops the start with a sentence that names it, and never shows a password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

PROJECT = Path(__file__).parents[2]
NAME = "A_SETTING"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_PORT", "abc"),
        ("DATABASE_URL", "postgres://user:canary-3f9d@127.0.0.1:port/name"),
        ("CELERY_BROKER_URL", "canary-3f9d"),
        ("CACHE_URL", "memcached://canary-3f9d"),
        ("MESSENGER", "nowhere.Messenger"),
        ("ALLOWED_HOSTS", ""),
    ],
)
def test_the_start_stops_with_a_sentence(name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=PROJECT,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"django.core.exceptions.ImproperlyConfigured: {name} ")
    assert "canary-3f9d" not in done.stderr


@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "٢٥", "2 5"])
def test_a_number_is_whole(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be a whole number"):
        env.number(NAME, 25)


def test_a_number_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.number(NAME, 25) == 25

    monkeypatch.setenv(NAME, " 587 ")
    assert env.number(NAME, 25) == 587


@pytest.mark.parametrize("value", ["", " ", ",", " , "])
def test_a_list_names_something(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is set but names nothing"):
        env.words(NAME, "a,b")


@pytest.mark.parametrize(
    "value",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:peer.sqlite3",
        "mysql://user:canary-3f9d@127.0.0.1/name",
        "postgres://user:canary-3f9d@127.0.0.1:5432/",
        "postgres://user:canary-3f9d@127.0.0.1:port/name",
        "postgres://user:canary-3f9d@127.0.0.1:99999/name",
        "postgres://user:canary-3f9d@[127.0.0.1/name",
        "canary-3f9d",
    ],
)
def test_a_database_that_cannot_be_is_never_quoted(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be sqlite:///path or") as caught:
        env.database(NAME, "")

    assert "canary-3f9d" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_locked_database_is_waited_for_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "sqlite:////srv/peer.sqlite3")

    read = env.database(NAME, "")

    assert read["NAME"] == "/srv/peer.sqlite3"
    assert read["OPTIONS"]["timeout"] == 5


def test_a_database_server_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "postgres://user:p%40ss@db.example:5433/peer?sslmode=require")

    read = env.database(NAME, "")

    assert (read["HOST"], read["PORT"], read["NAME"]) == ("db.example", "5433", "peer")
    assert (read["USER"], read["PASSWORD"]) == ("user", "p@ss")
    assert read["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    "value", ["canary", "canary:", "http://canary", "://canary", "redis:canary"]
)
def test_a_broker_is_of_a_known_kind(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(ImproperlyConfigured, match="filesystem://, redis://") as caught:
        env.broker(NAME, "")

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["filesystem://localhost/", "redis://:p@127.0.0.1:6379/0", "amqps://b", "memory://"]
)
def test_a_broker_is_read(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    assert env.broker(NAME, "") == value


@pytest.mark.parametrize(
    "value", ["peer.example", "ftp://x", "https://", "https://[x?y", "http://a b"]
)
def test_an_address_is_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be an address"):
        env.base_url(NAME)


def test_an_address_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "https://peer.example.nhs.uk/")

    assert env.base_url(NAME) == "https://peer.example.nhs.uk"
