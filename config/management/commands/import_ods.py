"""``manage.py import_ods``: practices, PCNs, boards and their successions from the Organisation Data Service."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.timezone import localdate

from accounts.renewing import CodeIsTaken
from communities.boards import follow_boards
from integrations.geography.lines import FileRefused
from integrations.geography.renewing import (
    renew_boards_from,
    renew_pcns_from,
    renew_practices_from,
)


class Command(BaseCommand):
    """Renews organisations from official files: all that they name, or nothing."""

    help = "Imports ODS tables: epraccur (practices), ePCN core partners, boards and successions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The files; boards are read before practices, and these before PCNs."""
        parser.add_argument("--practices", type=Path, metavar="EPRACCUR")
        parser.add_argument("--pcns", type=Path, metavar="EPCN")
        parser.add_argument("--icbs", type=Path, metavar="ICBS")
        parser.add_argument("--successions", type=Path, metavar="SUCCESSIONS")
        parser.add_argument("--dry-run", action="store_true", help="report what would change")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it in one transaction; undo it when it was for a report only."""
        if options["successions"] and not options["icbs"]:
            raise CommandError("--successions goes with --icbs.")
        if not (options["icbs"] or options["practices"] or options["pcns"]):
            raise CommandError("Name a file: --icbs, --practices or --pcns.")
        try:
            with transaction.atomic():
                self.stdout.write("\n".join(_renewed(options)))
                transaction.set_rollback(options["dry_run"])
        except (FileRefused, CodeIsTaken) as error:
            raise CommandError(str(error)) from error
        if options["dry_run"]:
            self.stdout.write("Nothing was written.")


def _renewed(options: dict[str, Any]) -> Iterator[str]:
    at = timezone.now()
    day = localdate(at)
    if options["icbs"]:
        yield from renew_boards_from(options["icbs"], options["successions"], at=at)
    if options["practices"]:
        yield from renew_practices_from(options["practices"], day=day, at=at)
    if options["pcns"]:
        yield from renew_pcns_from(options["pcns"], day=day, at=at)
    yield f"{follow_boards(day=day, at=at)} rows went from a board that has closed to its successor"
