"""Django's handle on this package."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Audit."""

    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"
