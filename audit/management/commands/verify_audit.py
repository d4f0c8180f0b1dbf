"""``manage.py verify_audit [--heads FILE … | --without-heads]``: finds any change to what has been recorded."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from audit import triggers
from audit.chain import BEGINNING, Head
from audit.verifying import ChainBroken, lines_of, verify_all_is_sealed, verify_heads, verify_next
from privacy.tenancy import EVERYBODY, reaching

SEALED_WITHIN = timedelta(minutes=1)


class Command(BaseCommand):
    """Verifies the whole audit; exit code 1 at the first place that is not as it was sealed."""

    help = (
        "Verifies the audit chain; stops with exit code 1 at the first break and says where it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the heads are, or that they are left out on purpose."""
        heads = parser.add_mutually_exclusive_group()
        heads.add_argument(
            "--heads",
            action="append",
            type=Path,
            metavar="FILE",
            help="a file of heads; once for each machine with workers; default: AUDIT_HEADS_FILE",
        )
        heads.add_argument(
            "--without-heads",
            action="store_true",
            help="compare no heads: a chain that was cut off at its end is not found",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Chain, heads, and what is not sealed yet."""
        with connection.cursor() as cursor:
            if names := triggers.foreign(cursor, connection.vendor):
                raise CommandError(
                    f"Somebody has put triggers or rules on the audit's tables: {', '.join(names)}. What they wrote may"
                    " not be what was recorded."
                )
        files = options["heads"] or [Path(settings.AUDIT_HEADS_FILE)]
        try:
            head = _verified_chain()
            self.stdout.write(
                f"{head.position} entries are as they were sealed. Head: {head.mac.hex()}"
            )
            if options["without_heads"]:
                self.stdout.write("No heads were compared: a cut-off end would not be seen.")
            else:
                self._verify_heads(files, is_sealed=head != BEGINNING)
            with reaching(EVERYBODY):
                verify_all_is_sealed(before=timezone.now() - SEALED_WITHIN)
        except ChainBroken as error:
            raise CommandError(f"The audit does not hold. {error}") from error

    def _verify_heads(self, files: list[Path], *, is_sealed: bool) -> None:
        for file in files:
            heads = _verified_heads(file)
            if is_sealed and not heads:
                raise CommandError(
                    f"There are seals, and {file} holds no heads: a chain that was cut off at its end would look"
                    " whole. Name each file of heads with --heads, or give --without-heads to go without them."
                )
            self.stdout.write(f"{heads} heads in {file} agree.")


def _verified_chain() -> Head:
    head = BEGINNING
    while True:
        with reaching(EVERYBODY):
            reached = verify_next(head)
        if reached == head:
            return head
        head = reached


def _verified_heads(file: Path) -> int:
    lines, total = lines_of(file), 0
    while True:
        with reaching(EVERYBODY):
            compared = verify_heads(lines)
        if compared is None:
            return total
        total += compared
