"""Row-level security on PostgreSQL: what each reach shows, and that it ends with its transaction."""

from hashlib import sha256
from uuid import UUID

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.models import Organisation
from config.fictional import Person, people
from jobs.models import Job
from privacy import row_security, tenancy
from privacy.row_security import Tenancy
from privacy.tenancy import NOTHING, Reach, acting_for, counting_for, reaching
from referrals.models import (
    Link,
    Offer,
    Patient,
    PatientSession,
    Placement,
    Referral,
    StatusChange,
)
from referrals.sessions import begin_session, session_of
from tests import application_role, cast
from tests.architecture.tree import PACKAGES
from tests.referrals import steps

pytestmark = pytest.mark.django_db

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite serves one organisation"
)
TABLES = (Patient, Referral, StatusChange, Offer, Link, PatientSession, Placement)


@pytest.fixture
def own(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral of the practice whose patient has joined and is signed in."""
    referral = steps.invited(gp_system, person, run_jobs)
    steps.joined(referral)
    begin_session(referral=referral, at=timezone.now())
    return referral


@pytest.fixture
def foreign(other_gp_system: cast.ClinicalSystem, run_jobs: cast.RunJobs) -> Referral:
    """A referral of another ICB's practice whose patient has joined and is signed in."""
    referral = steps.invited(other_gp_system, next(people(seed=5)), run_jobs)
    steps.joined(referral)
    begin_session(referral=referral, at=timezone.now())
    return referral


def shown() -> dict[str, int]:
    """How many rows of each table are there."""
    return {model.__name__: model.objects.count() for model in TABLES}


@pytest.mark.parametrize(
    "model",
    [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES],
    ids=lambda model: model._meta.label,
)
def test_every_model_says_whose_its_rows_are(model: type) -> None:
    assert isinstance(model.TENANCY, Tenancy | None)  # type: ignore[attr-defined]


@on_postgresql
def test_where_nothing_is_said_nothing_is_shown(own: Referral) -> None:
    with application_role.as_product():
        seen = shown()

    assert set(seen.values()) == {0}
    assert Referral.objects.get() == own


@on_postgresql
def test_an_organisation_sees_its_own_rows_and_no_others(own: Referral, foreign: Referral) -> None:
    both = shown()
    with application_role.as_product(), acting_for(own.practice_id):
        seen = shown()
        referrals = set(Referral.objects.all())

    assert referrals == {own}
    assert all(0 < seen[name] < both[name] for name in seen)


@on_postgresql
def test_a_row_cannot_be_written_for_another_organisation(own: Referral, foreign: Referral) -> None:
    with application_role.as_product(), acting_for(own.practice_id):
        changed = Referral.objects.filter(pk=foreign.pk).update(priority="urgent")
        own.practice_id = foreign.practice_id
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            own.save(update_fields=["practice"])

    assert changed == 0


@on_postgresql
def test_an_icb_can_count_its_referrals_and_neither_change_them_nor_see_more(own: Referral) -> None:
    assert own.icb_id is not None
    with application_role.as_product(), counting_for(own.icb_id):
        seen = shown()
        changed = Referral.objects.update(priority="urgent")

    assert (seen.pop("Referral"), set(seen.values()), changed) == (1, {0}, 0)


@on_postgresql
def test_who_knows_the_code_sees_the_link_and_nothing_behind_it(own: Referral) -> None:
    link = own.links.get()
    with application_role.as_product(), reaching(Reach(link=link.code_hash)):
        seen = shown()

    assert (seen.pop("Link"), set(seen.values())) == (1, {0})


@on_postgresql
def test_who_holds_the_token_sees_that_session_and_nothing_else(own: Referral) -> None:
    now = timezone.now()
    token = begin_session(referral=own, at=now)
    session = PatientSession.objects.get(token_hash=sha256(token.encode()).hexdigest())
    with application_role.as_product():
        found = session_of(token, at=now)
        with reaching(Reach(link=session.token_hash)):
            seen = shown()
            changed = PatientSession.objects.update(ended_at=now)

    assert found == session
    assert (seen.pop("PatientSession"), set(seen.values()), changed) == (1, {0}, 0)
    assert own.sessions.count() == 2


@on_postgresql
def test_a_host_sees_its_members_places_and_nothing_of_the_referral(own: Referral) -> None:
    placement = own.placements.get()
    with application_role.as_product(), acting_for(placement.community.host_id):
        seen = shown()
        changed = Placement.objects.update(tells_practice=True)

    assert (seen.pop("Placement"), set(seen.values()), changed) == (1, {0}, 0)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_what_is_said_ends_with_the_transaction(own: Referral) -> None:
    def said() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.tenant', true)")
            return str(cursor.fetchone()[0])

    with application_role.as_product():
        with acting_for(own.practice_id):
            inside = said()
        after_commit = said()
        with pytest.raises(ZeroDivisionError), acting_for(own.practice_id):
            raise ZeroDivisionError
        after_rollback = said()

    assert (inside, after_commit, after_rollback) == (str(own.practice_id), "", "")


@on_postgresql
def test_a_reach_within_another_gives_way_to_it_again(own: Referral, foreign: Referral) -> None:
    with application_role.as_product(), acting_for(own.practice_id):
        with acting_for(foreign.practice_id):
            inner = set(Referral.objects.all())
        outer = set(Referral.objects.all())
        with pytest.raises(ZeroDivisionError), acting_for(foreign.practice_id):
            raise ZeroDivisionError
        after_an_error = set(Referral.objects.all())

    assert (inner, outer, after_an_error) == ({foreign}, {own}, {own})


def test_who_is_acted_for_is_known(db: None) -> None:
    practice: UUID = Organisation.objects.get(ods_code=cast.PRACTICE).pk

    with application_role.as_product():
        assert tenancy.current_tenant() is None
        with acting_for(practice):
            assert tenancy.current_tenant() == practice
        with reaching(NOTHING):
            assert tenancy.current_tenant() is None


@on_postgresql
def test_the_owner_of_the_tables_may_not_serve() -> None:
    faults = row_security.faults()  # the tests log in as the owner and then put on the role

    assert any("can bypass" in fault for fault in faults)
    assert any("owns the table" in fault for fault in faults)
    assert not any("has no forced" in fault for fault in faults)


@on_postgresql
def test_a_table_whose_guard_is_taken_away_is_a_fault_that_migrate_mends() -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; ALTER TABLE referrals_patient NO FORCE ROW LEVEL SECURITY")

        assert "The table referrals_patient has no forced row-level security." in (
            row_security.faults()
        )
        row_security.apply()
        assert not any("has no forced" in fault for fault in row_security.faults())


@on_postgresql
@pytest.mark.parametrize("right", ["SUPERUSER", "BYPASSRLS", "CREATEROLE"])
def test_a_role_that_can_become_another_that_bypasses_is_a_fault(right: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"RESET ROLE; CREATE ROLE mighty {right}; CREATE ROLE servant IN ROLE mighty;"
            " SET SESSION AUTHORIZATION servant"
        )
        found = row_security.faults()
        cursor.execute("RESET SESSION AUTHORIZATION")

    assert found == ["The database role can bypass row-level security, as mighty."]


@on_postgresql
def test_the_application_may_not_empty_or_alter_what_it_uses() -> None:
    for statement in (
        "TRUNCATE jobs_job",
        "ALTER TABLE referrals_patient DISABLE ROW LEVEL SECURITY",
        "DROP POLICY owned ON referrals_patient",
        "UPDATE audit_entry SET actor = 'nobody'",
        "DELETE FROM audit_entry",
    ):
        with (
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert Job.objects.count() == 0
