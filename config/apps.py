"""Django's handle on this package."""

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate  # noqa: TID251  (the moment when tables are there)
from django.utils.module_loading import import_string

from privacy import row_security


class ConfigConfig(AppConfig):
    """The room that puts all others together."""

    name = "config"

    def ready(self) -> None:
        """Keep row-level security in line with the tables, and stop the start when no message could be handed over. Not in the settings: messengers read those."""
        # Django tells apps with models only, each after all migrations; any one will do.
        post_migrate.connect(_secure_rows, sender=apps.get_app_config("accounts"))
        try:
            import_string(settings.MESSENGER)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"MESSENGER must name a class that can be imported, such as"
                f" integrations.messaging.file.FileMessenger (got {settings.MESSENGER!r})."
            ) from error


def _secure_rows(**_signal: object) -> None:
    row_security.apply()
