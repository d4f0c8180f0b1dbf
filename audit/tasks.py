"""What Celery runs: the sealing of what has been recorded."""

import logging
from itertools import repeat
from pathlib import Path

from celery import shared_task
from django.conf import settings

from audit import sealing
from audit.chain import Head
from privacy.tenancy import EVERYBODY, reaching

logger = logging.getLogger(__name__)

# A worker has other work: what is left of a long backlog waits for the next run.
MOST_BATCHES = 10


@shared_task(name="audit.seal", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def seal_audit(*, looks_at_all: bool = False) -> None:
    """Seal what has been recorded since, and write the new head where the database has no hand in it.

    ``looks_at_all`` finds what a transaction of many minutes wrote under ids that have long been passed.
    """
    head = None
    for _batch in repeat(None, MOST_BATCHES):
        with reaching(EVERYBODY):
            reached = sealing.seal_next(looks_at_all=looks_at_all)
        if reached is None:
            break
        head = reached
    if head:
        _tell_outside(head)


def _tell_outside(head: Head) -> None:
    logger.info("audit sealed", extra={"position": head.position, "mac": head.mac.hex()})
    try:
        sealing.anchor(head, file=Path(settings.AUDIT_HEADS_FILE))
    except OSError as error:
        logger.error(  # noqa: TRY400  (of an error only its type may be logged)
            "the head of the audit chain could not be written to AUDIT_HEADS_FILE",
            extra={"error": type(error).__name__},
        )
