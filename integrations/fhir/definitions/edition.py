"""What every definition of ours begins with: its canonical, who publishes it, and in which version."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from integrations.fhir.systems import fhir_base

Definition = dict[str, Any]
PUBLISHER = "Peer Referrals"


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The definitions as one release has them: ``version`` is that of the software, ``day`` its day."""

    base_url: str
    version: str
    day: date

    def canonical(self, resource_type: str, key: str) -> str:
        """The address of a definition, at which it is to be read."""
        return f"{fhir_base(self.base_url)}/{resource_type}/{key}"

    def begin(self, resource_type: str, key: str, title: str, text: str) -> Definition:
        """A definition up to what is its own. ``key`` is its id and the last part of its canonical."""
        return {
            "resourceType": resource_type,
            "id": key,
            "url": self.canonical(resource_type, key),
            "version": self.version,
            "name": "".join(part.capitalize() for part in key.split("-")),
            "title": title,
            "status": "active",
            "date": self.day.isoformat(),
            "publisher": PUBLISHER,
            "description": text,
        }
