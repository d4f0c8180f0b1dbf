"""Accounting for every referral that was accepted: at its end, on its way, or on the list of the stuck."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, F

from jobs.models import Job, JobState
from referrals.inviting import LINK_LIFE
from referrals.models import Channel, Link, Message, MessageState, Referral, StatusChange
from referrals.standing import Known, Standing, Stuck, standing_of

BATCH = 1_000


class StuckReferral(NamedTuple):
    """One of the list."""

    reference: str
    why: Stuck


@dataclass
class Account:
    """How many referrals there are, where they are, which are stuck, and which no rule explains."""

    accepted: int = 0
    terminal: int = 0
    in_progress: int = 0
    stuck: list[StuckReferral] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


class _Row(NamedTuple):
    pk: UUID
    reference: str
    business_status: str
    version: int
    is_contact_prohibited: bool


@dataclass(frozen=True)
class _Around:
    """The rows around a batch of referrals, by the referral's id: the newest of each, and the ids that jobs are about."""

    links: dict[UUID, Link]
    messages: dict[UUID, Message]
    told: dict[UUID, str]
    versions: dict[UUID, int]
    live: set[str]
    dead: set[str]


def reconcile(*, at: datetime) -> Account:
    """Account for every referral within reach. Reads everything, changes nothing."""
    account = Account()
    live = _about(JobState.QUEUED, JobState.RUNNING)
    dead = _about(JobState.DEAD)
    rows = _rows()
    while batch := list(islice(rows, BATCH)):
        account.accepted += len(batch)
        around = _around([row.pk for row in batch], live=live, dead=dead)
        for row in batch:
            _enter(account, row, _known(row, around, at=at), at=at)
    return account


def _enter(account: Account, row: _Row, known: Known, *, at: datetime) -> None:
    verdict = standing_of(known, at=at)
    if verdict is None:
        account.unexplained.append(row.reference)
    elif verdict.why:
        account.stuck.append(StuckReferral(row.reference, verdict.why))
    elif verdict.standing is Standing.TERMINAL:
        account.terminal += 1
    else:
        account.in_progress += 1


def _rows() -> Iterator[_Row]:
    rows = Referral.objects.order_by("pk").values_list(
        "pk", "reference", "business_status", "version", "is_contact_prohibited"
    )
    return (_Row(*row) for row in rows.iterator(chunk_size=BATCH))


def _about(*states: JobState) -> set[str]:
    """The ids of the rows that jobs in these states are about."""
    found: set[str] = set()
    for payload in Job.objects.filter(state__in=states).values_list("payload", flat=True):
        found.update(payload.values())
    return found


def _around(ids: list[UUID], *, live: set[str], dead: set[str]) -> _Around:
    links = Link.objects.filter(referral__in=ids, revoked_at__isnull=True)
    messages = Message.objects.filter(referral__in=ids).exclude(state=MessageState.WITHDRAWN)
    told = StatusChange.objects.filter(referral__in=ids, is_told=True)
    newest = told.filter(version=F("referral__version"))
    return _Around(
        links={link.referral_id: link for link in links.order_by("made_at", "pk")},
        messages={row.referral_id: row for row in messages.order_by("made_at", "pk")},
        told=dict(newest.values_list("referral_id", "business_status")),
        versions=dict(
            told.filter(version__gte=1, version__lte=F("referral__version"))
            .values_list("referral_id")
            .annotate(number=Count("pk"))
        ),
        live=live,
        dead=dead,
    )


def _known(row: _Row, around: _Around, *, at: datetime) -> Known:
    link, message = around.links.get(row.pk), around.messages.get(row.pk)
    own = {str(each.pk) for each in (row, link, message) if each}
    is_waiting = message is not None and message.state == MessageState.WAITING
    moves_it = {str(message.pk)} if message and is_waiting else own
    is_open = link is not None and link.expires_at > at
    return Known(
        business_status=row.business_status,
        told=around.told.get(row.pk, ""),
        # Versions are unique, so as many as the number of the newest leaves no gap.
        has_gapless_history=around.versions.get(row.pk) == row.version,
        is_contact_prohibited=row.is_contact_prohibited,
        has_live_job=not moves_it.isdisjoint(around.live),
        has_dead_job=not own.isdisjoint(around.dead),
        has_link=link is not None,
        is_link_open=is_open,
        is_link_locked=is_open and bool(link and link.locked_at),
        answer_by=link.made_at + LINK_LIFE if link else None,
        is_message_refused=message is not None and message.state == MessageState.REFUSED,
        is_letter=message is not None and message.channel == Channel.LETTER,
    )
