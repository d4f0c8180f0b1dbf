"""Reads over organisations for the edges."""

from uuid import UUID

from accounts.models import Organisation, OrganisationKind


def icb_ids() -> list[UUID]:
    """Every integrated care board."""
    boards = Organisation.objects.filter(kind=OrganisationKind.ICB)
    return list(boards.order_by("pk").values_list("pk", flat=True))
