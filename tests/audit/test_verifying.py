"""``verify_audit`` finds every change to what was sealed, and says where."""
# ruff: noqa: S608  (the statements of somebody who tampers)

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import connection
from pytest_django import Settings

from audit.models import Entry, Seal
from tests.audit.tampering import as_owner, broken, heads, recorded, seal, sealed, tamper, verified

pytestmark = pytest.mark.django_db

_OTHER = "0190a000-0000-4000-8000-000000000001"
IN_ENTRY = {
    "at": "'2026-01-01 00:00:00+00:00'",
    "action": "'referral-moved'",
    "actor": "'systen'",
    "organisation_id": f"'{_OTHER}'",
    "target": "'ServiceRequest/3'",
    "detail": """'{"version": 2}'""",
    "tenant_id": f"'{_OTHER}'",
    "id": "999999",
}
IN_SEAL = {
    "position": "999999",
    "entry_id": "999999",
    "key_id": "'12345678'",
    "mac": "(SELECT mac FROM audit_seal WHERE position = 3)",
}


def test_a_chain_that_holds_is_told_with_its_length_and_head() -> None:
    sealed(3)

    said = verified()

    [head] = heads()
    assert said.splitlines() == [
        f"3 entries are as they were sealed. Head: {head['mac']}",
        f"1 heads in {configured.AUDIT_HEADS_FILE} agree.",
    ]


def test_the_cases_here_are_every_column_there_is() -> None:
    assert {field.column for field in Entry._meta.local_fields} == set(IN_ENTRY)
    assert {field.column for field in Seal._meta.local_fields} == set(IN_SEAL)


@pytest.mark.parametrize("column", IN_ENTRY)
def test_a_change_of_any_column_of_an_entry_is_found_where_it_is(column: str) -> None:
    ids = sealed(4)

    tamper(f"UPDATE audit_entry SET {column} = {IN_ENTRY[column]} WHERE id = {ids[1]}")

    assert f"Position 2: entry {ids[1]} " in broken()


@pytest.mark.parametrize("column", IN_SEAL)
def test_a_change_of_any_column_of_a_seal_is_found_where_it_is(column: str) -> None:
    sealed(4)

    tamper(f"UPDATE audit_seal SET {column} = {IN_SEAL[column]} WHERE position = 2")

    assert "Position 2: " in broken()


@pytest.mark.skipif(connection.vendor == "postgresql", reason="jsonb keeps no blanks")
def test_a_single_blank_in_a_stored_text_is_found() -> None:
    ids = sealed(2)

    tamper("""UPDATE audit_entry SET detail = '{"version":  1}' WHERE id = """ + str(ids[0]))

    assert "Position 1: " in broken()


def test_a_removed_entry_is_found() -> None:
    ids = sealed(4)

    tamper(f"DELETE FROM audit_entry WHERE id = {ids[2]}")

    assert f"Position 3: entry {ids[2]} is sealed there and missing." in broken()


@pytest.mark.parametrize("positions", ["1", "2", "2, 3"])
def test_entries_removed_with_their_seals_are_found(positions: str) -> None:
    sealed(4)

    tamper(
        f"DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_seal WHERE position IN ({positions}))",
        f"DELETE FROM audit_seal WHERE position IN ({positions})",
    )

    assert f"Position {positions[0]}: the seal is missing" in broken()


def test_a_gap_that_is_closed_up_is_found() -> None:
    ids = sealed(3)

    tamper(
        f"DELETE FROM audit_entry WHERE id = {ids[1]}",
        "DELETE FROM audit_seal WHERE position = 2",
        "UPDATE audit_seal SET position = 2 WHERE position = 3",
    )

    assert f"Position 2: entry {ids[2]} or its seal has been changed." in broken()


def test_two_entries_that_change_places_are_found() -> None:
    ids = sealed(3)

    tamper(
        "UPDATE audit_seal SET entry_id = -1 WHERE position = 1",
        f"UPDATE audit_seal SET entry_id = {ids[0]} WHERE position = 2",
        f"UPDATE audit_seal SET entry_id = {ids[1]} WHERE position = 1",
    )

    assert "Position 1: " in broken()


def test_two_entries_that_change_ids_are_found() -> None:
    ids = sealed(3)

    tamper(
        f"UPDATE audit_entry SET id = -1 WHERE id = {ids[1]}",
        f"UPDATE audit_entry SET id = {ids[1]} WHERE id = {ids[2]}",
        f"UPDATE audit_entry SET id = {ids[2]} WHERE id = -1",
    )

    assert "Position 2: " in broken()


def test_a_chain_that_is_cut_off_is_found_by_the_heads_outside() -> None:
    ids = sealed(2)
    seal_more = recorded(2)
    seal()

    tamper(
        "DELETE FROM audit_seal WHERE position > 2",
        f"DELETE FROM audit_entry WHERE id > {ids[-1]}",
    )

    assert len(seal_more) == 2
    assert "Position 4: it was sealed" in broken()


def _missing(file: Path) -> None:
    file.unlink()


def _empty(file: Path) -> None:
    file.write_text("")


def _unreadable(file: Path) -> None:
    file.write_text("no head\n")


