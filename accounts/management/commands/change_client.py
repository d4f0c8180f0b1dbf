"""``manage.py change_client CLIENT_ID (--jwks-file F | --jwks-url U | --switch-off)``: other keys, or the end."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.management.commands.register_client import key_set_in
from accounts.registering import RegistrationRefused, replace_keys, switch_off


class Command(BaseCommand):
    """Replaces the keys of a clinical system, or switches it off."""

    help = "Replaces a clinical system's keys (the old ones end), or switches it off at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which client, and what becomes of it."""
        parser.add_argument("client_id", type=UUID)
        change = parser.add_mutually_exclusive_group(required=True)
        change.add_argument("--jwks-file", type=Path, metavar="F", help="its public keys from now")
        change.add_argument("--jwks-url", default="", metavar="U", help="the address of its keys")
        change.add_argument("--switch-off", action="store_true", help="its tokens end at once")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Change it and say so."""
        which, at = options["client_id"], timezone.now()
        try:
            if options["switch_off"]:
                client = switch_off(client_id=which, at=at)
                done = "is switched off"
            else:
                client = replace_keys(
                    client_id=which,
                    jwks=key_set_in(options["jwks_file"]),
                    jwks_url=options["jwks_url"],
                    at=at,
                )
                done = "has other keys"
        except RegistrationRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{client.name} {done}.")
