"""Django's handle on this package."""

from importlib import import_module

from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    """Referrals."""

    name = "referrals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the job handlers known in every process."""
        import_module("referrals.tasks")
