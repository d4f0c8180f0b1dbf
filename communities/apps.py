"""Django's handle on this package."""

from django.apps import AppConfig


class CommunitiesConfig(AppConfig):
    """Communities."""

    name = "communities"
    default_auto_field = "django.db.models.BigAutoField"
