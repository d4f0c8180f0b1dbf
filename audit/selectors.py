"""Reads over the audit for those who may see of it."""

from django.db.models import QuerySet

from audit.models import Entry
from audit.recording import Author


def done_in_the_name_of(by: Author) -> QuerySet[Entry]:
    """What was done in the name of the actor's organisation to its own rows; never what others did with them."""
    if by.organisation_id is None:
        return Entry.objects.none()
    return Entry.objects.filter(organisation_id=by.organisation_id, tenant_id=by.organisation_id)


def newest_first(entries: QuerySet[Entry], *, before: int | None, most: int) -> list[Entry]:
    """A page of them: the newest, or those before the last entry of the page before."""
    if before is not None:
        entries = entries.filter(pk__lt=before)
    return list(entries.order_by("-pk")[:most])
