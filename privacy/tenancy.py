"""Whose rows the database shows. Set inside a transaction and gone with it, so that no connection keeps it.

PostgreSQL's policies (``privacy.row_security``) read what is set here; SQLite, which serves one organisation, only
runs the transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

_EVERYBODY = "*"


@dataclass(frozen=True)
class Reach:
    """What is shown: the rows of an organisation, one ICB's figures, the link whose hash is known. Else nothing."""

    tenant: str = ""
    icb: str = ""
    link: str = ""


NOTHING = Reach()
# For the operator's commands, the sealing of the audit and the sweep: anything else that asks for this fails the
# architecture tests.
EVERYBODY = Reach(tenant=_EVERYBODY)

_reach: ContextVar[Reach] = ContextVar("reach", default=NOTHING)


@contextmanager
def reaching(reach: Reach) -> Iterator[None]:
    """One transaction in which the database shows what ``reach`` says. May be nested; the outer reach comes back."""
    before = _reach.get()
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        token = _reach.set(reach)
        try:
            _tell_database(reach)
            yield
            if not is_outermost and not connection.needs_rollback:
                _tell_database(before)  # after an error the rollback does it
        finally:
            _reach.reset(token)


@contextmanager
def acting_for(organisation_id: UUID) -> Iterator[None]:
    """One transaction for one organisation: only its rows are there."""
    with reaching(Reach(tenant=str(organisation_id))):
        yield


@contextmanager
def counting_for(icb_id: UUID) -> Iterator[None]:
    """One transaction in which the referrals of one ICB can be counted, and nothing be written."""
    with reaching(Reach(icb=str(icb_id))):
        yield


def current_tenant() -> UUID | None:
    """The organisation that is being acted for, if it is one."""
    tenant = _reach.get().tenant
    return UUID(tenant) if tenant not in ("", _EVERYBODY) else None


def _tell_database(reach: Reach) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.tenant', %s, true), set_config('app.icb', %s, true),"
            " set_config('app.link', %s, true)",
            [reach.tenant, reach.icb, reach.link],
        )
