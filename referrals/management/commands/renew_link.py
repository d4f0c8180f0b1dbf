"""``manage.py renew_link REFERENCE``: a new link for a patient whose old one was lost or locked."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.actors import SYSTEM
from privacy.tenancy import EVERYBODY, acting_for, reaching
from referrals.models import Referral
from referrals.renewing import NothingToRenew, renew_link


class Command(BaseCommand):
    """Ends a referral's links and sends the patient a new one."""

    help = "Sends the patient of this referral a new link; the old ones end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The reference that the clinical system sees as our identifier of the ServiceRequest."""
        parser.add_argument("reference", metavar="REFERENCE", help="such as 7KQ4-MXRP")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Renew and say so."""
        reference = options["reference"].strip().upper()
        try:
            with reaching(EVERYBODY):
                practice_id = Referral.objects.get(reference=reference).practice_id
            with acting_for(practice_id):
                renew_link(reference=reference, by=SYSTEM, at=timezone.now())
        except Referral.DoesNotExist as error:
            raise CommandError(f"There is no referral {reference}.") from error
        except NothingToRenew as error:
            raise CommandError(f"Referral {reference} has no link, or it is over.") from error
        self.stdout.write(f"A new link for {reference} is on its way; the old ones have ended.")
