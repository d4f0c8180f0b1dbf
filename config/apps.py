"""Django's handle on this package."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string


class ConfigConfig(AppConfig):
    """The room that puts all others together."""

    name = "config"

    def ready(self) -> None:
        """Stop the start when no message could be handed over. Not in the settings: messengers read those."""
        try:
            import_string(settings.MESSENGER)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"MESSENGER must name a class that can be imported, such as"
                f" integrations.messaging.file.FileMessenger (got {settings.MESSENGER!r})."
            ) from error
