"""Django's handle on this package."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Jobs."""

    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
