"""The handler of the exports' job, and the sweep that takes old files away."""

from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from integrations.fhir.exports.sweeping import sweep_exports
from integrations.fhir.exports.writing import write_next
from jobs.models import JobKind
from jobs.running import handles
from privacy.tenancy import EVERYBODY, reaching


@handles(JobKind.EXPORT)
def export(*, export_id: str, at: datetime, **_: object) -> None:
    """Write the next file."""
    write_next(export_id=UUID(export_id), base_url=settings.PUBLIC_BASE_URL, at=at)


@shared_task(name="exports.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def sweep() -> None:
    """Take away what is over."""
    with reaching(EVERYBODY):
        sweep_exports(at=timezone.now())
