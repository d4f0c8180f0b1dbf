"""``manage.py change_client CLIENT_ID`` with other keys, how strictly it is read, whether it may export, or its end."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.management.commands.register_client import key_set_in
from accounts.registering import (
    RegistrationRefused,
    replace_keys,
    set_exporting,
    set_strictness,
    switch_off,
)


class Command(BaseCommand):
    """Replaces the keys of a clinical system, says how it is read and what it may, or switches it off."""

    help = "Gives a clinical system other keys or other rights, or switches it off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which client, and what becomes of it."""
        parser.add_argument("client_id", type=UUID)
        change = parser.add_mutually_exclusive_group(required=True)
        change.add_argument("--jwks-file", type=Path, metavar="F", help="its public keys from now")
        change.add_argument("--jwks-url", default="", metavar="U", help="the address of its keys")
        change.add_argument("--strict", action="store_true", help="known deviations are refused")
        change.add_argument("--tolerant", action="store_true", help="known deviations are warnings")
        change.add_argument("--export", action="store_true", help="it may ask for $export")
        change.add_argument("--no-export", action="store_true", help="it may not, its files end")
        change.add_argument("--switch-off", action="store_true", help="its tokens end at once")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Change it and say so."""
        which, at = options["client_id"], timezone.now()
        try:
            if options["switch_off"]:
                client = switch_off(client_id=which, at=at)
                done = "is switched off"
            elif options["strict"] or options["tolerant"]:
                client = set_strictness(client_id=which, is_strict=options["strict"], at=at)
                done = "is read strictly" if client.is_strict else "is read tolerantly"
            elif options["export"] or options["no_export"]:
                client = set_exporting(client_id=which, may_export=options["export"], at=at)
                done = "may export" if client.may_export else "may not export"
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
