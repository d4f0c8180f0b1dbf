"""Reads over organisations for the edges."""

from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.models import Organisation, OrganisationKind


def icb_ids() -> list[UUID]:
    """Every integrated care board."""
    boards = Organisation.objects.filter(kind=OrganisationKind.ICB)
    return list(boards.order_by("pk").values_list("pk", flat=True))


def ods_code_of(actor: Actor) -> str:
    """The ODS code of the organisation that an actor acts for, or an empty string."""
    if actor.organisation_id is None:
        return ""
    return Organisation.objects.get(pk=actor.organisation_id).ods_code or ""


def own_organisations(actor: Actor) -> QuerySet[Organisation]:
    """The organisation that somebody acts for, and the ICB that it belongs to."""
    own = Q(pk=actor.organisation_id) | Q(members__pk=actor.organisation_id)
    return Organisation.objects.filter(own).distinct()
