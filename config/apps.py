"""Django's handle on this package."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The room that puts all others together."""

    name = "config"
