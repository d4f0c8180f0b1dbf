"""Hashing again, under the newest key, what patients and links are found by."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from privacy.fields import key_ids
from referrals.codes import code_of, long_hash_of, typed_code_of, typed_hash_of
from referrals.models import Link, Patient
from referrals.nhs_numbers import nhs_number_hash

BATCH = 200


@transaction.atomic
def rehash_patients(*, after: UUID | None) -> tuple[int, UUID | None]:
    """Look at the next patients; say how many were hashed again and where to go on, None at the end."""
    rows = Patient.objects.select_for_update().exclude(nhs_number_hash="").order_by("pk")
    if after:
        rows = rows.filter(pk__gt=after)
    taken = list(rows.only("nhs_number", "nhs_number_hash")[:BATCH])
    changed = 0
    for patient in taken:
        if patient.nhs_number_hash != (right := nhs_number_hash(patient.nhs_number)):
            Patient.objects.filter(pk=patient.pk).update(nhs_number_hash=right)
            changed += 1
    return changed, taken[-1].pk if taken else None


@transaction.atomic
def rehash_links(*, at: datetime) -> int:
    """Hash the codes of the next live links again and say how many; 0 when there are none whose code can be worked out."""
    newest, *_older = key_ids()
    rows = Link.objects.live(at).select_for_update().filter(code_key__in=key_ids())
    taken = list(rows.exclude(hash_key=newest).order_by("pk")[:BATCH])
    for link in taken:
        typed = typed_hash_of(typed_code_of(link)) if link.typed_hash else None
        Link.objects.filter(pk=link.pk).update(
            code_hash=long_hash_of(code_of(link)), typed_hash=typed, hash_key=newest
        )
    return len(taken)


def keys_of_live_links(*, at: datetime) -> dict[str, datetime]:
    """The ids of the keys that codes in patients' hands are found with, and until when at the longest."""
    rows = Link.objects.live(at).order_by("expires_at").values_list("hash_key", "expires_at")
    return dict(rows)  # the latest of each key comes last
