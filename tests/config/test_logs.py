"""What a line of the log says, and what it never does."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from django.test import Client

from config.logs import JsonFormatter

SECRETS = ("9990000018", "Testfield", "canary-3f9d", "Rowan")


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What Django's loggers write, as our formatter writes it."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("django")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/fhir/R4/Patient/9990000018", "fhir/R4/Patient/<str:resource_id>"),
        ("/fhir/R4/Observation/9990000018", "^fhir(/.*)?$"),
        ("/fhir/R4/Patient?name=Testfield", "fhir/R4/Patient"),
        ("/fhir/R4/Task?focus=9990000018", "fhir/R4/Task"),
        ("/api/events/canary-3f9d", None),
        ("/Rowan Testfield/9990000018", None),
        ("/Rowan%0ATestfield", None),
        ("/oauth2/token?client_assertion=canary-3f9d", "oauth2/token"),
        ("/r/start/canary-3f9d", None),
    ],
)
@pytest.mark.django_db
def test_an_address_leaves_only_the_pattern_that_it_fits(
    log: StringIO, path: str, route: str | None
) -> None:
    assert Client().get(path).status_code >= 400

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines
    for line in lines:
        assert line["message"].endswith(": /…")
        assert line["status_code"].startswith("4")
        assert line.get("route") == route
    for secret in SECRETS:
        assert secret not in log.getvalue()


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("Not Found: /r/canary-3f9d", "Not Found: /…"),
        ('"GET /r/canary-3f9d HTTP/1.1" 404', '"GET /…'),
        ("sent to https://peer.example/r/canary-3f9d", "sent to https:/…"),
        ("/Rowan\nTestfield", "/…"),
        ("job failed", "job failed"),
        ("yes/no and/or 3/4", "yes/no and/or 3/4"),
    ],
)
def test_what_follows_an_address_is_left_out(message: str, written: str) -> None:
    record = logging.LogRecord("any", logging.INFO, "", 0, "%s", (message,), None)

    assert json.loads(JsonFormatter().format(record))["message"] == written


def test_a_host_name_that_somebody_made_up_is_not_repeated(log: StringIO) -> None:
    assert Client().get("/help/now", headers={"Host": "canary-3f9d.example"}).status_code == 400

    assert "DisallowedHost" in log.getvalue()
    assert "canary-3f9d" not in log.getvalue()


def test_of_an_error_only_its_kind_and_place_are_kept() -> None:
    try:
        raise ValueError("canary-3f9d")
    except ValueError as error:
        told = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("any", logging.ERROR, "", 0, "it failed", (), told)

    line = json.loads(JsonFormatter().format(record))

    assert (line["error"], line["where"].partition(":")[0]) == ("ValueError", __name__)
    assert "canary-3f9d" not in str(line)
