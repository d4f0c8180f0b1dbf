"""``manage.py add_host_key HOST``: lets a community's software report activity."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Organisation, OrganisationKind
from accounts.registering import make_host_key


class Command(BaseCommand):
    """Makes a signing secret for a host and prints it once, with the address to post to, as JSON."""

    help = "Makes a webhook secret for a host of communities; prints JSON with address and secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which host."""
        parser.add_argument("host", help="the host's name, exactly as in the directory")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make and print."""
        host = Organisation.objects.filter(kind=OrganisationKind.HOST, name=options["host"]).first()
        if host is None:
            raise CommandError(f"No host in the directory is called {options['host']}.")
        key = make_host_key(host=host, at=timezone.now())
        address = f"{settings.PUBLIC_BASE_URL}/api/events/{key.pk}"
        self.stdout.write(json.dumps({"address": address, "secret": key.secret}))
