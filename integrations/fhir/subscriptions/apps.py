"""Django's handle on this package."""

from importlib import import_module

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Subscriptions."""

    name = "integrations.fhir.subscriptions"
    label = "subscriptions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the job handlers known in every process."""
        import_module("integrations.fhir.subscriptions.tasks")
