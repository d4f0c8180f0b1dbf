"""Senders that never finish: each has a thread for some seconds, and then everybody else has it again."""

import socket
import threading
import time
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from scripts.stack import Stack

SENDERS = 24  # more than there are threads
HEAD = b"POST /oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n\r\n"

pytestmark = pytest.mark.journey


def _drip(address: tuple[str, int], is_over: threading.Event) -> None:
    with socket.create_connection(address) as sender:
        sender.sendall(HEAD)
        while not is_over.wait(1):
            try:
                sender.sendall(b"x")
            except OSError:
                return


def test_a_byte_now_and_then_does_not_keep_a_thread() -> None:
    is_over = threading.Event()
    with Stack() as stack:
        parts = urlsplit(stack.base_url)
        address = (parts.hostname or "", parts.port or 0)
        senders = [threading.Thread(target=_drip, args=(address, is_over)) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            time.sleep(2)
            with urlopen(f"{stack.base_url}/health/live", timeout=45) as answer:  # noqa: S310
                assert answer.status == 200
        finally:
            is_over.set()
            for sender in senders:
                sender.join()
