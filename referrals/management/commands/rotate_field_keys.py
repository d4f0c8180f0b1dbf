"""``manage.py rotate_field_keys``: brings everything under the newest of FIELD_KEYS and says which keys can go."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import models
from django.utils import timezone

from accounts.actors import SYSTEM
from accounts.repeating import keys_of_marks
from audit.models import Action, Seal
from audit.recording import record
from privacy.fields import key_ids
from privacy.rotating import keys_in_use, models_with_encrypted_fields, reencrypt_next
from privacy.tenancy import EVERYBODY, reaching
from referrals.rotating import keys_of_live_links, rehash_links, rehash_patients

# What a sender repeats later than this is known by the referral's own identifier, which no key touches.
MARKS_KEPT = timedelta(days=35)


class Command(BaseCommand):
    """Encrypts and hashes again, in small transactions. May be stopped and started again, while the service runs."""

    help = "Encrypts and hashes everything under the newest of FIELD_KEYS; says which keys are no longer needed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Work through every table, then look at what is left."""
        for model in models_with_encrypted_fields():
            changed = _until_done(partial(_reencrypt, model))
            self.stdout.write(f"{model._meta.db_table}: {changed} rows encrypted again")
        self.stdout.write(f"referrals_patient: {sum(_patients())} rows hashed again")
        links = _until_done(partial(rehash_links, at=timezone.now()))
        self.stdout.write(f"referrals_link: {links} rows hashed again")
        self._say_what_is_needed()
        with reaching(EVERYBODY):
            record(
                Action.KEYS_ROTATED,
                by=SYSTEM,
                at=timezone.now(),
                detail={"key": key_ids()[0]},
            )

    def _say_what_is_needed(self) -> None:
        newest, *older = key_ids()
        with reaching(EVERYBODY):
            fields = {key for model in models_with_encrypted_fields() for key in keys_in_use(model)}
            links = keys_of_live_links(at=timezone.now())
            marks = keys_of_marks(since=timezone.now() - MARKS_KEPT)
            sealed = set(Seal.objects.values_list("key_id", flat=True).distinct())
        self.stdout.write(f"Key {newest}: the newest, in use.")
        for key_id in older:
            if key_id in fields:
                said = "rows were written under it meanwhile: run this again when every process has the newest key."
            elif key_id in links:
                said = f"patients hold codes that need it until {links[key_id]:%d %B %Y} at the latest."
            elif key_id in marks:
                until = marks[key_id] + MARKS_KEPT
                said = f"requests that may be sent again are known by it until {until:%d %B %Y}."
            elif key_id in sealed:
                said = "needed by nothing but verify_audit: keep it with the backups, then take it out of FIELD_KEYS."
            else:
                said = "no longer needed: take it out of FIELD_KEYS."
            self.stdout.write(f"Key {key_id}: {said}")


def _reencrypt(model: type[models.Model]) -> int:
    try:
        return reencrypt_next(model)
    except LookupError as error:
        raise CommandError(
            f"{model._meta.db_table} holds rows under a key that is missing. {error} Put it back at the end of"
            " FIELD_KEYS and run this again."
        ) from error


def _until_done(step: Callable[[], int]) -> int:
    changed = 0
    while True:
        with reaching(EVERYBODY):
            done = step()
        if not done:
            return changed
        changed += done


def _patients() -> Iterator[int]:
    after: UUID | None = None
    while True:
        with reaching(EVERYBODY):
            changed, after = rehash_patients(after=after)
        yield changed
        if after is None:
            return
