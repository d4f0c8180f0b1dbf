"""The register of unmet need: what was looked for and not found, as numbers, so that somebody can found it."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.db.models import F, QuerySet

from communities.matching.need import Need
from communities.models import UnmetNeed


@transaction.atomic
def count_unmet(need: Need, keys: Iterable[str], *, on: date) -> None:
    """Count a referral for which there was no community under each of these conditions."""
    for key in sorted(keys):  # in one order, so that two that count at once wait and do not lock
        row = {
            "condition_id": key,
            "icb_ods": need.icb_ods,
            "lad_code": need.lad_code,
            "language": _language(need),
            "month": on.replace(day=1),
        }
        UnmetNeed.objects.bulk_create([UnmetNeed(**row)], ignore_conflicts=True)
        UnmetNeed.objects.filter(**row).update(number=F("number") + 1)


def unmet_needs(icb_ods: str) -> QuerySet[UnmetNeed]:
    """The register of one ICB. Its numbers are small: nobody may see one before disclosure control."""
    return UnmetNeed.objects.filter(icb_ods=icb_ods).order_by("month", "condition", "pk")


def _language(need: Need) -> str:
    return need.languages[0].partition("-")[0].lower() if need.languages else ""
