"""Asking an address that somebody else named: only the checked one, only so long, only so much, never elsewhere."""

import socket
import threading
import time
from contextlib import suppress

import pytest
from pytest_django import Settings

from integrations.outbound.addresses import OutboundRefused, OutboundUnavailable
from integrations.outbound.client import Answer, get, post
from tests.integrations.outbound.conftest import NAME, PUBLIC, Internet, Reply, says

URL = f"https://{NAME}/jwks.json?a=b"


def ask(url: str = URL, *, timeout: float = 5.0, largest: int = 1000) -> Answer:
    return get(url, timeout=timeout, largest=largest)


def test_a_public_address_is_asked_by_its_name(internet: Internet) -> None:
    internet.reply = says(b'{"keys": []}', headers="Cache-Control: max-age=60\r\nETag: a\r\n")

    answer = ask()

    assert (answer.status, answer.body) == (200, b'{"keys": []}')
    assert answer.headers["cache-control"] == "max-age=60"
    [request] = internet.requests
    first, *headers = request.decode().split("\r\n")
    assert first == "GET /jwks.json?a=b HTTP/1.1"
    assert f"Host: {NAME}" in headers
    assert "encoding" not in request.decode().lower()  # nothing to blow up
    assert internet.connected_to == [PUBLIC]


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a9fe:a9fe"],
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "2606:4700::1111", "fd00::1"],
    ],
)
def test_a_name_that_leads_inside_with_any_of_its_addresses_is_not_asked(
    internet: Internet, found: list[str]
) -> None:
    internet.names = [found]

    with pytest.raises(OutboundRefused, match="not public"):
        ask()

    assert internet.connected_to == []


def test_a_name_that_changes_after_the_check_gains_nothing(internet: Internet) -> None:
    internet.names = [[PUBLIC], ["127.0.0.1"]]

    ask()

    assert internet.looked_up == [NAME]
    assert internet.connected_to == [PUBLIC]


@pytest.mark.parametrize("url", ["https://0x7f.1/", "https://localhost/", "https://0177.0.0.1/"])
def test_other_ways_to_write_this_machine_lead_nowhere(internet: Internet, url: str) -> None:
    internet.names = [["127.0.0.1"]]  # what a name server makes of them

    with pytest.raises(OutboundRefused):
        ask(url)

    assert internet.connected_to == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["https://169.254.169.254/", f"https://{NAME}/other"])
def test_redirects_are_not_followed(internet: Internet, status: int, place: str) -> None:
    internet.reply = says(status=f"{status} Elsewhere", headers=f"Location: {place}\r\n")

    with pytest.raises(OutboundRefused, match="redirects"):
        ask()

    assert len(internet.requests) == 1


def test_the_next_address_is_tried_when_one_is_dead(internet: Internet) -> None:
    internet.names = [["2606:4700::1111", PUBLIC]]
    internet.dead = {"2606:4700::1111"}

    assert ask().status == 200
    assert internet.connected_to == ["2606:4700::1111", PUBLIC]


def test_a_certificate_for_another_name_is_not_trusted(internet: Internet) -> None:
    with pytest.raises(OutboundUnavailable, match="SSLCertVerificationError"):
        ask("https://other.gp.example/")

    assert internet.requests == []


def test_a_certificate_by_nobody_is_not_trusted(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(OutboundUnavailable, match="SSLCertVerificationError"):
        ask()


def test_proxies_of_the_environment_are_not_asked(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert ask().status == 200
    assert internet.connected_to == [PUBLIC]


def _chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"64\r\n" + b"x" * 100 + b"\r\n")


def _without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000)


@pytest.mark.parametrize("reply", [says(b"x" * 1001), _chunks, _without_end])
def test_what_is_too_large_is_not_taken(internet: Internet, reply: Reply) -> None:
    internet.reply = reply

    with pytest.raises(OutboundRefused, match="larger than 1000 bytes"):
        ask()