@pytest.mark.parametrize("without_heads", [_missing, _empty, _unreadable])
def test_seals_without_heads_do_not_pass_unless_that_is_asked_for(
    without_heads: Callable[[Path], None],
) -> None:
    sealed(2)
    without_heads(Path(configured.AUDIT_HEADS_FILE))

    assert f"{configured.AUDIT_HEADS_FILE} holds no heads" in broken()
    assert "No heads were compared" in verified("--without-heads")


def test_without_heads_a_change_is_found_all_the_same() -> None:
    ids = sealed(2)
    tamper(f"UPDATE audit_entry SET actor = 'nobody' WHERE id = {ids[1]}")

    assert "Position 2: " in broken("--without-heads")


def test_where_nothing_was_sealed_no_heads_are_needed() -> None:
    assert not Path(configured.AUDIT_HEADS_FILE).exists()
    assert verified().startswith("0 entries")


def test_each_machine_has_its_heads_and_every_file_counts(
    settings: Settings, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    both = ("--heads", str(one), "--heads", str(two))
    for file in (one, two):
        settings.AUDIT_HEADS_FILE = str(file)
        sealed(2)
    settings.AUDIT_HEADS_FILE = str(tmp_path / "none")

    assert verified(*both).splitlines()[1:] == [
        f"1 heads in {one} agree.",
        f"1 heads in {two} agree.",
    ]


def test_an_end_that_only_the_second_file_knows_of_is_found_missing(
    settings: Settings, tmp_path: Path
) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    settings.AUDIT_HEADS_FILE = str(one)
    ids = sealed(2)
    settings.AUDIT_HEADS_FILE = str(two)
    sealed(2)

    tamper(
        "DELETE FROM audit_seal WHERE position > 2",
        f"DELETE FROM audit_entry WHERE id > {ids[-1]}",
    )

    assert verified("--heads", str(one)).startswith("2 entries")
    assert "Position 4: it was sealed" in broken("--heads", str(one), "--heads", str(two))


def test_a_named_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    sealed(1)
    absent = str(tmp_path / "absent.jsonl")

    assert f"{absent} holds no heads" in broken(
        "--heads", configured.AUDIT_HEADS_FILE, "--heads", absent
    )


def test_a_chain_that_was_cut_off_and_went_on_is_found() -> None:
    ids = sealed(3)
    tamper(
        "DELETE FROM audit_seal WHERE position = 3",
        f"DELETE FROM audit_entry WHERE id = {ids[2]}",
    )

    recorded(2)
    seal()

    assert "Position 3: the chain was made anew" in broken()


def test_a_chain_that_was_made_anew_from_the_beginning_is_found() -> None:
    ids = sealed(3)
    tamper("DELETE FROM audit_seal", f"UPDATE audit_entry SET actor = 'nobody' WHERE id = {ids[0]}")

    seal()

    assert "Position 3: the chain was made anew" in broken()


def test_a_line_that_a_full_disk_cut_off_stops_nothing() -> None:
    sealed(1)
    with Path(configured.AUDIT_HEADS_FILE).open("a") as file:
        file.write('{"position": 2, "ma\n{"position": null, "mac": ""}\n7\n\n')
    recorded(1)
    seal()

    assert f"2 heads in {configured.AUDIT_HEADS_FILE} agree." in verified()


def test_what_is_not_sealed_within_a_minute_is_told() -> None:
    sealed(2)
    late = recorded(3)

    assert f"3 entries are not sealed, the first of them entry {late[0]}." in broken()


def test_a_new_key_seals_from_now_on_and_the_old_one_still_verifies(settings: Settings) -> None:
    sealed(2)
    [old] = settings.FIELD_KEYS
    settings.FIELD_KEYS = [secrets.token_bytes(32), old]
    ids = sealed(2)

    assert verified().startswith("4 entries")
    assert Seal.objects.values("key_id").distinct().count() == 2

    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]

    assert "Position 1: " in broken()
    assert "is not in FIELD_KEYS" in broken()
    assert ids


def test_whoever_has_the_database_but_no_key_cannot_seal(settings: Settings) -> None:
    ids = sealed(2)
    known = settings.FIELD_KEYS
    tamper("DELETE FROM audit_seal", f"UPDATE audit_entry SET actor = 'nobody' WHERE id = {ids[0]}")
    Path(configured.AUDIT_HEADS_FILE).unlink()
    settings.FIELD_KEYS = [secrets.token_bytes(32)]
    seal()
    settings.FIELD_KEYS = known

    assert "Position 1: " in broken()


def test_a_trigger_of_somebody_elses_is_found_before_what_it_wrote_is_believed() -> None:
    sealed(2)
    with as_owner(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN new.actor := 'nobody'; RETURN new; END $$;"
                " CREATE TRIGGER falsify BEFORE INSERT ON audit_entry"
                " FOR EACH ROW EXECUTE FUNCTION falsify()"
            )
        else:
            cursor.execute("CREATE TRIGGER falsify AFTER INSERT ON audit_entry BEGIN SELECT 1; END")

    assert "triggers or rules on the audit's tables: falsify" in broken()


def test_an_entry_with_an_id_before_all_others_is_sealed_too() -> None:
    [first] = recorded()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (id, at, action, actor, target, detail)"
            " SELECT -5, at, action, actor, target, detail FROM audit_entry"
        )
    seal()

    assert set(Seal.objects.values_list("entry_id", flat=True)) == {first, -5}
