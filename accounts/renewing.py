"""Bringing organisations in line with the official tables: who is there, what they are called, where they belong."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Organisation, OrganisationKind, Succession

_SUCCESSION = ("predecessor", "successor", "on_date")
_FACTS = ("name", "postcode", "icb_id", "valid_from", "valid_to")


class CodeIsTaken(Exception):
    """An ODS code of the table belongs to an organisation of another kind here."""


@dataclass(frozen=True, kw_only=True)
class OrganisationFacts:
    """What an official table says of an organisation. ``icb_ods``: the board that it belongs to, if any."""

    ods_code: str
    name: str
    postcode: str = ""
    icb_ods: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, kw_only=True)
class SuccessionFacts:
    """One organisation taking over another, or a part of it."""

    predecessor_ods: str
    successor_ods: str
    on_date: date
    kind: str


@dataclass
class Changes:
    """ODS codes by what became of them. ``changed`` are those that neither closed nor opened again."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)
    unchanged: int = 0


@transaction.atomic
def renew_organisations(
    kind: OrganisationKind, facts: Iterable[OrganisationFacts], *, at: datetime
) -> Changes:
    """Add what is new and change what differs; what the table does not name stays as it is. Raises CodeIsTaken.

    A name that differs in capitals only is the same name: ODS writes in capitals, and ours are for reading.
    """
    boards = _ids(OrganisationKind.ICB)
    known = {row.ods_code: row for row in Organisation.objects.filter(kind=kind)}
    changes, fresh = Changes(), []
    for fact in facts:
        old = known.get(fact.ods_code)
        row = Organisation(
            kind=kind,
            ods_code=fact.ods_code,
            name=old.name if old and old.name.casefold() == fact.name.casefold() else fact.name,
            postcode=fact.postcode,
            icb_id=boards[fact.icb_ods] if fact.icb_ods else None,
            valid_from=fact.valid_from,
            valid_to=fact.valid_to,
            updated_at=at,
        )
        if _noted(changes, row, old):
            fresh.append(row)
    _refuse_codes_of_others(kind, changes.added)
    Organisation.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["ods_code"],
        update_fields=[*_FACTS, "updated_at"],
        batch_size=1000,
    )
    return changes


@transaction.atomic
def renew_successions(facts: Iterable[SuccessionFacts], *, of: Collection[str]) -> int:
    """Make the successions between the boards ``of`` (ODS codes) these and no others; says how many are new."""
    boards, before = _ids(OrganisationKind.ICB), set(_between(of).values_list(*_SUCCESSION))
    rows = [
        Succession(
            predecessor_id=boards[fact.predecessor_ods],
            successor_id=boards[fact.successor_ods],
            on_date=fact.on_date,
            kind=fact.kind,
        )
        for fact in facts
    ]
    _between(of).delete()
    Succession.objects.bulk_create(rows)
    return len(set(_between(of).values_list(*_SUCCESSION)) - before)


def _between(boards: Collection[str]) -> QuerySet[Succession]:
    return Succession.objects.filter(
        predecessor__ods_code__in=boards, successor__ods_code__in=boards
    )


@transaction.atomic
def renew_pcn_members(pcn_of: Mapping[str, str], *, at: datetime) -> int:
    """Put practices into the PCNs given (ODS codes of both), and all others into none; says how many moved."""
    pcns = _ids(OrganisationKind.PCN)
    practices = Organisation.objects.filter(kind=OrganisationKind.PRACTICE)
    moved = []
    for practice in practices:
        pcn_id = pcns.get(pcn_of.get(practice.ods_code or "", ""))
        if practice.pcn_id != pcn_id:
            practice.pcn_id, practice.updated_at = pcn_id, at
            moved.append(practice)
    Organisation.objects.bulk_update(moved, ["pcn", "updated_at"], batch_size=500)
    return len(moved)


def _ids(kind: OrganisationKind) -> dict[str | None, UUID]:
    return dict(Organisation.objects.filter(kind=kind).values_list("ods_code", "pk"))


def _noted(changes: Changes, row: Organisation, old: Organisation | None) -> bool:
    """Note what is happening to an organisation; whether anything is."""
    code = row.ods_code or ""
    if old is None:
        changes.added.append(code)
    elif all(getattr(row, name) == getattr(old, name) for name in _FACTS):
        changes.unchanged += 1
        return False
    elif row.valid_to and not old.valid_to:
        changes.closed.append(code)
    elif old.valid_to and not row.valid_to:
        changes.reopened.append(code)
    else:
        changes.changed.append(code)
    return True


def _refuse_codes_of_others(kind: OrganisationKind, codes: list[str]) -> None:
    others = Organisation.objects.filter(ods_code__isnull=False).exclude(kind=kind)
    if taken := sorted(set(codes) & set(others.values_list("ods_code", flat=True))):
        raise CodeIsTaken(f"Organisations of another kind have these codes: {', '.join(taken)}.")
