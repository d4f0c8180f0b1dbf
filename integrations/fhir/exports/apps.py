"""Django's handle on this package."""

from importlib import import_module

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Exports."""

    name = "integrations.fhir.exports"
    label = "exports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the job handlers known in every process."""
        import_module("integrations.fhir.exports.tasks")
