"""The servers and programs that some tests need, where they are looked for, and what is missed without them."""

import os
import shutil
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

_SECONDS = 2


@dataclass(frozen=True)
class Service:
    """A server at an address, or a program when the address has no host."""

    name: str
    address: str
    without: str

    def answers(self) -> bool:
        """Whether it is there."""
        parts = urlsplit(self.address)
        if not parts.hostname:
            return any(shutil.which(program) for program in self.address.split())
        try:
            with socket.create_connection((parts.hostname, parts.port or 0), timeout=_SECONDS):
                return True
        except OSError:
            return False


POSTGRES = Service(
    "PostgreSQL",
    os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
    "no PostgreSQL answers at TEST_POSTGRES_URL, so the suite did not run on it",
)
RABBITMQ = Service(
    "RabbitMQ",
    os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    "no RabbitMQ answers at TEST_RABBITMQ_URL, so no journey ran with it",
)
REDIS = Service(
    "Redis",
    os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/"),
    "no Redis answers at TEST_REDIS_URL, so no journey ran with it",
)
CHROMIUM = Service(
    "Chromium",
    "chromium chromium-browser google-chrome",
    "there is no Chromium, so no browser test ran",
)
SERVICES = (POSTGRES, RABBITMQ, REDIS, CHROMIUM)
