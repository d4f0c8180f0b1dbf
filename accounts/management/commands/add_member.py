"""``manage.py add_member EMAIL (--ods CODE | --name NAME) --role ROLE``: lets a person of an organisation sign in."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.actors import SYSTEM
from accounts.members import PLACES
from accounts.models import Membership, Organisation, OrganisationKind, Role, User
from audit.models import Action
from audit.recording import record


class Command(BaseCommand):
    """Gives a person a role in an organisation; somebody new gets a password, shown once."""

    help = "Gives a person a role in an organisation; prints a first password for somebody new."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, where, as what."""
        parser.add_argument("email")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--ods", metavar="CODE", help="ODS code")
        where.add_argument(
            "--name", help="a host, or the operator of this service (made when it is new)"
        )
        parser.add_argument("--role", choices=Role.values, default=Role.COMMISSIONER)

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Find or make the person and the membership."""
        email = options["email"].strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is no e-mail address.") from error
        organisation = _organisation(options)
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


def _organisation(options: Any) -> Organisation:
    """The organisation of the options, one where the role counts."""
    kind = PLACES[Role(options["role"])]
    if options["name"] and kind == OrganisationKind.OPERATOR:
        return Organisation.objects.get_or_create(kind=kind, name=options["name"])[0]
    known = {"name": options["name"]} if options["name"] else {"ods_code": options["ods"]}
    organisation = Organisation.objects.filter(**known, kind=kind).first()
    if organisation is None:
        [said] = known.values()
        raise CommandError(f"There is no {kind} {said}, where a {options['role']} would work.")
    return organisation
