"""What the database and the carrier hold after the fire, compared with what the senders were told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from scripts.faults.book import Carried
from scripts.faults.senders import Sent

_MOST_SHOWN = 5


class Database(Protocol):
    """Answers questions as somebody who sees every row."""

    def rows(self, database: str, question: str) -> list[tuple[Any, ...]]:
        """The answer to a question in SQL."""
        ...


_KEPT = """
    SELECT i.value, r.id::text, r.reference FROM referrals_referralidentifier i
    JOIN referrals_referral r ON r.id = i.referral_id"""
# Each asks for rows that must not be there: what is wrong, and one row per case.
_NONE_OF = {
    "identifiers that name more than one referral": """
        SELECT value, count(DISTINCT referral_id) FROM referrals_referralidentifier
        GROUP BY value HAVING count(DISTINCT referral_id) > 1""",
    "referrals without an identifier of their sender": """
        SELECT id FROM referrals_referral r
        WHERE NOT EXISTS (SELECT FROM referrals_referralidentifier i WHERE i.referral_id = r.id)""",
    "patients with more than one referral": """
        SELECT patient_id, count(*) FROM referrals_referral GROUP BY patient_id HAVING count(*) > 1""",
    "patients without a referral": """
        SELECT id FROM referrals_patient p
        WHERE NOT EXISTS (SELECT FROM referrals_referral r WHERE r.patient_id = p.id)""",
    "referrals with more or fewer links than one": """
        SELECT r.id, count(l.id) FROM referrals_referral r
        LEFT JOIN referrals_link l ON l.referral_id = r.id GROUP BY r.id HAVING count(l.id) <> 1""",
    "referrals with more or fewer messages than one": """
        SELECT r.id, count(m.id) FROM referrals_referral r
        LEFT JOIN referrals_message m ON m.referral_id = r.id GROUP BY r.id HAVING count(m.id) <> 1""",
    "messages that are not noted as handed over": """
        SELECT id, state FROM referrals_message WHERE state <> 'handed-over'""",
    "referrals whose history has a gap": """
        SELECT r.id, r.business_status, r.version, h.story, h.versions FROM referrals_referral r
        LEFT JOIN (
            SELECT referral_id, string_agg(business_status, ' ' ORDER BY id) AS story,
                   string_agg(version::text, ' ' ORDER BY id) FILTER (WHERE is_told) AS versions
            FROM referrals_statuschange GROUP BY referral_id) h ON h.referral_id = r.id
        WHERE r.business_status <> 'invitation-sent' OR r.version <> 3
           OR h.story IS DISTINCT FROM 'received-by-service matched invitation-sent'
           OR h.versions IS DISTINCT FROM '1 2 3'""",
    "referrals whose arrival is not in the audit once": """
        SELECT r.id, count(a.id) FROM referrals_referral r LEFT JOIN audit_entry a
          ON a.target = 'ServiceRequest/' || r.id AND a.action = 'referral-received'
        GROUP BY r.id HAVING count(a.id) <> 1""",
    "messages whose hand-over is not in the audit once": """
        SELECT m.id, count(a.id) FROM referrals_message m LEFT JOIN audit_entry a
          ON a.target = 'Message/' || m.id AND a.action = 'message-handed-over'
        GROUP BY m.id HAVING count(a.id) <> 1""",
    "dead jobs": "SELECT id, kind, attempts, last_error FROM jobs_job WHERE state = 'dead'",
    "jobs that should have been done by now": """
        SELECT id, kind, state, attempts, run_at, leased_until, last_error FROM jobs_job
        WHERE state IN ('queued', 'running') AND run_at < now() + interval '1 day'""",
}


@dataclass(frozen=True)
class Count:
    """The three figures, and a sentence for every fault."""

    lost: int
    duplicates: int
    sent_twice: int
    repeats_dropped: int
    faults: tuple[str, ...]


def unfinished(database: Database, name: str) -> int:
    """How many jobs are still to be done, those of the far future aside."""
    question = _NONE_OF["jobs that should have been done by now"]
    return len(database.rows(name, question))


def end_leases(database: Database, name: str) -> None:
    """As if a lease's time had passed."""
    now_over = "UPDATE jobs_job SET leased_until = now() WHERE state = 'running' RETURNING id"
    database.rows(name, now_over)


def count(database: Database, name: str, sent: Sequence[Sent], carried: Carried) -> Count:
    """Compare row by row."""
    kept: dict[str, list[tuple[str, str]]] = {}
    for identifier, referral_id, reference in database.rows(name, _KEPT):
        kept.setdefault(identifier, []).append((referral_id, reference))
    lost = [
        one
        for one in sent
        if one.referral_id
        and one.referral_id not in {referral_id for referral_id, _ in kept.get(one.identifier, [])}
    ]
    doubled = {identifier: rows for identifier, rows in kept.items() if len(rows) > 1}
    twice = {whose: which for whose, which in carried.references.items() if len(which) > 1}
    known = {reference for rows in kept.values() for _, reference in rows}
    found: list[tuple[str, Sequence[Any]]] = [
        ("acknowledged referrals that are not there", lost),
        ("referrals that are there more than once", [*doubled.items()]),
        ("referrals with two different messages", [*twice.items()]),
        ("referrals of which the carrier has no message", [*known - {*carried.references}]),
        ("messages of no referral", [*{*carried.references} - known]),
        *_told_wrongly(sent),
        *((what, database.rows(name, question)) for what, question in _NONE_OF.items()),
    ]
    return Count(
        lost=len(lost),
        duplicates=len(doubled),
        sent_twice=len(twice),
        repeats_dropped=carried.repeats,
        faults=tuple(_sentence(what, rows) for what, rows in found if rows),
    )


def _told_wrongly(sent: Sequence[Sent]) -> Iterator[tuple[str, list[Any]]]:
    faults_of_ours = {"500", "502", "504", "token 500"}
    yield "referrals never acknowledged", [one for one in sent if not one.referral_id]
    yield (
        "referrals called known at their first try",
        [one for one in sent if one.is_known_at_first],
    )
    yield (
        "referrals answered with a fault of ours",
        [one for one in sent if not faults_of_ours.isdisjoint(one.tries)],
    )


def _sentence(what: str, rows: Sequence[Any]) -> str:
    shown = "; ".join(str(row) for row in rows[:_MOST_SHOWN])
    more = f"; and {len(rows) - _MOST_SHOWN} more" if len(rows) > _MOST_SHOWN else ""
    return f"{len(rows)} {what}: {shown}{more}"
