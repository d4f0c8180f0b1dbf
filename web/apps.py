"""Django's handle on this package."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """HTML for people."""

    name = "web"
