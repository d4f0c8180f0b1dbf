"""``manage.py import_rf2 PATH [--dry-run]``: puts a release of SNOMED CT in the place of the one that is there."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.terminology.findings import ReleaseRefused
from integrations.terminology.importing import import_release


class Command(BaseCommand):
    """Imports the snapshot of a release; exit code 1, and nothing changed, when anything in it is wrong."""

    help = "Imports a release of SNOMED CT (RF2 snapshot), whole or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the release is."""
        parser.add_argument("path", type=Path, help="the zip as it was downloaded, or a folder")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what is wrong, and what would change"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, and say what is there now; or list the faults."""
        try:
            release = import_release(
                options["path"],
                at=timezone.now(),
                is_dry_run=options["dry_run"],
                say=self.stdout.write,
            )
        except ReleaseRefused as refused:
            found = refused.findings
            for finding in found.first:
                self.stderr.write(str(finding))
            raise CommandError(
                f"{found.count} faults, {len(found.first)} of them listed. Nothing was changed."
            ) from refused
        if release is None:
            self.stdout.write("Nothing was changed: this was a dry run.")
            return
        counts = ", ".join(f"{count:,} {name}" for name, count in release.counts.items())
        self.stdout.write(f"{release}: {counts}")
