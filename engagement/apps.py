"""Django's handle on this package."""

from django.apps import AppConfig


class EngagementConfig(AppConfig):
    """Engagement."""

    name = "engagement"
    default_auto_field = "django.db.models.BigAutoField"
