"""Signing in for staff: accounts are made by an operator, never by signing up."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.throttling import sender_of

logger = logging.getLogger(__name__)


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody makes an account for themselves."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": gettext_lazy("The email address or the password is not right."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whose wrong passwords are counted: behind a proxy not the proxy's own."""
        return sender_of(request.META)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """From the configured address: the Host header is the sender's."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "0", "key": "0"})
        return settings.PUBLIC_BASE_URL + path.replace("0-0", key)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        del request
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send; a mail server that is away must not show who has an account, nor break the page."""
        try:
            super().send_mail(template_prefix, email, context)
        except (OSError, SMTPException):
            logger.exception("a mail to somebody who signs in could not be sent")
