"""Django's handle on this package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
