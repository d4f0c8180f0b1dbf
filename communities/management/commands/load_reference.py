"""``manage.py load_reference``: conditions, ICBs, practices, local authorities and outcodes, areas."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from communities.loading import load_reference


class Command(BaseCommand):
    """Loads or renews the reference facts that ship with the project."""

    help = "Loads or renews the reference facts: conditions, ICBs, practices, local authorities, outcodes, areas."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Load and count."""
        for name, count in load_reference(at=timezone.now()).items():
            self.stdout.write(f"{count:6} {name}")
