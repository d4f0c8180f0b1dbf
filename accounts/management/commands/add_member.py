"""``manage.py add_member EMAIL --ods CODE --role ROLE``: lets a person of an organisation sign in."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.actors import SYSTEM
from accounts.models import Membership, Organisation, Role, User
from audit.models import Action
from audit.recording import record


class Command(BaseCommand):
    """Gives a person a role in an organisation; somebody new gets a password, shown once."""

    help = "Gives a person a role in an organisation; prints a first password for somebody new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, where, as what."""
        parser.add_argument("email")
        parser.add_argument("--ods", required=True, metavar="CODE", help="ODS code")
        parser.add_argument("--role", choices=Role.values, default=Role.COMMISSIONER)

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Find or make the person and the membership."""
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is no e-mail address.") from error
        organisation = Organisation.objects.filter(ods_code=options["ods"]).first()
        if organisation is None:
            raise CommandError(f"No organisation has the ODS code {options['ods']}.")
        user = User.objects.filter(email=email).first()
        if user is None:
            password = secrets.token_urlsafe(12)
            user = User.objects.create_user(email, password)
            self.stdout.write(f"First password: {password}")
        _membership, is_new = Membership.objects.get_or_create(
            user=user, organisation=organisation, role=options["role"]
        )
        if is_new:
            record(
                Action.MEMBER_ADDED,
                by=SYSTEM,
                at=timezone.now(),
                target=f"User/{user.pk}",
                detail={"role": options["role"], "organisation": str(organisation.pk)},
            )
        self.stdout.write(f"{email} is {options['role']} of {organisation}.")
