"""The e-mail messenger: hands messages to an SMTP server by Django's mail settings."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

from referrals.ports import MessageRefused, MessengerUnavailable, Outgoing


class SmtpMessenger:
    """Sends e-mail. It has no way to send an SMS or a letter and says so."""

    def hand_over(self, message: Outgoing) -> None:
        """Send one e-mail; its Message-ID follows from the reference, so that a repeat is known as one."""
        if message.channel != "email":
            raise MessageRefused(f"An e-mail server cannot carry a message by {message.channel}.")
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
        mail = EmailMessage(
            message.subject,
            message.body,
            to=[message.to],
            headers={"Message-ID": f"<{message.reference}@{domain}>"},
        )
        try:
            mail.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, ValueError) as error:
            raise MessageRefused(type(error).__name__) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MessengerUnavailable(type(error).__name__) from error
