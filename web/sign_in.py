"""Signing in for staff: accounts are made by an operator, never by signing up."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.members import organisations_of
from accounts.models import Role, User
from accounts.throttling import sender_of

REVIEWERS = (Role.CLINICAL_REVIEWER, Role.LIVED_EXPERIENCE_REVIEWER)

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

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Where somebody's work is."""
        user = request.user
        if isinstance(user, User):
            if organisations_of(user, *REVIEWERS):
                return reverse("reviews")
            if organisations_of(user, Role.COMMUNITY_COORDINATOR):
                return reverse("host-communities")
            if user.is_staff:
                return reverse("admin:index")
        return str(super().get_login_redirect_url(request))

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
