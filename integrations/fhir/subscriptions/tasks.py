"""Handlers of the subscriptions' jobs, and the sweep that finds what is due and has lost its job."""

from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from integrations.fhir.subscriptions.sending import send_next
from integrations.fhir.subscriptions.telling import tell_subscribers
from integrations.fhir.subscriptions.waking import wake_overdue
from jobs.models import JobKind
from jobs.queue import enqueue
from jobs.running import handles
from privacy.tenancy import EVERYBODY, acting_for, reaching

# Then others have their turn with the worker.
MOST_IN_A_ROW = 10


@handles(JobKind.TELL)
def tell(*, change_id: str, at: datetime, **_: object) -> None:
    """Write down whom one change is to be told."""
    tell_subscribers(change_id=int(change_id), at=at)


@handles(JobKind.NOTIFY)
def notify(*, subscription_id: str, tenant_id: UUID, at: datetime, **_: object) -> None:
    """Send what is due for one subscription."""
    for _turn in range(MOST_IN_A_ROW):
        is_more = send_next(
            subscription_id=UUID(subscription_id),
            tenant_id=tenant_id,
            base_url=settings.PUBLIC_BASE_URL,
            at=timezone.now(),
        )
        if not is_more:
            return
    with acting_for(tenant_id):
        enqueue(JobKind.NOTIFY, tenant_id=tenant_id, at=at, subscription_id=subscription_id)


@shared_task(name="subscriptions.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def sweep() -> None:
    """Write the jobs again of what should have been sent by now, whosever it is."""
    with reaching(EVERYBODY):
        wake_overdue(at=timezone.now())
