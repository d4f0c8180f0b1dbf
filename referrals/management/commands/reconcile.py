"""``manage.py reconcile``: accounts for every referral that was accepted, and lists the stuck with the reason."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.tenancy import EVERYBODY, reaching
from referrals.reconciling import Account, reconcile


class Command(BaseCommand):
    """Counts referrals at their end, on their way and stuck. Ends with 1 when one is in none of the three."""

    help = "Accounts for every referral; lists the stuck with the reason. Ends with 1 when one cannot be explained."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch."""
        parser.add_argument("--json", action="store_true", help="write JSON instead of lines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Count, list, and fail if the sum is wrong."""
        with reaching(EVERYBODY):
            account = reconcile(at=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(account)))
        else:
            self._write(account)
        if account.unexplained:
            raise CommandError(
                f"{len(account.unexplained)} referrals are in a state that no rule explains:"
                f" {', '.join(account.unexplained)}. Look at their status changes."
            )

    def _write(self, account: Account) -> None:
        self.stdout.write(f"accepted     {account.accepted:8}")
        self.stdout.write(f"terminal     {account.terminal:8}")
        self.stdout.write(f"in progress  {account.in_progress:8}")
        self.stdout.write(f"stuck        {len(account.stuck):8}")
        for referral in account.stuck:
            self.stdout.write(f"{referral.reference}  {referral.why}")


def _as_json(account: Account) -> dict[str, Any]:
    return {
        "accepted": account.accepted,
        "terminal": account.terminal,
        "in_progress": account.in_progress,
        "stuck": [referral._asdict() for referral in account.stuck],
        "unexplained": account.unexplained,
    }
