"""Django's handle on this package."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """HTTP for machines."""

    name = "api"
