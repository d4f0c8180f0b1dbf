"""``manage.py import_openreferral FILE|FOLDER|URL [--dry-run]``: leads and proposals from a directory in HSDS-UK 3.0."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from integrations.directory.importing import read_feed, take_feed
from integrations.directory.sources import FeedRefused, source_at

_LONGEST_NAME = 500


class Command(BaseCommand):
    """Takes what is good in a feed, for two people to sign. Ends with 1 when anything in it is wrong."""

    help = "Imports an Open Referral UK feed: as drafts and proposals, never straight into the directory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where it is."""
        parser.add_argument(
            "place", help="a folder or file of saved answers, or the feed's address"
        )
        parser.add_argument(
            "--feed", default="", metavar="NAME", help="what it is called here (else: where it is)"
        )
        parser.add_argument("--dry-run", action="store_true", help="report what would change")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read it all, take it in one transaction, report; undo it when it was for a report only."""
        source = source_at(options["place"])
        name = options["feed"] or source.name
        if len(name) > _LONGEST_NAME:
            raise CommandError(f"Give the feed a name of at most {_LONGEST_NAME} characters.")
        try:
            found = read_feed(source, name=name)
        except FeedRefused as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        with transaction.atomic():
            report = take_feed(found, name=name, at=timezone.now())
            transaction.set_rollback(options["dry_run"])
        self.stdout.write("\n".join(report.lines()))
        if options["dry_run"]:
            self.stdout.write("Nothing was changed: this was a dry run.")
        if report.problems:
            raise CommandError(
                f"{len(report.problems)} problems; services without faults are taken."
            )
