"""What has happened to a referral, as far as its practice was told: its Task at every version, oldest first.

The version is the number of the event: from 1, without a gap, the same whenever it is asked.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from accounts.actors import Actor
from audit.models import Action
from audit.recording import record
from integrations.fhir.searching import bundle
from integrations.fhir.searching.query import MOST, Search
from integrations.fhir.searching.running import Found, Page
from integrations.fhir.sources.referrals import TASK_VERSIONS
from integrations.fhir.systems import fhir_base

SINCE, UNTIL = "eventsSinceNumber", "eventsUntilNumber"


def events_of(
    referral_id: UUID, *, first: int, last: int | None, base_url: str, by: Actor, at: datetime
) -> dict[str, Any] | None:
    """The history from one event to another, a hundred at most; None: foreign and absent are alike."""
    told = TASK_VERSIONS.rows(by).filter(referral_id=referral_id)
    total = told.count()
    if not total:
        return None
    record(Action.REFERRAL_READ, by=by, at=at, target=f"ServiceRequest/{referral_id}")
    final = min(total if last is None else last, total)
    end = min(final, first + MOST - 1)
    rows = list(told.filter(version__gte=first, version__lte=end).order_by("version"))
    used = ((SINCE, str(first)), *(((UNTIL, str(last)),) if last is not None else ()))
    base, path = fhir_base(base_url), f"ServiceRequest/{referral_id}/$events"
    shown = bundle.history(
        Search(used=used),
        Page(found=tuple(Found(TASK_VERSIONS, row) for row in rows), total=total),
        [TASK_VERSIONS.show(row, base_url) for row in rows],
        base=base,
        path=path,
    )
    if end < final:
        following = urlencode({**dict(used), SINCE: end + 1})
        shown["link"].append({"relation": "next", "url": f"{base}/{path}?{following}"})
    return shown
