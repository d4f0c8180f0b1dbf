"""``manage.py register_client NAME --ods CODE (--jwks-file F | --jwks-url U)``: lets a clinical system in."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import scopes
from accounts.registering import RegistrationRefused, register_client


class Command(BaseCommand):
    """Registers a clinical system and prints its client_id as JSON."""

    help = "Registers a clinical system for SMART Backend Services; prints JSON with client_id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, for which organisation, with which keys and scopes."""
        parser.add_argument("name")
        parser.add_argument(
            "--ods", required=True, metavar="CODE", help="ODS code of the organisation it acts for"
        )
        keys = parser.add_mutually_exclusive_group(required=True)
        keys.add_argument("--jwks-file", type=Path, metavar="F", help="its public keys, a JWK Set")
        keys.add_argument("--jwks-url", default="", metavar="U", help="the address of its keys")
        parser.add_argument("--scope", default=scopes.DEFAULT, help=f"default: {scopes.DEFAULT}")
        parser.add_argument(
            "--bars", action="store_true", help="it speaks BaRS: each X-Request-ID counts once"
        )
        parser.add_argument(
            "--strict", action="store_true", help="known deviations are refused, not tolerated"
        )
        parser.add_argument(
            "--export", action="store_true", help="it may take out all it may see at once ($export)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register and print."""
        try:
            client = register_client(
                name=options["name"],
                ods_code=options["ods"],
                jwks=key_set_in(options["jwks_file"]),
                jwks_url=options["jwks_url"],
                scope=options["scope"],
                is_bars=options["bars"],
                is_strict=options["strict"],
                may_export=options["export"],
                at=timezone.now(),
            )
        except RegistrationRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            json.dumps(
                {
                    "client_id": str(client.pk),
                    "name": client.name,
                    "ods": client.organisation.ods_code,
                    "scope": client.scope,
                }
            )
        )


def key_set_in(file: Path | None) -> object:
    """What the file holds, or None without a file."""
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file else None
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as JSON: {error}") from error
