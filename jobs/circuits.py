"""One circuit per destination: who does not answer is left alone for a while, then asked by one job, then by all."""

import logging
import random
from datetime import datetime, timedelta

from django.db import transaction

from jobs.models import Circuit

logger = logging.getLogger(__name__)

FAILURES_TO_OPEN = 5
FIRST_OPEN_SECONDS = 5
LONGEST_OPEN_SECONDS = 300
PROBE = timedelta(seconds=60)  # how long the one job that asks has, before another may


class Unavailable(Exception):
    """The destination does not answer or asks to wait. It is not the job's fault."""


def admits(destination: str, *, at: datetime) -> bool:
    """Whether a job may ask this destination now. Of an open circuit whose time is over one asker is let through."""
    circuit = (
        Circuit.objects.select_for_update().filter(pk=destination, open_until__isnull=False).first()
    )
    if circuit is None or circuit.open_until is None:
        return True
    if circuit.open_until > at:
        return False
    circuit.open_until = at + PROBE
    circuit.save(update_fields=["open_until"])
    return True


def note_answer(destination: str) -> None:
    """The destination has answered: whatever it failed at before is over."""
    _rows, by_model = Circuit.objects.filter(pk=destination).delete()
    if by_model:
        logger.warning("%s answers again", destination)


@transaction.atomic
def note_failure(destination: str, *, at: datetime) -> None:
    """The destination has not answered. After some failures in a row it is left alone, for longer each time."""
    circuit, _is_new = Circuit.objects.select_for_update().get_or_create(pk=destination)
    circuit.failures += 1
    extra = circuit.failures - FAILURES_TO_OPEN
    if extra >= 0:
        longest = min(FIRST_OPEN_SECONDS * 2 ** min(extra, 10), LONGEST_OPEN_SECONDS)
        # At least half of it, so that it is left alone; the rest by chance, so that not everybody comes back at once.
        seconds = random.uniform(longest / 2, longest)  # noqa: S311  (not a secret)
        circuit.open_until = at + timedelta(seconds=seconds)
        logger.error("%s does not answer: left alone for %d s", destination, seconds)
    circuit.save(update_fields=["failures", "open_until"])
