"""The default messenger: each message becomes a JSON file, to be looked at where no carrier is wanted."""

import json
import os
from pathlib import Path

from django.conf import settings

from referrals.ports import MessengerUnavailable, Outgoing


class FileMessenger:
    """Writes ``var/messages/<reference>.json``; handing the same message over twice leaves one file."""

    def hand_over(self, message: Outgoing) -> None:
        """Write the file whole or not at all."""
        folder = Path(settings.MESSAGES_FOLDER)
        text = json.dumps(
            {
                "to": message.to,
                "channel": message.channel,
                "subject": message.subject,
                "body": message.body,
                "referral": message.referral,
            },
            indent=2,
            ensure_ascii=False,
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half = folder / f".{message.reference}.{os.getpid()}"
            half.write_text(text, encoding="utf-8")
            half.replace(folder / f"{message.reference}.json")
        except OSError as error:
            raise MessengerUnavailable(str(error.strerror)) from error
