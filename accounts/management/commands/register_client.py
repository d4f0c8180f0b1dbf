"""``manage.py register_client NAME --ods CODE --jwks-file F``: lets a clinical system in."""

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
        parser.add_argument(
            "--jwks-file", required=True, type=Path, metavar="F", help="its public keys, a JWK Set"
        )
        parser.add_argument("--scope", default=scopes.DEFAULT, help=f"default: {scopes.DEFAULT}")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Register and print."""
        try:
            jwks = json.loads(options["jwks_file"].read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{options['jwks_file']} cannot be read as JSON: {error}") from error
        try:
            client = register_client(
                name=options["name"],
                ods_code=options["ods"],
                jwks=jwks,
                scope=options["scope"],
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
