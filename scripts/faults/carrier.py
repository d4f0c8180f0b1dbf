"""A carrier that writes down every time a message is handed to it. The product's processes load it; nothing else may."""

import os
from pathlib import Path

from django.conf import settings

from referrals.ports import Outgoing
from scripts.faults.book import BOOK


class CountingCarrier:
    """What ``MESSENGER`` names under fire: a line for each time, on the disk before it answers."""

    def hand_over(self, message: Outgoing) -> None:
        """Write down which message it was and for which referral."""
        folder = Path(settings.MESSAGES_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        line = f"{message.reference} {message.referral}\n".encode()
        file = os.open(folder / BOOK, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)
