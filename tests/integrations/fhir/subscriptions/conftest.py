"""The small internet of the outbound tests, in which the endpoints of subscribers stand."""

from tests.integrations.outbound.conftest import certificate, internet

__all__ = ["certificate", "internet"]
