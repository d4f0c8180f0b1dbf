"""``manage.py verify_audit``: finds any change to what has been recorded."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.chain import BEGINNING, Head
from audit.verifying import ChainBroken, lines_of, verify_all_is_sealed, verify_heads, verify_next
from privacy.tenancy import EVERYBODY, reaching

SEALED_WITHIN = timedelta(minutes=1)


class Command(BaseCommand):
    """Verifies the whole audit; exit code 1 at the first place that is not as it was sealed."""

    help = (
        "Verifies the audit chain; stops with exit code 1 at the first break and says where it is."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Chain, heads, and what is not sealed yet."""
        try:
            head = _verified_chain()
            self.stdout.write(
                f"{head.position} entries are as they were sealed. Head: {head.mac.hex()}"
            )
            heads = _verified_heads(Path(settings.AUDIT_HEADS_FILE))
            with reaching(EVERYBODY):
                verify_all_is_sealed(before=timezone.now() - SEALED_WITHIN)
        except ChainBroken as error:
            raise CommandError(f"The audit does not hold. {error}") from error
        self.stdout.write(
            f"{heads} heads in AUDIT_HEADS_FILE agree."
            if heads
            else "AUDIT_HEADS_FILE holds no heads: a chain that was cut off at its end would look whole."
        )


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
