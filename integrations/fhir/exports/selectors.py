"""Reads over exports for the clinical systems whose they are, and the groups that can be exported."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.actors import Actor, ActorKind
from accounts.models import Organisation
from integrations.fhir.exports.models import Export, ExportFile, ExportState


def export_of(actor: Actor, export_id: UUID) -> Export | None:
    """An export as far as this actor may see it."""
    return Export.objects.visible_to(actor).filter(pk=export_id).first()


def file_of(actor: Actor, export_id: UUID, number: int) -> ExportFile | None:
    """A file of an export that is complete, as far as this actor may see it."""
    done = Export.objects.visible_to(actor).filter(pk=export_id, state=ExportState.DONE)
    return ExportFile.objects.filter(export__in=done, number=number).first()


def files_of(export: Export) -> QuerySet[ExportFile]:
    """The files of an export in order, without what is in them."""
    return export.files.defer("text").order_by("number")


def groups_of(actor: Actor) -> QuerySet[Organisation]:
    """The organisations whose patients an actor may have as a group: a clinical system its own."""
    if actor.kind is ActorKind.CLIENT and actor.organisation_id:
        return Organisation.objects.filter(pk=actor.organisation_id)
    return Organisation.objects.none()
