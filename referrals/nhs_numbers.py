"""Finding patients by NHS number: the keyed hashes, and one record a practice even while the keys are changed."""

from django.db import connection

from privacy.fields import keyed_hash, keyed_hashes

_PURPOSE = "nhs-number"
_LOCK_DIGITS = 15  # of 16 to a PostgreSQL advisory lock, whose number has a sign


def nhs_number_hash(nhs_number: str) -> str:
    """What a patient's row holds; "" for a patient without a number."""
    return keyed_hash(nhs_number, purpose=_PURPOSE) if nhs_number else ""


def nhs_number_hashes(nhs_number: str) -> list[str]:
    """What a patient's row may hold, whichever key was the newest when it was written."""
    return keyed_hashes(nhs_number, purpose=_PURPOSE)


def take_turns(hashes: list[str]) -> None:
    """Let nobody else look for this number until the transaction ends, where two processes may hash it differently.

    With one key the unique constraint does this; and SQLite has one writer at a time.
    """
    if len(hashes) > 1 and connection.vendor == "postgresql":
        # The same number in every process, in whatever order it has the keys.
        number = int(min(hashes)[:_LOCK_DIGITS], 16)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
