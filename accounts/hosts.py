"""Hosts' keys."""

from uuid import UUID

from accounts.models import HostKey


def host_key(key_id: UUID) -> HostKey | None:
    """The live key with this id and its organisation, or None."""
    return HostKey.objects.select_related("organisation").filter(pk=key_id, is_active=True).first()


def secrets_of(host_id: UUID) -> list[str]:
    """The secrets of a host's live keys."""
    keys = HostKey.objects.filter(organisation_id=host_id, is_active=True).order_by("pk")
    return [key.secret for key in keys]