def test_the_largest_itself_is_fine(internet: Internet) -> None:
    internet.reply = says(b"x" * 1000)

    assert len(ask().body) == 1000


def _drip(start: bytes) -> Reply:
    """A byte now and then, each well within any time-out for one byte."""

    def reply(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(50):
            time.sleep(0.1)
            connection.sendall(b"x")

    return reply


DRIPS = [b"", b"HTTP/1.1 200 OK\r\nA: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"]


@pytest.mark.parametrize("start", DRIPS, ids=["status", "headers", "body"])
def test_one_deadline_ends_a_slow_drip(internet: Internet, start: bytes) -> None:
    internet.reply = _drip(start)

    with pytest.raises(OutboundUnavailable, match="TimeoutError"):
        ask(timeout=0.5)


def test_a_silent_name_server_is_not_waited_for(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: end.wait(10) and [])

    with pytest.raises(OutboundUnavailable, match="looked up in time"):
        ask(timeout=0.2)

    end.set()
    assert internet.connected_to == []


def _nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


def _nothing(connection: socket.socket) -> None:
    del connection


def _cut_off(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")


def _many_headers(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n")


@pytest.mark.parametrize("reply", [_nonsense, _nothing, _cut_off, _many_headers])
def test_what_is_no_whole_answer_is_none(internet: Internet, reply: Reply) -> None:
    internet.reply = reply

    with pytest.raises(OutboundUnavailable):
        ask()


@pytest.mark.parametrize("status", ["404 Not Found", "500 Error", "204 No Content"])
def test_what_a_status_means_is_left_to_whoever_asked(internet: Internet, status: str) -> None:
    internet.reply = says(status=status)

    assert ask().status == int(status[:3])


def test_a_name_that_is_none_is_unavailable(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(OutboundUnavailable, match="cannot be found"):
        ask()


def test_in_a_demonstration_this_machine_is_asked_without_tls_and_under_no_other_name(
    internet: Internet, settings: Settings
) -> None:
    settings.DEMO = True
    internet.names = [["127.0.0.1"]]

    with pytest.raises(OutboundUnavailable):  # the server speaks TLS
        ask("http://localhost/")
    assert internet.connected_to == ["127.0.0.1"]

    with pytest.raises(OutboundRefused):
        ask()


# POST


def send(body: bytes = b'{"a": 1}', *, timeout: float = 5.0) -> int:
    headers = ("Content-Type: application/json", "X-Key: 7")
    return post(URL, body=body, headers=headers, timeout=timeout)


def test_what_is_sent_arrives_with_its_headers(internet: Internet) -> None:
    assert send() == 200

    head, _, body = internet.requests[0].partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /jwks.json?a=b HTTP/1.1"
    assert {f"Host: {NAME}", "Content-Length: 8", "X-Key: 7"} < set(headers)
    assert body == b'{"a": 1}'


@pytest.mark.parametrize("reply", [says(b"x" * 100_000), _without_end, _chunks, _cut_off])
def test_of_the_answer_to_what_was_sent_only_the_status_counts(
    internet: Internet, reply: Reply
) -> None:
    internet.reply = reply

    assert send() == 200


def test_what_is_sent_does_not_follow_a_redirect_either(internet: Internet) -> None:
    internet.reply = says(status="307 Elsewhere", headers="Location: https://169.254.169.254/\r\n")

    with pytest.raises(OutboundRefused, match="redirects"):
        send()

    assert len(internet.requests) == 1


def test_nothing_is_sent_inside(internet: Internet) -> None:
    internet.names = [["10.0.0.1"]]

    with pytest.raises(OutboundRefused, match="not public"):
        send()

    assert internet.connected_to == []


@pytest.mark.parametrize("start", DRIPS[:2], ids=["status", "headers"])
def test_one_deadline_ends_a_slow_answer_to_what_was_sent(internet: Internet, start: bytes) -> None:
    internet.reply = _drip(start)

    with pytest.raises(OutboundUnavailable, match="TimeoutError"):
        send(timeout=0.5)
